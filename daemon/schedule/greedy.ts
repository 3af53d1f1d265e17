/**
 * Longest processing time: all tasks that may move are placed anew, the most demanding first, each
 * where it finds most of a processor; one that finds as much where it is stays there.
 */
import { crowding } from './place.js';
import type { Decision } from './policy.js';
import type { TaskView } from './snapshot.js';
import type { World } from './world.js';

export function greedy(world: World): Decision[] {
  const { rooms } = world;
  const free = world.tasks.filter((task) => task.demand > 0 && world.pinned(task) === undefined);
  for (const task of free) rooms.depart(task, world.place(task));
  const bound = lowerBound(world, free);
  const decisions: Decision[] = [];
  for (const task of free.sort((a, b) => b.demand - a.demand || a.tid - b.tid)) {
    const home = world.place(task);
    const best = rooms.best(task);
    if (!best || crowding(home, task.demand) <= Math.max(bound, crowding(best, task.demand))) {
      rooms.stay(task, home);
    } else {
      rooms.arrive(task, best);
      decisions.push({ task, to: best });
    }
  }
  return decisions;
}

/** No placement can make the most crowded node less crowded than this; up to it a task may stay where it is. */
function lowerBound(world: World, free: readonly TaskView[]): number {
  const cores = world.rooms.open.reduce((most, room) => Math.max(most, room.cores), Number.MIN_VALUE);
  const largest = free.reduce((most, { demand }) => Math.max(most, demand), 0);
  return Math.max(1, world.mean, largest / cores);
}
