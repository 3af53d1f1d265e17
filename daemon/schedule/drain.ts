/** Emptying nodes: where each of their tasks goes, and which cannot go anywhere. */
import { crowding, largestFirst, memoryReserveBytes, place, rooms } from './place.js';
import type { Plan, Snapshot, TaskView } from './snapshot.js';

export function planDrain(snapshot: Snapshot, drained: ReadonlySet<string>): Plan {
  const plan: Plan = { moves: [], stays: [] };
  const open = rooms(snapshot.nodes, (node) => node.up && !node.cordoned && !drained.has(node.name));

  for (const task of largestFirst(snapshot.tasks.filter(({ node }) => drained.has(node)))) {
    if (task.blocked.length > 0) {
      plan.stays.push({ tid: task.tid, node: task.node, why: 'blocked', detail: task.blocked.join('; ') });
      continue;
    }
    const before = open.map((room) => ({ name: room.node.name, crowding: crowding(room) }));
    const room = place(task, open);
    if (room === undefined) plan.stays.push({ tid: task.tid, node: task.node, why: 'room', detail: whyNoRoom(task, open) });
    else {
      const share = before.find(({ name }) => name === room.node.name)?.crowding ?? 0;
      plan.moves.push({
        tid: task.tid,
        from: task.node,
        to: room.node.name,
        bytes: task.bytes,
        reason: `drain: ${share.toFixed(2)} tasks a processor there, the fewest of ${open.length} node${open.length === 1 ? '' : 's'}`,
      });
    }
  }
  return plan;
}

function whyNoRoom(task: TaskView, open: ReturnType<typeof rooms>): string {
  if (open.length === 0) return 'no other node is up and open to tasks';
  const words = open.map(({ node, freeBytes }) => {
    if (task.refusedBy.has(node.name)) return `${node.name} cannot take it`;
    return `${node.name} has ${Math.max(0, Math.floor((freeBytes - memoryReserveBytes) / (1 << 20)))} MiB to spare`;
  });
  return `it needs ${Math.ceil(task.bytes / (1 << 20))} MiB; ${words.join(', ')}`;
}
