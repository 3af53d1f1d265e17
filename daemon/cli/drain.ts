/**
 * mpvm drain: cordon nodes and move their tasks away; done when they are truly empty. Ctrl-C stops
 * watching, not the drain.
 */
import { mpvm } from '../rpc/messages.js';
import { MpvmError } from '../errors.js';
import { userName } from './cordon.js';
import { blocked, done, timedOut } from './exit.js';
import { bytes, milliseconds, paint, plural } from './format.js';
import { milestone, progress as moveLine, summary } from './migrate.js';
import { nodeList } from './nodes.js';
import { Screen } from './screen.js';
import type { Session } from './session.js';
import { leftShape, migrationShape, plannedShape } from './shapes.js';
import type { LeftShape, MigrationShape, PlannedShape } from './shapes.js';
import { expectOk } from './status.js';
import { printJson, printLines, table } from './table.js';
import { formatTid } from './tid.js';

interface Options {
  dryRun?: boolean;
  deadline?: number;
  then?: 'fail' | 'kill' | 'wait';
  concurrency?: number;
  reason?: string;
  detach?: boolean;
  cancel?: boolean;
  status?: boolean;
}

const Then = mpvm.node.DrainRequest.Then;
const thens = { fail: Then.FAIL, kill: Then.KILL, wait: Then.WAIT };

export interface DrainShape {
  id: string;
  nodes: string[];
  dryRun: boolean;
  plan: PlannedShape[];
  migrations: MigrationShape[];
  left: LeftShape[];
  /** What it had to wait for, or has done beside moving. */
  notes: string[];
  moved: number;
  /** At the deadline, with --then kill. */
  killed: string[];
  timedOut: boolean;
}
interface ProgressShape {
  moved: number;
  moving: number;
  waiting: number;
  blocked: number;
  bytesSent: number;
  bytesTotal: number;
  bytesPerSecond: number;
  /** An estimate. */
  leftMs: number;
}
interface DrainInfoShape {
  id: string;
  nodes: string[];
  reason: string;
  user: string;
  started: string;
  deadline: string | null;
  then: string;
  progress: ProgressShape | null;
}

function progressShape(progress: mpvm.node.DrainEvent.IProgress): ProgressShape {
  return {
    moved: progress.moved ?? 0,
    moving: progress.moves?.length ?? 0,
    waiting: progress.waiting ?? 0,
    blocked: progress.blocked ?? 0,
    bytesSent: progress.bytesSent ?? 0,
    bytesTotal: progress.bytesTotal ?? 0,
    bytesPerSecond: progress.bytesPerSecond ?? 0,
    leftMs: (progress.leftUs ?? 0) / 1000,
  };
}

function drainInfoShape(info: mpvm.node.IDrainInfo): DrainInfoShape {
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    id: info.id ?? '',
    nodes: info.nodes ?? [],
    reason: info.reason ?? '',
    user: info.user ?? '',
    started: time(info.startedMs ?? 0),
    deadline: info.deadlineMs ? time(info.deadlineMs) : null,
    then: (Then[info.then ?? 0] ?? 'fail').toLowerCase(),
    progress: info.progress ? progressShape(info.progress) : null,
  };
}

/** 2 of 7 tasks moved, 1 cannot be moved, 1.2 of 3.4 GiB, 890 MiB/s, about 3.0 s left */
function totals(p: ProgressShape): string {
  const parts = [
    `${p.moved} of ${plural(p.moved + p.moving + p.waiting + p.blocked, 'task')} moved`,
    p.blocked > 0 ? `${p.blocked} cannot be moved now` : '',
    p.bytesTotal > 0 ? `${bytes(p.bytesSent)} of ${bytes(p.bytesTotal)}` : '',
    p.bytesPerSecond > 0 ? `${bytes(p.bytesPerSecond)}/s` : '',
    p.moving + p.waiting > 0 && p.leftMs > 0 ? `about ${milliseconds(p.leftMs)} left` : '',
  ];
  return parts.filter(Boolean).join(', ');
}

export async function drain(session: Session, names: string[], options: Options): Promise<number> {
  checkOptions(names, options);
  if (options.status) return await drainStatus(session, names);
  if (options.cancel) return await cancelDrain(session, names);
  const nodes = [...new Set(names)];
  const known = await nodeList(session);
  for (const node of nodes) if (!known.some((other) => other.name === node)) throw new MpvmError('NODE_UNKNOWN', { node });
  const screen = new Screen(process.stdout, !session.json);
  process.on('SIGINT', () => {
    screen.clear();
    process.stderr.write(`mpvm: stopped watching; the drain goes on: mpvm drain --status, mpvm drain --cancel ${nodes.join(' ')}\n`);
    process.exit(130);
  });
  const client = await session.control();
  const result = await watchDrain(
    client.drain({
      nodes,
      dryRun: options.dryRun,
      deadlineS: options.deadline,
      then: thens[options.then ?? 'fail'],
      concurrency: options.concurrency,
      reason: options.reason,
      user: userName(),
      detach: options.detach,
    }),
    { nodes, dryRun: options.dryRun ?? false },
    session.json ? undefined : screen,
  );
  if (session.json) printJson(result);
  else if (!options.dryRun) printEnd(result, options.detach ?? false);
  if (result.timedOut) return timedOut;
  return result.left.length > 0 ? blocked : done;
}

function checkOptions(names: string[], options: Options): void {
  const wrong = (detail: string): MpvmError => new MpvmError('BAD_REQUEST', { detail });
  if (options.status && options.cancel) throw wrong('--status and --cancel exclude each other');
  if (names.length === 0 && !options.status) throw wrong('name the nodes');
  if (options.then === 'kill' && options.deadline === undefined) throw wrong('--then kill takes a --deadline');
  if (options.then === 'fail' && options.deadline === undefined) throw wrong('--then fail takes a --deadline');
}

async function cancelDrain(session: Session, names: string[]): Promise<number> {
  const { nodes } = await (await session.control()).cancelDrain({ nodes: names, user: userName() });
  if (session.json) printJson({ cancelled: nodes });
  else printLines(nodes.map((node) => `node/${node} not drained any more; it stays cordoned (mpvm uncordon ${node})`));
  return done;
}

/** Of these nodes, or all. */
async function drainStatus(session: Session, names: string[]): Promise<number> {
  const { drains } = await (await session.control()).drains({});
  const shown = drains.map(drainInfoShape).filter(({ nodes }) => names.length === 0 || nodes.some((node) => names.includes(node)));
  if (session.json) printJson(shown);
  else if (shown.length === 0) printLines(['no drain is under way']);
  else for (const one of shown) printLines([`${one.nodes.map((node) => `node/${node}`).join(' ')}  ${one.progress ? totals(one.progress) : 'looking'}${whose(one)}`]);
  return done;
}

function whose({ reason, user, started, deadline, then }: DrainInfoShape): string {
  const when = (time: string): string => time.slice(0, 16).replace('T', ' ');
  return `  (${[reason, user, `since ${when(started)}`, deadline ? `until ${when(deadline)}, then ${then}` : ''].filter(Boolean).join(', ')})`;
}

/** Collects what a drain says, and shows it. */
export async function watchDrain(
  events: AsyncIterable<mpvm.node.IDrainEvent>,
  what: { nodes: string[]; dryRun: boolean },
  screen: Screen | undefined,
): Promise<DrainShape> {
  const result: DrainShape = { id: '', ...what, plan: [], migrations: [], left: [], notes: [], moved: 0, killed: [], timedOut: false };
  const seen = new Map<string, string>();
  for await (const event of events) {
    if (event.plan) showPlan(event.plan, result, screen);
    else if (event.migration) showMove(migrationShape(event.migration), result, seen, screen);
    else if (event.progress) screen?.draw(progressLines(event.progress));
    else if (event.note) {
      result.notes.push(event.note.text ?? '');
      screen?.log(paint('yellow', event.note.text ?? ''));
    } else if (event.left) {
      const left = leftShape(event.left);
      result.left.push(left);
      screen?.log(leftLine(left, 'stays'));
    } else if (event.done) {
      result.moved = event.done.moved ?? 0;
      result.timedOut = event.done.timedOut ?? false;
      result.killed = (event.done.killed ?? []).map(formatTid);
    } else if (event.failed) {
      screen?.clear();
      expectOk(event.failed);
    }
  }
  screen?.clear();
  return result;
}

/** A line for each task that moves, and one for all of them. */
function progressLines(progress: mpvm.node.DrainEvent.IProgress): string[] {
  return [...(progress.moves ?? []).map((move) => moveLine(migrationShape(move))), totals(progressShape(progress))];
}

function showPlan(plan: mpvm.node.DrainEvent.IPlan, result: DrainShape, screen: Screen | undefined): void {
  result.plan = (plan.moves ?? []).map(plannedShape);
  const stuck = (plan.blocked ?? []).map(leftShape);
  // In a dry run nobody says later who is left.
  if (result.dryRun) result.left.push(...stuck);
  if (!screen) return;
  result.id = plan.id ?? '';
  if (!result.dryRun) {
    for (const node of result.nodes) screen.log(`node/${node} cordoned, ${plural(result.plan.filter((move) => move.from === node).length, 'task')} to move`);
    for (const left of stuck) screen.log(leftLine(left, 'cannot be moved as things are'));
    return;
  }
  if (result.plan.length === 0 && stuck.length === 0) screen.log('nothing to move');
  if (result.plan.length > 0) for (const line of planTable(result.plan)) screen.log(line);
  for (const left of stuck) screen.log(leftLine(left, 'stays'));
}

/** A plan for people; of a drain or of a balancing. */
export function planTable(moves: PlannedShape[]): string[] {
  return table(
    [
      { title: 'TID', cell: (move) => move.tid },
      { title: 'FROM', cell: (move) => move.from },
      { title: 'TO', cell: (move) => move.to },
      { title: 'BYTES', cell: (move) => bytes(move.bytes), right: true },
      { title: 'ABOUT', cell: (move) => milliseconds(move.ms), right: true },
      { title: 'WHY', cell: (move) => move.reason },
    ],
    moves,
  );
}

function showMove(move: MigrationShape, result: DrainShape, seen: Map<string, string>, screen: Screen | undefined): void {
  const over = move.outcome !== 'running' && move.outcome !== '';
  if (!over) {
    const step = milestone(move);
    if (screen && !screen.live && step !== 'end' && seen.get(move.id) !== step) screen.log(moveLine(move));
    seen.set(move.id, step);
  } else if (result.migrations.some((other) => other.id === move.id)) {
    // Told again, with figures that were not known at first.
    result.migrations = result.migrations.map((other) => (other.id === move.id ? move : other));
  } else {
    result.migrations.push(move);
    screen?.log(move.outcome === 'completed' ? summary(move) : `${move.tid} ${paint('red', `stays at ${move.from}`)}: ${move.reason || move.code}`);
  }
}

function leftLine(left: LeftShape, how: string): string {
  const why = left.blockers.filter((b) => !b.warning).map((b) => `${b.cause}${b.remedy ? ` (${b.remedy})` : ''}`);
  return `${left.tid} on ${left.node} ${paint('red', how)}: ${why.join('; ') || 'no reason was given'}`;
}

function printEnd(result: DrainShape, detached: boolean): void {
  for (const node of result.nodes) {
    const left = result.left.filter((task) => task.node === node);
    if (detached) process.stdout.write(`node/${node} draining\n`);
    else if (left.length === 0 && !result.timedOut) process.stdout.write(`node/${node} ${paint('green', 'drained')}${result.killed.length > 0 ? `, ${plural(result.killed.length, 'task')} ended` : ''}\n`);
    else process.stdout.write(`node/${node} ${paint('red', 'not drained')}: ${result.timedOut ? 'out of time' : `${plural(left.length, 'task')} left`}\n`);
  }
}
