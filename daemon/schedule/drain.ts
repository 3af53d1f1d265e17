/** Emptying nodes: where each of their tasks goes, and which cannot go anywhere. */
import { moveSeconds } from './cost.js';
import { crowding, largestFirst, Rooms, whatWouldHelp, whyNoRoom } from './place.js';
import type { Plan, Snapshot } from './snapshot.js';

/** `why` begins each reason: it is told the node that a task leaves. */
export function planDrain(snapshot: Snapshot, drained: ReadonlySet<string>, why: (node: string) => string = () => 'drain'): Plan {
  const plan: Plan = { moves: [], stays: [] };
  const rooms = new Rooms(snapshot.nodes, (node) => node.up && !node.cordoned && !node.owner && !drained.has(node.name));
  const leaving = snapshot.tasks.filter(({ node }) => drained.has(node));
  for (const task of snapshot.tasks) rooms.settle(task);

  const open = rooms.open.length;
  for (const task of largestFirst(leaving)) {
    if (task.blocked.length > 0) {
      plan.stays.push({ tid: task.tid, node: task.node, why: 'blocked', detail: task.blocked.join('; ') });
      continue;
    }
    const room = rooms.best(task);
    if (room === undefined) {
      plan.stays.push({ tid: task.tid, node: task.node, why: 'room', detail: whyNoRoom(task, rooms), help: whatWouldHelp(task, rooms, drained) });
      continue;
    }
    const share = crowding(room, task.demand).toFixed(2);
    rooms.arrive(task, room);
    plan.moves.push({
      tid: task.tid,
      from: task.node,
      to: room.node.name,
      bytes: task.bytes,
      seconds: moveSeconds(task.bytes, rooms.named(task.node)?.node.bytesPerSecond, task.dirtyBytesPerSecond),
      reason: `${why(task.node)}: ${share} tasks a processor there, the fewest of ${open} node${open === 1 ? '' : 's'}`,
    });
  }
  return plan;
}
