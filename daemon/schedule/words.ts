/** Decisions in words, with their numbers. */
import { plural } from '../shared/format.js';
import { slowdown } from './cost.js';
import { crowding } from './place.js';
import type { Room } from './place.js';
import type { Decision, Figures } from './policy.js';
import { tidText } from './snapshot.js';
import type { TaskView } from './snapshot.js';
import type { World } from './world.js';

const one = (value: number): string => (Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, ''));
const two = (value: number): string => value.toFixed(2).replace(/\.?0+$/, '');
const seconds = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} s`;

/** "n2 has 3 processors' worth of work for 2; on n3 (1 for 2) t40005 ends 33 % sooner; cost 0.30 s" */
export function reasons(world: World): (decision: Decision) => string {
  // What is said of a node is the same in all of them.
  const [before, after] = [perRoom(world, (room) => `${room.node.name} ${work(room, world.initial[room.order]!)}`), perRoom(world, (room) => `on ${room.node.name} (then ${one(room.load)} for ${two(room.cores)})`)];
  return ({ task, to, why }) => {
    if (why !== undefined) return why;
    const from = world.home(task);
    const sooner = Math.round((1 - slowdown(crowding(to)) / slowdown(world.initial[from.order]! / from.cores)) * 100);
    const talk = talkWords(world, task, to);
    return `${before(from)}; ${after(to)} ${tidText(task.tid)} ${sooner > 0 ? `ends ${sooner} % sooner` : `ends no sooner, but leaves room`}${talk ? `; ${talk}` : ''}; cost ${seconds(world.moveCost(task))}`;
  };
}

function perRoom(world: World, say: (room: Room) => string): (room: Room) => string {
  const said = new Array<string | undefined>(world.rooms.all.length);
  return (room) => (said[room.order] ??= say(room));
}

function work(room: Room, load: number): string {
  return `has ${one(load)} processor${one(load) === '1' ? "'s" : "s'"} worth of work for ${two(room.cores)}`;
}

function talkWords(world: World, task: TaskView, to: Room): string | undefined {
  const { start, peer, cost } = world.graph;
  const index = world.index(task);
  let [sum, count, one] = [0, 0, 0];
  for (let at = start[index]!; at < start[index + 1]!; at++) {
    if (world.places[peer[at]!] !== to || world.homes[peer[at]!] === world.homes[index]) continue;
    sum += cost[at]!;
    one = peer[at]!;
    count++;
  }
  if (count === 0) return undefined;
  const names = count === 1 ? tidText(world.tasks[one]!.tid) : plural(count, 'task');
  return `its messages with ${names} there cost ${(sum * 100).toFixed(sum < 0.01 ? 2 : 0)} % of a processor between nodes`;
}

/** Why nothing moves, or what stays crowded. */
export function notes(world: World): string[] {
  const result = world.rooms.all
    .filter((room) => room.node.up && crowding(room) > world.enough)
    .slice(0, 8)
    .map((room) => `${room.node.name} ${work(room, room.load)} and stays so: ${whyCrowded(world, room)}`);
  if (result.length === 0 && world.decisions.length === 0) result.push(quiet(world.before(), world));
  return result;
}

function quiet(now: Figures, world: World): string {
  if (world.tasks.length === 0) return 'nothing to do: there are no tasks';
  const most = `the most crowded node, ${now.mostNode}, has work for ${two(now.most)} times its processors`;
  return now.most <= 1 ? `nothing to do: ${most}: nobody waits` : `nothing to do: ${most}, the mean is ${two(now.mean)}`;
}

function whyCrowded(world: World, room: Room): string {
  const here = world.tasks.filter((task) => task.demand > 0 && world.place(task) === room);
  const count = { blocked: 0, rests: 0, down: 0, free: 0 };
  for (const task of here) count[world.pinned(task) ?? 'free']++;
  const words: string[] = [];
  if (room.node.other >= room.cores) words.push(`${one(room.node.other)} of it is not of this VM`);
  if (count.blocked > 0) words.push(`${plural(count.blocked, 'task')} cannot move (mpvm explain)`);
  if (count.rests > 0) words.push(`${plural(count.rests, 'task')} moved less than ${world.options.restSeconds} s ago`);
  if (count.free > 0) words.push(`no move of the other ${plural(count.free, 'task')} would make it better by ${Math.round(world.options.tolerance * 100)} % and be worth its cost`);
  return words.join(', ') || 'it has no task that computes';
}

/** A plan that did not pass. */
export function notWorth(world: World): string {
  const { before, after } = world.concerned();
  return (
    `nothing to do: ${plural(world.decisions.length, 'move')} would change the most crowded of their nodes from ${two(before)} to ${two(after)} times its processors ` +
    `and spare ${seconds(Math.max(0, world.gain))} for ${seconds(world.cost)} of moving; ` +
    `that is less than ${Math.round(world.options.tolerance * 100)} %, or than ${world.options.gainFactor} times the cost`
  );
}
