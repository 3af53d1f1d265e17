/** Moves that somebody else has decided (a person, a resource manager): checked, and done in their order. */
import { fits, memoryReserveBytes } from './place.js';
import type { Room } from './place.js';
import type { Decision } from './policy.js';
import { tidText } from './snapshot.js';
import type { Stays, TaskView } from './snapshot.js';
import type { World } from './world.js';

export function manual(world: World): { decisions: Decision[]; stays: Stays[] } {
  const tasks = new Map(world.tasks.map((task) => [task.tid, task]));
  const decisions: Decision[] = [];
  const stays: Stays[] = [];
  const seen = new Set<number>();
  for (const { tid, to } of world.options.moves) {
    const task = tasks.get(tid);
    const room = world.rooms.named(to);
    const refusal = seen.has(tid) ? 'it is named twice' : whyNot(world, task, room, { tid, to });
    seen.add(tid);
    if (refusal === undefined) {
      world.rooms.arrive(task!, room!);
      decisions.push({ task: task!, to: room!, why: 'manual: asked for' });
    } else if (task?.node !== to) {
      stays.push({ tid, node: task?.node ?? '', why: task && task.blocked.length > 0 ? 'blocked' : 'refused', detail: refusal });
    }
  }
  return { decisions, stays };
}

function whyNot(world: World, task: TaskView | undefined, room: Room | undefined, { tid, to }: { tid: number; to: string }): string | undefined {
  if (!task) return `there is no task ${tidText(tid)}`;
  if (!room) return `there is no node ${to}`;
  if (task.node === to) return `it is on ${to} already`;
  if (task.blocked.length > 0) return task.blocked.join('; ');
  if (world.pinned(task) === 'down') return `node ${task.node} is not up`;
  if (!room.node.up) return `node ${to} is not up`;
  if (room.node.cordoned) return `node ${to} is cordoned`;
  if (room.node.owner) return `the owner of node ${to} is at work: ${room.node.owner}`;
  if (task.refusedBy.includes(to)) return `${to} cannot take it`;
  if (!fits(task, room)) return `it needs ${Math.ceil(task.bytes / (1 << 20))} MiB, and ${to} has ${Math.max(0, Math.floor((room.freeBytes - memoryReserveBytes) / (1 << 20)))} MiB to spare`;
  return undefined;
}
