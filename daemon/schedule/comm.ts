/**
 * Keeps talkers together: tasks are joined along the busiest channels into groups that one node can
 * carry; groups are placed like tasks, the most demanding first, where they are or where those they
 * still talk to are, as long as that node does not get crowded. Then single tasks are looked at
 * once more.
 */
import { horizonSeconds } from './cost.js';
import { crowding, memoryReserveBytes } from './place.js';
import type { Room } from './place.js';
import type { Decision } from './policy.js';
import type { TaskView } from './snapshot.js';
import type { World } from './world.js';

interface Group {
  members: TaskView[];
  demand: number;
  /** Where a member is that may not move. */
  fixed: Room | undefined;
}

export function comm(world: World): Decision[] {
  const free = new Set(world.tasks.filter((task) => world.pinned(task) === undefined));
  const { home } = world;
  const groups = joined(world, free);
  for (const task of free) {
    world.rooms.depart(task, home.get(task.tid)!);
    world.at.delete(task.tid);
  }
  for (const group of groups) placeGroup(world, group, free, home);
  settle(world, free, home);
  return [...free].filter((task) => world.at.get(task.tid) !== home.get(task.tid)).map((task) => ({ task, to: world.at.get(task.tid)! }));
}

// ---------------------------------------------------------------- groups

function joined(world: World, free: ReadonlySet<TaskView>): Group[] {
  const groups = new Map<number, Group>();
  for (const task of world.tasks) {
    groups.set(task.tid, { members: [task], demand: task.demand, fixed: free.has(task) ? undefined : world.at.get(task.tid) });
  }
  const edges: { a: number; b: number; cost: number }[] = [];
  for (const [a, peers] of world.peers) for (const { tid, cost } of peers) if (tid > a) edges.push({ a, b: tid, cost });
  edges.sort((x, y) => y.cost - x.cost); // equals stay as they are: by tid
  const largest = world.rooms.open.reduce((most, room) => Math.max(most, room.cores), 0);
  for (const { a, b } of edges) {
    const [left, right] = [groups.get(a)!, groups.get(b)!];
    if (left === right || (left.fixed && right.fixed && left.fixed !== right.fixed)) continue;
    const room = left.fixed ?? right.fixed;
    if (left.demand + right.demand > world.enough * (room?.cores ?? largest) - (room?.node.other ?? 0)) continue;
    const [into, from] = left.members.length >= right.members.length ? [left, right] : [right, left];
    into.members.push(...from.members);
    into.demand += from.demand;
    into.fixed = room;
    for (const { tid } of from.members) groups.set(tid, into);
  }
  const list = [...new Set(groups.values())];
  // What cannot move is placed first; the rest as LPT does it.
  return list.sort((x, y) => Number(y.fixed !== undefined) - Number(x.fixed !== undefined) || y.demand - x.demand || x.members[0]!.tid - y.members[0]!.tid);
}

// ---------------------------------------------------------------- placing

type Home = ReadonlyMap<number, Room>;

function placeGroup(world: World, group: Group, free: ReadonlySet<TaskView>, home: Home): void {
  const moving = group.members.filter((task) => free.has(task));
  if (moving.length === 0) return;
  const demand = moving.reduce((sum, task) => sum + task.demand, 0);
  const candidates = group.fixed ? [group.fixed] : roomsFor(world, moving, demand, home);
  const limit = Math.max(world.enough, candidates.reduce((least, room) => Math.min(least, crowding(room, demand)), Infinity));
  let best: { room: Room; cost: number } | undefined;
  for (const room of candidates) {
    if (crowding(room, demand) > limit && !group.fixed) continue;
    if (!holds(moving, room, home)) continue;
    const cost = moving.reduce((sum, task) => sum + outside(world, task, room) + (home.get(task.tid) === room ? 0 : world.moveCost(task) / horizonSeconds(task)), 0);
    if (!best || cost < best.cost || (cost === best.cost && crowding(room) < crowding(best.room))) best = { room, cost };
  }
  for (const task of moving) put(world, task, best?.room ?? home.get(task.tid)!, home);
}

/** The emptiest first, then where members are, and those they talk to. */
function roomsFor(world: World, moving: readonly TaskView[], demand: number, home: Home): Room[] {
  const rooms = new Set<Room>();
  const [first] = moving;
  const emptiest = world.rooms.best({ ...first!, demand });
  if (emptiest) rooms.add(emptiest);
  const own = home.get(first!.tid)!;
  if (!emptiest || crowding(own, demand) <= crowding(emptiest, demand)) rooms.add(own);
  const near = new Set<Room>();
  for (const task of moving) {
    near.add(home.get(task.tid)!);
    for (const peer of world.peers.get(task.tid) ?? []) {
      const room = world.at.get(peer.tid);
      if (room) near.add(room);
    }
  }
  for (const room of [...near].sort((a, b) => a.order - b.order)) rooms.add(room);
  return [...rooms];
}

function holds(moving: readonly TaskView[], room: Room, home: Home): boolean {
  const coming = moving.filter((task) => home.get(task.tid) !== room);
  const bytes = coming.reduce((sum, task) => sum + task.bytes, 0);
  if (coming.length === 0) return true;
  return room.open && room.freeBytes >= bytes + memoryReserveBytes && coming.every(({ refusedBy }) => !refusedBy.includes(room.node.name));
}

/** Time lost to messages with those that are placed already, elsewhere. */
function outside(world: World, task: TaskView, room: Room): number {
  let sum = 0;
  for (const peer of world.peers.get(task.tid) ?? []) {
    const there = world.at.get(peer.tid);
    if (there && there !== room) sum += peer.cost;
  }
  return sum;
}

function put(world: World, task: TaskView, room: Room, home: Home): void {
  if (home.get(task.tid) === room) world.rooms.stay(task, room);
  else world.rooms.arrive(task, room);
  world.at.set(task.tid, room);
}

const passes = 2;

/** Single tasks go to those they talk to most, where that crowds nobody. */
function settle(world: World, free: ReadonlySet<TaskView>, home: Home): void {
  for (let pass = 0; pass < passes; pass++) {
    let moved = false;
    for (const task of free) {
      const now = world.at.get(task.tid)!;
      let best: { room: Room; talk: number } = { room: now, talk: world.talk(task, now) };
      if (best.talk === 0) continue;
      for (const room of new Set((world.peers.get(task.tid) ?? []).map(({ tid }) => world.at.get(tid)!))) {
        if (room === now || crowding(room, task.demand) > Math.max(world.enough, (1 - world.options.tolerance) * crowding(now)) || !holds([task], room, home)) continue;
        const talk = world.talk(task, room);
        if (talk < best.talk) best = { room, talk };
      }
      if (best.room === now) continue;
      moved = true;
      world.rooms.depart(task, now);
      if (home.get(task.tid) !== now) now.freeBytes += task.bytes;
      put(world, task, best.room, home);
    }
    if (!moved) return;
  }
}
