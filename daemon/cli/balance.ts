/**
 * mpvm balance: moves that even out the load, planned by a policy. Ctrl-C ends a watch; the moves
 * that are under way are made all the same.
 */
import { readFileSync } from 'node:fs';
import { MpvmError } from '../errors.js';
import { readDecisions, replay } from '../schedule/replay.js';
import type { BalanceOptions, Policy } from '../schedule/policy.js';
import type { mpvm } from '../rpc/messages.js';
import { BalanceView, planLines } from './balance-view.js';
import type { PlanShape } from './balance-view.js';
import { userName } from './cordon.js';
import { blocked, done, failed, timedOut } from './exit.js';
import { Screen } from './screen.js';
import type { Session } from './session.js';
import { expectOk } from './status.js';
import { printJson } from './table.js';
import { formatTid, parseTids } from './tid.js';

interface Options {
  policy?: Policy;
  dryRun?: boolean;
  watch?: boolean;
  detach?: boolean;
  period?: number;
  tolerance?: number;
  rest?: number;
  gain?: number;
  maxMoves?: number;
  concurrency?: number;
  move?: string[];
  plan?: string;
  replay?: string;
  reclaim?: string[];
  within?: number;
  linger?: boolean;
  status?: boolean;
  stop?: boolean;
}

export async function balance(session: Session, options: Options): Promise<number> {
  if (options.replay !== undefined) return replayFile(session, options.replay, options);
  if (options.stop) return stop(session);
  if (options.status) return status(session);
  return run(session, options);
}

async function run(session: Session, options: Options): Promise<number> {
  const moves = [...(options.move ?? []).map(parseMove), ...(options.plan === undefined ? [] : planMoves(options.plan))];
  const request: mpvm.node.IBalanceRequest = {
    policy: options.policy ?? (moves.length > 0 ? 'manual' : ''),
    dryRun: options.dryRun, watch: options.watch, detach: options.detach, periodS: options.period,
    tolerance: options.tolerance, restS: options.rest, gainFactor: options.gain, mostMoves: options.maxMoves, concurrency: options.concurrency,
    moves, user: userName(), reclaim: options.reclaim, withinS: options.within, linger: options.linger,
  };
  const client = await session.control();
  const screen = session.json ? undefined : new Screen(process.stdout);
  const view = new BalanceView(screen, { dryRun: options.dryRun ?? false, watch: options.watch ?? false, json: session.json });
  process.on('SIGINT', () => {
    screen?.clear();
    process.stderr.write(options.watch && !options.detach ? 'mpvm: the watch is over; moves under way are made\n' : 'mpvm: stopped watching; the moves go on: mpvm migrations\n');
    process.exit(130);
  });
  for await (const event of client.balance(request)) {
    if (event.failed) {
      screen?.clear();
      expectOk(event.failed);
    }
    view.show(event);
  }
  view.end();
  if (options.detach) screen?.log('the watch goes on: mpvm balance --status, mpvm balance --stop');
  return view.incomplete ? blocked : view.late ? timedOut : done;
}

function parseMove(text: string): { tid: number; to: string } {
  const [tid = '', to = ''] = text.split('=');
  if (to === '') throw new MpvmError('BAD_REQUEST', { detail: `--move ${text} is not TID=NODE` });
  return { tid: parseTids([tid])[0]!, to };
}

/** Of `--dry-run -o json`, edited perhaps: whoever is to stay is taken out. */
function planMoves(path: string): { tid: number; to: string }[] {
  const bad = (detail: string): MpvmError => new MpvmError('BAD_DECISIONS', { path, detail });
  let plan: { plan?: { tid: string; to: string }[] };
  try {
    plan = JSON.parse(read(path)) as typeof plan;
  } catch (error) {
    throw error instanceof MpvmError ? error : bad('it is not JSON');
  }
  if (!Array.isArray(plan.plan)) throw bad('it has no plan');
  return plan.plan.map(({ tid, to }) => parseMove(`${tid}=${to}`));
}

function read(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new MpvmError('BAD_DECISIONS', { path, detail: (error as Error).message });
  }
}

// ---------------------------------------------------------------- off line

/** Each decision of a log is made again; with --policy and others, as it would have been made then. */
function replayFile(session: Session, path: string, options: Options): Promise<number> {
  const change: Partial<BalanceOptions> = {};
  if (options.policy !== undefined) change.policy = options.policy;
  if (options.tolerance !== undefined) change.tolerance = options.tolerance;
  if (options.rest !== undefined) change.restSeconds = options.rest;
  if (options.gain !== undefined) change.gainFactor = options.gain;
  if (options.reclaim !== undefined) change.reclaim = options.reclaim;
  if (options.within !== undefined) change.withinSeconds = options.within;
  if (options.linger !== undefined) change.linger = options.linger;
  if (options.maxMoves !== undefined) change.mostMoves = options.maxMoves;
  const whatIf = Object.keys(change).length > 0;
  let all: ReturnType<typeof replay>[];
  try {
    all = readDecisions(read(path)).map((decision) => replay(decision, change));
  } catch (error) {
    throw error instanceof MpvmError ? error : new MpvmError('BAD_DECISIONS', { path, detail: (error as Error).message });
  }
  const shapes = all.map(({ decision, plan, same }) => ({
    id: decision.id, time: decision.time, user: decision.user, dryRun: decision.dryRun, policy: change.policy ?? decision.options.policy, same,
    plan: plan.moves.map(({ tid, from, to, bytes, seconds, reason }) => ({ tid: formatTid(tid), from, to, bytes, ms: Math.round(seconds * 1e6) / 1000, reason })),
    notes: plan.notes, before: plan.before, after: plan.after, gainSeconds: plan.gain, costSeconds: plan.cost,
  }));
  if (session.json) printJson(shapes);
  else for (const shape of shapes) process.stdout.write(`${decisionLines(shape, whatIf).join('\n')}\n`);
  return Promise.resolve(whatIf || all.every(({ same }) => same) ? done : failed);
}

function decisionLines(shape: PlanShape & { id: string; time: string; user: string; dryRun: boolean; policy: string; same: boolean }, whatIf: boolean): string[] {
  const verdict = whatIf ? 'as it would be' : shape.same ? 'the same again' : 'DIFFERENT from what was decided then';
  return [`${shape.time} ${shape.id} ${shape.policy}${shape.dryRun ? ' (dry run)' : ''}, asked for by ${shape.user}: ${verdict}`, ...planLines(shape).map((line) => `  ${line}`)];
}

// ---------------------------------------------------------------- a watch elsewhere

async function stop(session: Session): Promise<number> {
  const client = await session.control();
  await client.stopBalance({}, { timeoutMs: 70_000 });
  if (session.json) printJson({ running: false });
  else process.stdout.write('balancing stopped\n');
  return done;
}

async function status(session: Session): Promise<number> {
  const client = await session.control();
  const now = await client.balanceStatus({});
  const shape = {
    running: now.running, watch: now.watch, detached: now.detached, policy: now.policy, periodSeconds: now.periodS, user: now.user,
    since: now.sinceMs ? new Date(now.sinceMs).toISOString() : null, plans: now.plans, moved: now.moved, failed: now.failed, log: now.log, node: now.node,
  };
  if (session.json) printJson(shape);
  else if (!now.running) process.stdout.write(`not balancing; decisions are in ${now.log} on ${now.node}\n`);
  else process.stdout.write(
    `${now.watch ? `watching every ${now.periodS} s` : 'balancing'} by ${now.policy}, asked for by ${now.user}, since ${shape.since}: ` +
    `${now.plans} plans, ${now.moved} moved, ${now.failed} failed; decisions are in ${now.log} on ${now.node}\n`,
  );
  return done;
}
