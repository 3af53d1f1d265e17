/**
 * Who may stay on a node whose owner is at work. At low priority a task gets what the owner leaves: it
 * stays where moving it would cost more than it would gain elsewhere, and where it cannot move at all.
 *
 * The rule, for a task that wants D processors and may be expected to go on for H seconds: it stays while
 *     D · (share there - share here) · H  <  gain factor · cost of its move
 * share here: what the owner leaves for each processor that lingering tasks want; share there: 1 / the
 * slowdown of the node it would go to, with all who go there.
 */
import { horizonSeconds, slowdown, stopSeconds } from './cost.js';
import { memoryReserveBytes } from './place.js';
import type { Linger } from './policy.js';
import type { NodeView, Plan, PlannedMove, Snapshot, TaskView } from './snapshot.js';

/** Of nice 19 against nice 0, as the kernel weighs them: 15 to 1024. */
const leastShare = 15 / 1024;

export function lingering(snapshot: Snapshot, plan: Plan, owned: readonly string[], gainFactor: number): Linger[] {
  const tasks = new Map(snapshot.tasks.map((task) => [task.tid, task]));
  const shares = sharesThere(snapshot, plan);
  return owned.flatMap((name): Linger[] => {
    const node = snapshot.nodes.find((one) => one.name === name)!;
    // Who lingers keeps its memory: that must not be what the owner lacks.
    if (!node.canLinger || node.memoryFreeBytes < memoryReserveBytes) return [];
    const stuck = plan.stays.filter((stay) => stay.node === name);
    const result = stuck.map(({ tid, detail }): Linger => ({ tid, node: name, on: true, reason: `it cannot go: ${detail}` }));
    let wanted = stuck.reduce((sum, { tid }) => sum + tasks.get(tid)!.demand, 0);
    for (const move of dearestFirst(plan.moves.filter(({ from }) => from === name))) {
      const task = tasks.get(move.tid)!;
      const here = shareHere(node, wanted + task.demand);
      const gain = task.demand * (shares.get(move.to)! - here) * horizonSeconds(task);
      const cost = gainFactor * (move.seconds + stopSeconds);
      if (gain >= cost) continue;
      wanted += task.demand;
      result.push({ tid: task.tid, node: name, on: true, reason: why(task, move, here, shares.get(move.to)!, gain, cost) });
    }
    return result;
  });
}

function shareHere({ cores, other }: NodeView, wanted: number): number {
  return wanted > 0 ? Math.min(1, Math.max(leastShare, (cores - other) / wanted)) : 1;
}

/** On each node, of a processor, when all have come that are to come. */
function sharesThere({ nodes, tasks }: Snapshot, { moves }: Plan): Map<string, number> {
  const to = new Map(moves.map((move) => [move.tid, move.to]));
  const loads = new Map(nodes.map(({ name, other }) => [name, other]));
  for (const { tid, node, demand } of [...tasks].sort((a, b) => a.tid - b.tid)) {
    const at = to.get(tid) ?? node;
    loads.set(at, (loads.get(at) ?? 0) + demand);
  }
  return new Map(nodes.map(({ name, cores }) => [name, 1 / slowdown(loads.get(name)! / (cores > 0 ? cores : 1))]));
}

const dearestFirst = (moves: readonly PlannedMove[]): PlannedMove[] => [...moves].sort((a, b) => b.seconds - a.seconds || a.tid - b.tid);

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

function why(task: TaskView, move: PlannedMove, here: number, there: number, gain: number, cost: number): string {
  if (task.demand < 0.005) return 'it lingers: it hardly computes';
  return `it lingers: at low priority it gets ${percent(here)} of a processor here, on ${move.to} ${percent(there)}; that gains ${Math.max(0, gain).toFixed(1)} s in the time it may go on, less than the ${cost.toFixed(1)} s that a move of ${move.seconds.toFixed(2)} s must bring`;
}
