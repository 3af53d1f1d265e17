/** Moves everything that can move to the next node: no better placement, but a test of moving. */
import { fits } from './place.js';
import type { Decision } from './policy.js';
import type { World } from './world.js';

export function rotate(world: World): Decision[] {
  const { rooms } = world;
  const decisions: Decision[] = [];
  for (const task of world.tasks) {
    const why = world.pinned(task);
    if (why === 'blocked' || why === 'down') continue;
    const home = world.place(task);
    for (let step = 1; step < rooms.all.length; step++) {
      const to = rooms.all[(home.order + step) % rooms.all.length]!;
      if (!fits(task, to)) continue;
      rooms.depart(task, home);
      rooms.arrive(task, to);
      decisions.push({ task, to, why: `rotate: ${to.node.name} is the next node after ${task.node} that can take it` });
      break;
    }
  }
  return decisions;
}
