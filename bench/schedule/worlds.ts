/** Synthetic virtual machines, from a seed: the same seed gives the same machine. */
import type { NodeView, Snapshot, Talk, TaskView } from '../../daemon/schedule/snapshot.js';

export interface Shape {
  name: string;
  nodes: number;
  tasks: number;
  /** All nodes alike, or from 2 to 32 processors, a tenth of them busy with other work. */
  mixed: boolean;
  /** Where tasks are at first: anywhere, or most of them on a tenth of the nodes. */
  start: 'random' | 'piled';
  /** Groups of this size exchange messages; 0: nobody talks. */
  team: number;
}

/** mulberry32 */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function world(shape: Shape, seed: number): Snapshot {
  const random = generator(seed);
  const nodes = Array.from({ length: shape.nodes }, (_, index): NodeView => ({
    name: `n${String(index).padStart(4, '0')}`,
    up: true,
    cordoned: false,
    cores: shape.mixed ? 2 ** (1 + Math.floor(random() * 5)) : 4,
    other: shape.mixed && random() < 0.1 ? random() * 2 : 0,
    memoryFreeBytes: 64 * 2 ** 30,
    bytesPerSecond: 1.2e9,
  }));
  const pile = Math.max(1, Math.floor(shape.nodes / 10));
  const place = (): string => nodes[Math.floor(random() * (shape.start === 'piled' && random() < 0.8 ? pile : shape.nodes))]!.name;
  const tasks = Array.from({ length: shape.tasks }, (_, index): TaskView => ({
    tid: 0x40001 + index,
    node: place(),
    bytes: Math.round(2 ** (20 + random() * 8)),
    demand: demandOf(random),
    cpuSeconds: 600 * random(),
    blocked: [],
    refusedBy: [],
  }));
  return { nodes, tasks, talks: shape.team > 1 ? talks(tasks, shape.team, random) : [] };
}

/** Most compute all the time, some now and then, some hardly ever. */
function demandOf(random: () => number): number {
  const kind = random();
  if (kind < 0.6) return 1;
  return kind < 0.9 ? random() : 0.02 * random();
}

/** Each task talks to two others of its team, and now and then to a stranger. */
function talks(tasks: readonly TaskView[], team: number, random: () => number): Talk[] {
  const result: Talk[] = [];
  const say = (from: TaskView, to: TaskView, most: number): void => {
    if (from !== to) result.push({ from: from.tid, to: to.tid, messagesPerSecond: most * random(), bytesPerSecond: most * 1000 * random() });
  };
  // Teams are mixed over the tasks as spawns over time would leave them.
  const order = tasks.map((task) => ({ task, key: random() })).sort((a, b) => a.key - b.key).map(({ task }) => task);
  order.forEach((task, index) => {
    const first = index - (index % team);
    const size = Math.min(team, order.length - first);
    for (const step of [1, 2]) say(task, order[first + ((index - first + step) % size)]!, 2000);
    if (random() < 0.1) say(task, order[Math.floor(random() * order.length)]!, 50);
  });
  return result;
}
