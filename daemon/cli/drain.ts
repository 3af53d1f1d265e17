/**
 * mpvm drain: cordon nodes and move their tasks away; done when they are truly empty. Ctrl-C stops
 * watching, not the drain.
 */
import type { mpvm } from '../rpc/messages.js';
import { MpvmError } from '../errors.js';
import { userName } from './cordon.js';
import { blocked, done, timedOut } from './exit.js';
import { bytes, milliseconds, paint, plural } from './format.js';
import { milestone, progress, summary } from './migrate.js';
import { nodeList } from './nodes.js';
import { Screen } from './screen.js';
import type { Session } from './session.js';
import { blockerShape, migrationShape } from './shapes.js';
import type { BlockerShape, MigrationShape } from './shapes.js';
import { expectOk } from './status.js';
import { printJson, table } from './table.js';
import { formatTid } from './tid.js';

interface Options {
  dryRun?: boolean;
  deadline?: number;
  reason?: string;
  detach?: boolean;
}

interface PlannedShape {
  tid: string;
  from: string;
  to: string;
  bytes: number;
  ms: number;
  reason: string;
}
interface LeftShape {
  tid: string;
  node: string;
  blockers: BlockerShape[];
}
export interface DrainShape {
  nodes: string[];
  dryRun: boolean;
  plan: PlannedShape[];
  migrations: MigrationShape[];
  left: LeftShape[];
  moved: number;
  timedOut: boolean;
}

export async function drain(session: Session, names: string[], options: Options): Promise<number> {
  const nodes = [...new Set(names)];
  const known = await nodeList(session);
  for (const node of nodes) if (!known.some((other) => other.name === node)) throw new MpvmError('NODE_UNKNOWN', { node });
  const screen = new Screen(process.stdout, !session.json);
  process.on('SIGINT', () => {
    screen.clear();
    process.stderr.write(`mpvm: stopped watching; the drain goes on: mpvm nodes, mpvm migrations\n`);
    process.exit(130);
  });
  const log = session.json ? undefined : screen;
  const client = await session.control();
  const result = await watchDrain(
    client.drain({
      nodes,
      dryRun: options.dryRun,
      deadlineS: options.deadline,
      reason: options.reason,
      user: userName(),
      detach: options.detach,
    }),
    { nodes, dryRun: options.dryRun ?? false },
    log,
  );
  if (session.json) printJson(result);
  else if (!options.dryRun) printEnd(result, options.detach ?? false);
  if (result.timedOut) return timedOut;
  return result.left.length > 0 ? blocked : done;
}

/** Collects what a drain says, and shows it. */
export async function watchDrain(
  events: AsyncIterable<mpvm.control.IDrainEvent>,
  what: { nodes: string[]; dryRun: boolean },
  screen: Screen | undefined,
): Promise<DrainShape> {
  const result: DrainShape = { ...what, plan: [], migrations: [], left: [], moved: 0, timedOut: false };
  const running = new Map<string, MigrationShape>();
  const seen = new Map<string, string>();
  for await (const event of events) {
    if (event.plan) showPlan(event.plan, result, screen);
    else if (event.migration) showMove(migrationShape(event.migration), result, { running, seen }, screen);
    else if (event.left) {
      const left = leftShape(event.left);
      result.left.push(left);
      screen?.log(leftLine(left));
    } else if (event.done) {
      result.moved = event.done.moved ?? 0;
      result.timedOut = event.done.timedOut ?? false;
    } else if (event.failed) {
      screen?.clear();
      expectOk(event.failed);
    }
  }
  screen?.clear();
  return result;
}

export function leftShape(left: mpvm.control.DrainEvent.ILeft): LeftShape {
  return { tid: formatTid(left.tid ?? 0), node: left.node ?? '', blockers: (left.blockers ?? []).map(blockerShape) };
}

export function plannedShape(move: mpvm.control.DrainEvent.IPlannedMove): PlannedShape {
  return { tid: formatTid(move.tid ?? 0), from: move.from ?? '', to: move.to ?? '', bytes: move.bytes ?? 0, ms: (move.us ?? 0) / 1000, reason: move.reason ?? '' };
}

function showPlan(plan: mpvm.control.DrainEvent.IPlan, result: DrainShape, screen: Screen | undefined): void {
  result.plan = (plan.moves ?? []).map(plannedShape);
  const stuck = (plan.blocked ?? []).map(leftShape);
  // In a dry run nobody says later who is left.
  if (result.dryRun) result.left.push(...stuck);
  if (!screen) return;
  if (!result.dryRun) {
    for (const node of result.nodes) screen.log(`node/${node} cordoned, ${plural(result.plan.filter((move) => move.from === node).length, 'task')} to move`);
    return;
  }
  if (result.plan.length === 0 && stuck.length === 0) screen.log('nothing to move');
  if (result.plan.length > 0) for (const line of planTable(result.plan)) screen.log(line);
  for (const left of stuck) screen.log(leftLine(left));
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

function showMove(
  move: MigrationShape,
  result: DrainShape,
  shown: { running: Map<string, MigrationShape>; seen: Map<string, string> },
  screen: Screen | undefined,
): void {
  const over = move.outcome !== 'running' && move.outcome !== '';
  if (!over) {
    shown.running.set(move.id, move);
    const step = milestone(move);
    if (screen && !screen.live && step !== 'end' && shown.seen.get(move.id) !== step) screen.log(progress(move));
    shown.seen.set(move.id, step);
  } else if (result.migrations.some((other) => other.id === move.id)) {
    // Told again, with figures that were not known at first.
    result.migrations = result.migrations.map((other) => (other.id === move.id ? move : other));
  } else {
    shown.running.delete(move.id);
    result.migrations.push(move);
    screen?.log(move.outcome === 'completed' ? summary(move) : `${move.tid} ${paint('red', `stays at ${move.from}`)}: ${move.reason || move.code}`);
  }
  screen?.draw([...shown.running.values()].map(progress));
}

function leftLine(left: LeftShape): string {
  const why = left.blockers.filter((b) => !b.warning).map((b) => `${b.cause}${b.remedy ? ` (${b.remedy})` : ''}`);
  return `${left.tid} ${paint('red', `stays at ${left.node}`)}: ${why.join('; ') || 'no reason was given'}`;
}

function printEnd(result: DrainShape, detached: boolean): void {
  for (const node of result.nodes) {
    const left = result.left.filter((task) => task.node === node);
    if (detached) process.stdout.write(`node/${node} draining\n`);
    else if (left.length === 0 && !result.timedOut) process.stdout.write(`node/${node} ${paint('green', 'drained')}\n`);
    else process.stdout.write(`node/${node} ${paint('red', 'not drained')}: ${result.timedOut ? 'out of time' : `${plural(left.length, 'task')} left`}\n`);
  }
}
