/**
 * Keeps talkers together: tasks are joined along the busiest channels into groups that one node can
 * carry; groups are placed like tasks, the most demanding first, where they are or where those they
 * still talk to are, as long as that node does not get crowded. Then single tasks are looked at
 * once more. Tasks are known by their index in the world; what a node would save is added up once for
 * all nodes that come into question.
 */
import { horizonSeconds } from './cost.js';
import { crowding, memoryReserveBytes } from './place.js';
import type { Room } from './place.js';
import { busiestFirst } from './talk.js';
import type { World } from './world.js';

interface Group {
  /** Indices, by tid. */
  members: number[];
  demand: number;
  /** Where a member is that may not move. */
  fixed: Room | undefined;
}

/** Places all tasks of the world anew. */
export function comm(world: World): void {
  const free = new Uint8Array(world.tasks.length);
  world.tasks.forEach((task, index) => (free[index] = world.pinned(task) === undefined ? 1 : 0));
  const groups = joined(world, free);
  world.tasks.forEach((task, index) => {
    if (!free[index]) return;
    world.rooms.depart(task, world.homes[index]!);
    world.places[index] = undefined;
  });
  const tally = new Tally(world);
  for (const group of groups) placeGroup(world, group, free, tally);
  settle(world, free, tally);
}

// ---------------------------------------------------------------- groups

function joined(world: World, free: Uint8Array): Group[] {
  const { tasks, homes } = world;
  const [parent, size, demand] = [new Int32Array(tasks.length), new Int32Array(tasks.length).fill(1), new Float64Array(tasks.length)];
  tasks.forEach((task, index) => {
    parent[index] = index;
    demand[index] = task.demand;
  });
  const fixed = homes.map((room, index): Room | undefined => (free[index] ? undefined : room));
  const largest = world.rooms.open.reduce((most, room) => Math.max(most, room.cores), 0);
  const root = (of: number): number => {
    while (parent[of] !== of) of = parent[of] = parent[parent[of]!]!;
    return of;
  };
  const { a, b } = busiestFirst(world.graph);
  for (let edge = 0; edge < a.length; edge++) {
    const [left, right] = [root(a[edge]!), root(b[edge]!)];
    if (left === right || (fixed[left] && fixed[right] && fixed[left] !== fixed[right])) continue;
    const room = fixed[left] ?? fixed[right];
    if (demand[left]! + demand[right]! > world.enough * (room?.cores ?? largest) - (room?.node.other ?? 0)) continue;
    const [into, from] = size[left]! >= size[right]! ? [left, right] : [right, left];
    parent[from] = into;
    size[into]! += size[from]!;
    demand[into]! += demand[from]!;
    fixed[into] = room;
  }
  const groups = new Map<number, Group>();
  for (let index = 0; index < tasks.length; index++) {
    const of = root(index);
    const group = groups.get(of);
    if (group) group.members.push(index);
    else groups.set(of, { members: [index], demand: demand[of]!, fixed: fixed[of] });
  }
  // What cannot move is placed first; the rest as LPT does it.
  return [...groups.values()].sort((x, y) => Number(y.fixed !== undefined) - Number(x.fixed !== undefined) || y.demand - x.demand || x.members[0]! - y.members[0]!);
}

// ---------------------------------------------------------------- placing

/** What some tasks would save in a room, for all rooms that matter to them, and the rooms in the order they were found. */
class Tally {
  readonly rooms: Room[] = [];
  /** By order of the room: time not lost to messages if they were there. */
  readonly #saved: Float64Array;
  readonly #known: Uint8Array;
  total = 0;

  constructor(world: World) {
    this.#saved = new Float64Array(world.rooms.all.length);
    this.#known = new Uint8Array(world.rooms.all.length);
  }
  clear(): void {
    for (const { order } of this.rooms) {
      this.#saved[order] = 0;
      this.#known[order] = 0;
    }
    this.rooms.length = 0;
    this.total = 0;
  }
  meet(room: Room): void {
    if (this.#known[room.order]) return;
    this.#known[room.order] = 1;
    this.rooms.push(room);
  }
  save(room: Room, cost: number): void {
    this.meet(room);
    this.#saved[room.order]! += cost;
    this.total += cost;
  }
  /** Lost if they were there. */
  lost(room: Room): number {
    return this.total - this.#saved[room.order]!;
  }
  /** Messages with those that are placed. */
  hear(world: World, index: number): void {
    const { start, peer, cost } = world.graph;
    for (let at = start[index]!; at < start[index + 1]!; at++) {
      const room = world.places[peer[at]!];
      if (room) this.save(room, cost[at]!);
    }
  }
}

function placeGroup(world: World, group: Group, free: Uint8Array, tally: Tally): void {
  const moving = group.members.filter((index) => free[index]);
  if (moving.length === 0) return;
  let demand = 0;
  for (const index of moving) demand += world.tasks[index]!.demand;
  tally.clear();
  if (group.fixed) tally.meet(group.fixed);
  else meetRooms(world, moving[0]!, demand, tally);
  const first = tally.rooms.length;
  for (const index of moving) {
    const task = world.tasks[index]!;
    tally.save(world.homes[index]!, world.moveCost(task) / horizonSeconds(task));
    tally.hear(world, index);
  }
  const candidates = group.fixed ? [group.fixed] : [...tally.rooms.slice(0, first), ...tally.rooms.slice(first).sort((a, b) => a.order - b.order)];
  const best = group.fixed ? bestOf(world, candidates, moving, demand, Infinity, tally) : bestOf(world, candidates, moving, demand, leastCrowded(world, candidates, demand), tally);
  for (const index of moving) put(world, index, best ?? world.homes[index]!);
}

function leastCrowded(world: World, rooms: readonly Room[], demand: number): number {
  let least = Infinity;
  for (const room of rooms) least = Math.min(least, crowding(room, demand));
  return Math.max(world.enough, least);
}

function bestOf(world: World, rooms: readonly Room[], moving: readonly number[], demand: number, limit: number, tally: Tally): Room | undefined {
  let best: Room | undefined;
  for (const room of rooms) {
    if (crowding(room, demand) > limit) continue;
    const less = best ? tally.lost(room) - tally.lost(best) : -1;
    if (less > 0 || (less === 0 && crowding(room) >= crowding(best!))) continue;
    if (holds(world, moving, room)) best = room;
  }
  return best;
}

/** The emptiest first, then where the first one is. */
function meetRooms(world: World, first: number, demand: number, tally: Tally): void {
  const emptiest = world.rooms.best(world.tasks[first]!, demand);
  if (emptiest) tally.meet(emptiest);
  const own = world.homes[first]!;
  if (!emptiest || crowding(own, demand) <= crowding(emptiest, demand)) tally.meet(own);
}

function holds(world: World, moving: readonly number[], room: Room): boolean {
  let [bytes, coming] = [0, 0];
  for (const index of moving) {
    if (world.homes[index] === room) continue;
    const task = world.tasks[index]!;
    if (task.refusedBy.length > 0 && task.refusedBy.includes(room.node.name)) return false;
    bytes += task.bytes;
    coming++;
  }
  return coming === 0 || (room.open && room.freeBytes >= bytes + memoryReserveBytes);
}

function put(world: World, index: number, room: Room): void {
  const task = world.tasks[index]!;
  if (world.homes[index] === room) world.rooms.stay(task, room);
  else world.rooms.arrive(task, room);
  world.places[index] = room;
}

const passes = 2;

/** Single tasks go to those they talk to most, where that crowds nobody. */
function settle(world: World, free: Uint8Array, tally: Tally): void {
  for (let pass = 0; pass < passes; pass++) {
    let moved = false;
    for (let index = 0; index < free.length; index++) if (free[index] && settleOne(world, index, tally)) moved = true;
    if (!moved) return;
  }
}

function settleOne(world: World, index: number, tally: Tally): boolean {
  const now = world.places[index]!;
  tally.clear();
  tally.hear(world, index);
  let best = now;
  if (tally.lost(now) === 0) return false;
  const task = world.tasks[index]!;
  const limit = Math.max(world.enough, (1 - world.options.tolerance) * crowding(now));
  for (const room of tally.rooms) {
    if (room !== now && tally.lost(room) < tally.lost(best) && crowding(room, task.demand) <= limit && holds(world, [index], room)) best = room;
  }
  if (best === now) return false;
  world.rooms.depart(task, now);
  if (world.homes[index] !== now) now.freeBytes += task.bytes;
  put(world, index, best);
  return true;
}
