/** Balancing: one pure function from a snapshot and options to a plan, whatever the policy. */
import { comm } from './comm.js';
import { greedy } from './greedy.js';
import { manual } from './manual.js';
import type { BalanceOptions, BalancePlan, Decision } from './policy.js';
import { refine } from './refine.js';
import { rotate } from './rotate.js';
import type { Plan, Snapshot, Stays } from './snapshot.js';
import { givenBack } from './reclaim.js';
import type { GivenBack } from './reclaim.js';
import { notes, notWorth, reasons } from './words.js';
import { World } from './world.js';

export function planBalance(snapshot: Snapshot, options: BalanceOptions): BalancePlan {
  switch (options.policy) {
    case 'manual': {
      const world = new World(snapshot, options);
      const { decisions, stays } = manual(world);
      return finish(applied(world, decisions), { moves: [], stays });
    }
    case 'rotate': {
      const world = new World(snapshot, options);
      return finish(applied(world, rotate(world)), { moves: [], stays: blockedOf(snapshot) });
    }
    default: {
      const owners = givenBack(snapshot, options);
      if (options.reclaim?.length) return finish(new World(owners.then, options), owners);
      const world = even(new World(owners.then, options));
      if (passes(world)) return finish(world, owners);
      const remarks = [notWorth(world)];
      world.reset();
      return finish(world, owners, remarks);
    }
  }
}

/** A world with what a policy for load decides. */
function even(world: World): World {
  const { policy } = world.options;
  if (policy === 'comm') {
    const whole = applied(world, evened(world));
    if (passes(whole)) return whole;
    const { options } = world;
    world = new World(world.snapshot, { ...options, policy: 'refine', tolerance: (1 + options.tolerance) ** 2 - 1 }, world);
  }
  if (policy === 'greedy') return applied(world, greedy(world));
  refine(world);
  return world;
}

/** Where `comm` has put all tasks. Groups do not pack evenly: what they leave crowded is refined, with what messages cost in mind. */
function evened(world: World): Decision[] {
  comm(world);
  refine(world);
  return world.tasks.flatMap((task, index) => {
    const to = world.places[index]!;
    return to === world.homes[index] ? [] : [{ task, to }];
  });
}

/** The world as it is when these decisions have been made, one after the other: what a policy has tried out in it is undone first. */
function applied(world: World, decisions: readonly Decision[]): World {
  world.reset();
  const { options } = world;
  const some = options.mostMoves > 0 ? decisions.slice(0, options.mostMoves) : decisions;
  for (const { task, to, why } of some) world.move(task, to, why);
  return world;
}

/** Hysteresis, and cost against gain. Each move of `refine` has passed on its own. */
function passes(world: World): boolean {
  const { tolerance, gainFactor, policy } = world.options;
  if (world.decisions.length === 0 || policy === 'refine') return true;
  if (world.gain < gainFactor * world.cost) return false;
  const { before, after } = world.concerned();
  const better = after <= (1 - tolerance) * before;
  if (policy !== 'comm') return better;
  // Talkers are brought together up to the one limit and taken apart again beyond the other: else it would swing between the two.
  if (better && before > (1 + tolerance) * world.enough) return true;
  return after <= Math.max(before, world.enough) && world.after().talk <= (1 - tolerance) * world.before().talk;
}

function finish(world: World, first: Plan & Partial<GivenBack>, remarks?: string[]): BalancePlan {
  const { policy } = world.options;
  const asked = policy === 'manual' || policy === 'rotate' || first.moves.length > 0 || (first.reclaims?.length ?? 0) > 0;
  const why = reasons(world);
  const moves = world.decisions.map((decision) => ({
    tid: decision.task.tid,
    from: decision.task.node,
    to: decision.to.node.name,
    bytes: decision.task.bytes,
    seconds: world.moveSeconds(decision.task),
    reason: why(decision),
  }));
  return {
    moves: [...first.moves, ...moves],
    stays: first.stays,
    before: world.before(),
    after: world.after(),
    gain: world.gain,
    cost: world.cost,
    notes: [...(first.notes ?? []), ...(remarks ?? (asked ? [] : notes(world)))],
    ...(first.reclaims?.length ? { reclaims: first.reclaims } : {}),
    ...(first.lingers?.length ? { lingers: first.lingers } : {}),
  };
}

function blockedOf(snapshot: Snapshot): Stays[] {
  return snapshot.tasks
    .filter(({ blocked }) => blocked.length > 0)
    .sort((a, b) => a.tid - b.tid)
    .map(({ tid, node, blocked }) => ({ tid, node, why: 'blocked', detail: blocked.join('; ') }));
}
