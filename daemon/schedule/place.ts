/** Greedy placement: the largest task first, each to the node where it has most of a processor and enough memory. */
import type { NodeView, TaskView } from './snapshot.js';

/** Kept free on a node beside what its new tasks bring. */
export const memoryReserveBytes = 128 << 20;

/** A node as it will be once the moves decided so far have been made. */
export interface Room {
  readonly node: NodeView;
  tasks: number;
  freeBytes: number;
}

export function rooms(nodes: readonly NodeView[], usable: (node: NodeView) => boolean): Room[] {
  const inOrder = nodes.filter(usable).sort((a, b) => (a.name < b.name ? -1 : 1));
  return inOrder.map((node) => ({ node, tasks: node.tasks, freeBytes: node.memoryFreeBytes }));
}

/** Tasks (or other work, which load tells) for each processor if one more came. */
export function crowding({ node, tasks }: Room): number {
  const foreign = Math.max(0, node.load - node.tasks);
  return (tasks + foreign + 1) / Math.max(1, node.cpus);
}

/** The best room for a task, taken; undefined when none will do. Ties go by name, so that a plan can be repeated. */
export function place(task: TaskView, among: readonly Room[]): Room | undefined {
  const fitting = among.filter((room) =>
    room.node.name !== task.node && !task.refusedBy.has(room.node.name) && room.freeBytes >= task.bytes + memoryReserveBytes);
  const best = fitting.reduce<Room | undefined>((chosen, room) => (chosen === undefined || better(room, chosen) ? room : chosen), undefined);
  if (best) {
    best.tasks++;
    best.freeBytes -= task.bytes;
  }
  return best;
}

function better(a: Room, b: Room): boolean {
  const [left, right] = [crowding(a), crowding(b)];
  return left < right || (left === right && a.node.name < b.node.name);
}

export function largestFirst(tasks: readonly TaskView[]): TaskView[] {
  return [...tasks].sort((a, b) => b.bytes - a.bytes || a.tid - b.tid);
}
