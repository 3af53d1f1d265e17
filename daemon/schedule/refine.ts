/**
 * Few moves: from the most crowded node, one task after the other, to the emptiest one, until no
 * node is crowded beyond the tolerance or no move would pay. No move makes its destination as
 * crowded as its source was, so the most crowded node never gets worse.
 */
import { Heap } from './heap.js';
import { crowding, fits } from './place.js';
import type { Decision } from './policy.js';
import type { Room } from './place.js';
import type { TaskView } from './snapshot.js';
import type { World } from './world.js';

export function refine(world: World): Decision[] {
  const crowded = new Heap<{ room: Room; crowding: number }>((a, b) => a.crowding > b.crowding || (a.crowding === b.crowding && a.room.order < b.room.order));
  const candidates = candidatesByRoom(world);
  for (const room of candidates.keys()) if (crowding(room) > world.enough) crowded.push({ room, crowding: crowding(room) });

  for (let top = crowded.pop(); top; top = crowded.pop()) {
    if (world.options.mostMoves > 0 && world.decisions.length >= world.options.mostMoves) break;
    const { room } = top;
    const choice = choose(world, room, candidates.get(room)!);
    if (!choice) continue;
    world.move(choice.task, choice.to);
    if (crowding(room) > world.enough) crowded.push({ room, crowding: crowding(room) });
  }
  return world.decisions;
}

/** Tasks that may leave, the most demanding first. */
function candidatesByRoom(world: World): Map<Room, TaskView[]> {
  const result = new Map<Room, TaskView[]>();
  for (const task of world.tasks) {
    if (task.demand <= 0 || world.pinned(task) !== undefined) continue;
    const room = world.place(task);
    const list = result.get(room);
    if (list) list.push(task);
    else result.set(room, [task]);
  }
  for (const list of result.values()) list.sort((a, b) => b.demand - a.demand || a.bytes - b.bytes || a.tid - b.tid);
  return result;
}

/** How many tasks of a node are tried before it is left as it is. */
const triesPerMove = 32;

/** The largest task whose move pays: taken out of the list. */
function choose(world: World, from: Room, tasks: TaskView[]): { task: TaskView; to: Room } | undefined {
  const limit = (1 - world.options.tolerance) * crowding(from);
  let best: { index: number; to: Room; worst: number } | undefined;
  let tries = 0;
  for (let index = firstThatHelps(world, from, tasks, limit); index < tasks.length && tries < triesPerMove; index++) {
    const task = tasks[index]!;
    const to = world.rooms.best(task);
    if (!to || !fits(task, to) || crowding(to, task.demand) > limit) continue;
    tries++;
    const worst = Math.max(crowding(to, task.demand), crowding(from, -task.demand));
    // From here on tasks are smaller, and leave more behind.
    if (best && worst >= best.worst) break;
    if (world.moveGain(task, to) < world.options.gainFactor * world.moveCost(task)) continue;
    best = { index, to, worst };
  }
  if (!best) return undefined;
  const [task] = tasks.splice(best.index, 1);
  return { task: task!, to: best.to };
}

/** By halving: tasks before it are too large even for the emptiest node. */
function firstThatHelps(world: World, from: Room, tasks: TaskView[], limit: number): number {
  let [low, high] = [0, tasks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const to = world.rooms.best(tasks[middle]!);
    if (to && to !== from && crowding(to, tasks[middle]!.demand) > limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
