/**
 * What has been published for the same task, written anew from its description (the strategies that
 * Charm++ made known), to compare with: they see load alone, and no cost of a move.
 *
 *   GreedyLB       the heaviest object to the least loaded processor, wherever it was
 *   GreedyRefine   the same, but an object stays when its processor is still below what greedy reaches
 *   RefineLB       from processors above 1.02 times the mean, the largest object that a light one can take
 */
import { Heap } from '../../daemon/schedule/heap.js';
import type { Snapshot, TaskView } from '../../daemon/schedule/snapshot.js';

/** Where each task is to be. */
export type Placement = Map<number, string>;
export type Baseline = (snapshot: Snapshot) => Placement;

interface Processor {
  name: string;
  cores: number;
  load: number;
}
const share = (one: Processor, more = 0): number => (one.load + more) / one.cores;

function processors({ nodes }: Snapshot): Map<string, Processor> {
  return new Map(nodes.map(({ name, cores, other }) => [name, { name, cores, load: other }]));
}
const heaviestFirst = (tasks: readonly TaskView[]): TaskView[] => [...tasks].sort((a, b) => b.demand - a.demand || a.tid - b.tid);

export function greedyLB(snapshot: Snapshot): Placement {
  const heap = new Heap<Processor>((a, b) => share(a) < share(b) || (share(a) === share(b) && a.name < b.name));
  for (const one of processors(snapshot).values()) heap.push(one);
  const result: Placement = new Map();
  for (const task of heaviestFirst(snapshot.tasks)) {
    const one = heap.pop()!;
    one.load += task.demand;
    result.set(task.tid, one.name);
    heap.push(one);
  }
  return result;
}

export function greedyRefine(snapshot: Snapshot): Placement {
  const reached = most(snapshot, greedyLB(snapshot));
  const all = processors(snapshot);
  const heap = new Heap<{ one: Processor; load: number }>((a, b) => a.load / a.one.cores < b.load / b.one.cores);
  for (const one of all.values()) heap.push({ one, load: one.load });
  const result: Placement = new Map();
  for (const task of heaviestFirst(snapshot.tasks)) {
    let target = all.get(task.node)!;
    if (share(target, task.demand) > reached) {
      let top = heap.pop()!;
      while (top.load !== top.one.load) top = heap.pop()!;
      target = top.one;
    }
    target.load += task.demand;
    heap.push({ one: target, load: target.load });
    result.set(task.tid, target.name);
  }
  return result;
}

const overloadFactor = 1.02;

export function refineLB(snapshot: Snapshot): Placement {
  const all = processors(snapshot);
  const at = new Map<string, TaskView[]>([...all.keys()].map((name) => [name, []]));
  for (const task of snapshot.tasks) {
    all.get(task.node)!.load += task.demand;
    at.get(task.node)!.push(task);
  }
  const list = [...all.values()];
  const mean = list.reduce((sum, { load }) => sum + load, 0) / list.reduce((sum, { cores }) => sum + cores, 0);
  const limit = overloadFactor * mean;
  const light = new Set(list.filter((one) => share(one) < limit));
  const result: Placement = new Map(snapshot.tasks.map(({ tid, node }) => [tid, node]));
  const heavy = new Heap<Processor>((a, b) => share(a) > share(b));
  for (const one of list) if (share(one) > limit) heavy.push(one);
  for (let donor = heavy.pop(); donor; donor = heavy.pop()) {
    const objects = heaviestFirst(at.get(donor.name)!);
    const best = firstFit(objects, light, limit);
    if (!best) continue;
    donor.load -= best.task.demand;
    best.to.load += best.task.demand;
    result.set(best.task.tid, best.to.name);
    at.set(donor.name, objects.filter((task) => task !== best.task));
    if (share(best.to) >= limit) light.delete(best.to);
    if (share(donor) > limit) heavy.push(donor);
    else light.add(donor);
  }
  return result;
}

/** The largest object that some light processor can take, on the one that it fills best. */
function firstFit(objects: readonly TaskView[], light: ReadonlySet<Processor>, limit: number): { task: TaskView; to: Processor } | undefined {
  for (const task of objects) {
    let to: Processor | undefined;
    for (const one of light) if (share(one, task.demand) <= limit && (!to || share(one, task.demand) > share(to, task.demand))) to = one;
    if (to) return { task, to };
  }
  return undefined;
}

/** Work for each processor on the most crowded node. */
export function most(snapshot: Snapshot, placement: Placement): number {
  const all = processors(snapshot);
  for (const task of snapshot.tasks) all.get(placement.get(task.tid) ?? task.node)!.load += task.demand;
  return Math.max(...[...all.values()].map((one) => share(one)));
}
