/**
 * Nodes whose owners are at work are given back first; the rest is planned as if that were done. The
 * goal may be a time: then the moves are put in an order, and as many made at once, that it is met;
 * where it cannot be, as much of the owner's machine as possible is free by then, and the plan says so.
 */
import { plural } from '../shared/format.js';
import { setupSeconds, stopSeconds } from './cost.js';
import { planDrain } from './drain.js';
import { lingering } from './linger.js';
import type { BalanceOptions, Linger, Reclaim } from './policy.js';
import { tidText } from './snapshot.js';
import type { Plan, PlannedMove, Snapshot, Stays, TaskView } from './snapshot.js';

export interface GivenBack extends Plan {
  reclaims: Reclaim[];
  lingers: Linger[];
  notes: string[];
  /** The snapshot as it will be. */
  then: Snapshot;
}

export function givenBack(snapshot: Snapshot, options: BalanceOptions): GivenBack {
  const asked = new Set(options.reclaim ?? []);
  const owned = snapshot.nodes.filter(({ name, up, owner }) => up && (owner || asked.has(name))).map(({ name }) => name).sort();
  const over = lifted(snapshot, new Set(owned));
  const notes = [...asked].filter((name) => !owned.includes(name)).sort().map((name) => `there is no node ${name} that is up`);
  if (owned.length === 0) return { moves: [], stays: [], reclaims: [], lingers: over, notes, then: snapshot };

  const plan = planDrain(snapshot, new Set(owned), (node) => (asked.has(node) ? 'it is asked for by its owner' : 'its owner is at work'));
  const lingers = options.linger ? lingering(snapshot, plan, owned, options.gainFactor) : [];
  const staying = new Set(lingers.map(({ tid }) => tid));
  const tasks = new Map(snapshot.tasks.map((task) => [task.tid, task]));
  const moves: PlannedMove[] = [];
  const reclaims: Reclaim[] = [];
  for (const node of owned) {
    const schedule = inOrder(plan.moves.filter(({ tid, from }) => from === node && !staying.has(tid)), tasks, options.withinSeconds ?? 0);
    moves.push(...schedule.moves);
    reclaims.push({ node, ...schedule.reclaim });
    notes.push(...words(node, schedule, plan.stays.filter((stay) => stay.node === node), staying));
  }
  const changed = lingers.filter(({ tid }) => !tasks.get(tid)?.lingers);
  return { moves, stays: plan.stays, reclaims, lingers: [...over, ...changed], notes, then: settled(withMoves(snapshot, moves), [...moves, ...lingers]) };
}

/** Who lingers where no owner is any more. A node that is closed may have been given back by hand. */
function lifted({ nodes, tasks }: Snapshot, owned: ReadonlySet<string>): Linger[] {
  const free = new Set(nodes.filter(({ name, up, cordoned }) => up && !cordoned && !owned.has(name)).map(({ name }) => name));
  return tasks
    .filter(({ lingers, node }) => lingers && free.has(node))
    .sort((a, b) => a.tid - b.tid)
    .map(({ tid, node }) => ({ tid, node, on: false, reason: `the owner of ${node} is not at work any more` }));
}

/** The snapshot as it will be when these moves have been made, but for the memory that they free. */
function withMoves(snapshot: Snapshot, moves: readonly { tid: number; to: string; bytes: number }[]): Snapshot {
  const going = new Map(moves.map((move) => [move.tid, move]));
  const arriving = new Map<string, number>();
  for (const { to, bytes } of moves) arriving.set(to, (arriving.get(to) ?? 0) + bytes);
  return {
    ...snapshot,
    nodes: snapshot.nodes.map((node) => ({ ...node, memoryFreeBytes: node.memoryFreeBytes - (arriving.get(node.name) ?? 0) })),
    tasks: snapshot.tasks.map((task) => {
      const move = going.get(task.tid);
      return move ? { ...task, node: move.to } : task;
    }),
  };
}

/** What has been decided of these tasks is not decided again. */
function settled(snapshot: Snapshot, decided: readonly { tid: number }[]): Snapshot {
  const tids = new Set(decided.map(({ tid }) => tid));
  return { ...snapshot, tasks: snapshot.tasks.map((task) => (tids.has(task.tid) ? { ...task, blocked: ['it is on its way'] } : task)) };
}

// ---------------------------------------------------------------- in time

/** Tried in this order: fewer moves at once leave more of the machines and of the network to others. */
const laneCounts = [2, 4, 8, 16];

interface Schedule {
  moves: PlannedMove[];
  /** When each of them is over. */
  ends: number[];
  reclaim: Omit<Reclaim, 'node'>;
}

/** The first order and number of moves at once that meet the goal; if none does, what frees most of the processors by then. */
function inOrder(moves: readonly PlannedMove[], tasks: ReadonlyMap<number, TaskView>, withinSeconds: number): Schedule {
  const demand = ({ tid }: PlannedMove): number => tasks.get(tid)?.demand ?? 0;
  // Who takes most of the owner's processors for each second of moving goes first (Smith's rule); the longest first packs best.
  const orders = [
    [...moves].sort((a, b) => demand(b) / b.seconds - demand(a) / a.seconds || a.seconds - b.seconds || a.tid - b.tid),
    [...moves].sort((a, b) => b.seconds - a.seconds || a.tid - b.tid),
  ];
  let best: { schedule: Schedule; freed: number } | undefined;
  for (const lanes of laneCounts) {
    for (const order of orders) {
      const ends = endTimes(order, lanes);
      const seconds = Math.max(0, ...ends);
      const inTime = withinSeconds === 0 || seconds <= withinSeconds;
      const schedule = { moves: order, ends, reclaim: { lanes, seconds, withinSeconds, inTime } };
      if (inTime) return schedule;
      const freed = order.reduce((sum, move, at) => (ends[at]! <= withinSeconds ? sum + demand(move) : sum), 0);
      if (!best || freed > best.freed) best = { schedule, freed };
    }
  }
  return best!.schedule;
}

/** When each move is over, if so many at a time are made in this order: what they send shares the network, what they wait for does not. */
export function endTimes(moves: readonly PlannedMove[], lanes: number): number[] {
  const ends = new Array<number>(moves.length).fill(0);
  const running = new Map<number, { waits: number; sends: number }>();
  let [next, now] = [0, 0];
  while (next < moves.length || running.size > 0) {
    while (running.size < lanes && next < moves.length) {
      running.set(next, { waits: setupSeconds + stopSeconds, sends: Math.max(0, moves[next]!.seconds - setupSeconds - stopSeconds) });
      next++;
    }
    const all = [...running.values()];
    const sending = all.filter(({ waits, sends }) => waits <= 0 && sends > 0).length;
    const step = Math.min(...all.map(({ waits, sends }) => (waits > 0 ? waits : sends * sending)));
    now += step;
    for (const [at, one] of running) {
      if (one.waits > 0) one.waits -= step;
      else one.sends -= step / sending;
      if (one.waits > tiny) continue;
      one.waits = 0;
      if (one.sends > tiny) continue;
      ends[at] = now;
      running.delete(at);
    }
  }
  return ends;
}
/** Seconds; less is what rounding leaves. */
const tiny = 1e-9;

// ---------------------------------------------------------------- in words

const seconds = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} s`;
const size = (bytes: number): string => (bytes >= 1 << 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`);

function words(node: string, { moves, ends, reclaim }: Schedule, stays: readonly Stays[], lingering: ReadonlySet<number>): string[] {
  const { withinSeconds, inTime, lanes } = reclaim;
  const result: string[] = [];
  const all = `${plural(moves.length, 'task')} with ${size(moves.reduce((sum, { bytes }) => sum + bytes, 0))} in about ${seconds(reclaim.seconds)}, ${Math.min(lanes, moves.length)} at once`;
  if (!inTime) {
    const gone = ends.filter((end) => end <= withinSeconds).length;
    result.push(`${node} cannot be given back within ${seconds(withinSeconds)}: that moves ${all}; ${gone} of them will be gone by then, those that take most of its processors first`);
  } else if (withinSeconds > 0 && moves.length > 0) result.push(`${node} is given back within ${seconds(withinSeconds)}: ${all}`);
  for (const { tid, detail } of stays) result.push(`${node} is not given back altogether: ${tidText(tid)} stays${lingering.has(tid) ? ' at low priority' : ''}: ${detail}`);
  return result;
}
