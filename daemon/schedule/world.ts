/** The snapshot as a policy works on it: rooms with their tasks, who talks to whom, and what a move would change. */
import { horizonSeconds, moveSeconds, slowdown, stopSeconds, talkCost } from './cost.js';
import { crowding, Rooms } from './place.js';
import type { Room } from './place.js';
import type { BalanceOptions, Decision, Figures } from './policy.js';
import type { NodeView, Snapshot, TaskView } from './snapshot.js';

export interface Peer {
  tid: number;
  /** talkCost of both directions. */
  cost: number;
}

export function isOpen(node: NodeView): boolean {
  return node.up && !node.cordoned && !node.owner;
}

/** Parts of a processor that costs of messages are counted in. */
const fine = 2 ** 40;

export class World {
  readonly snapshot: Snapshot;
  readonly options: BalanceOptions;
  readonly rooms: Rooms;
  /** By tid, so that sums and plans are the same whatever order the snapshot has. Only tasks on known nodes. */
  readonly tasks: readonly TaskView[];
  /** Where each task is: in the snapshot, and with the decisions so far. */
  readonly home: ReadonlyMap<number, Room>;
  at: Map<number, Room>;
  readonly peers: ReadonlyMap<number, readonly Peer[]>;
  /** Work for each processor of all nodes that are up. */
  readonly mean: number;
  readonly initial: readonly number[];
  decisions: Decision[] = [];
  gain = 0;
  cost = 0;
  #before: Figures | undefined;
  /** As long as nothing is decided. */
  #after: Figures | undefined;

  /** `like`: what another world of this snapshot has found out; of one that differs in places alone, `peers`. */
  constructor(snapshot: Snapshot, options: BalanceOptions, like?: Pick<World, 'peers'> & Partial<Pick<World, 'tasks'>>) {
    this.snapshot = snapshot;
    this.options = options;
    this.rooms = new Rooms(snapshot.nodes, isOpen);
    this.tasks = like?.tasks ?? snapshot.tasks.filter(({ node }) => this.rooms.named(node)).sort((a, b) => a.tid - b.tid);
    for (const task of this.tasks) this.rooms.settle(task);
    this.home = new Map(this.tasks.map((task) => [task.tid, this.rooms.named(task.node)!]));
    this.at = new Map(this.home);
    this.peers = like?.peers ?? peersOf(snapshot, this.tasks);
    this.initial = this.rooms.all.map(({ load }) => load);
    const up = this.rooms.all.filter(({ node }) => node.up);
    const cores = up.reduce((sum, room) => sum + room.cores, 0);
    this.mean = cores > 0 ? up.reduce((sum, room) => sum + room.load, 0) / cores : 0;
  }

  /** As in the beginning: nothing has been decided. */
  reset(): void {
    this.rooms.reset(this.initial);
    this.at = new Map(this.home);
    this.decisions = [];
    this.gain = 0;
    this.cost = 0;
    this.#after = undefined;
  }

  /** Why a task is not to be moved now; undefined when it may be. */
  pinned(task: TaskView): 'blocked' | 'rests' | 'down' | undefined {
    if (task.blocked.length > 0) return 'blocked';
    if (task.movedAgoSeconds !== undefined && task.movedAgoSeconds < this.options.restSeconds) return 'rests';
    return this.rooms.named(task.node)?.node.up ? undefined : 'down';
  }

  /** Not crowded as long as it stays below this: nobody waits, or all wait alike. */
  get enough(): number {
    return (1 + this.options.tolerance) * Math.max(1, this.mean);
  }

  /** Time lost to messages if the task were in this room. */
  talk(task: TaskView, room: Room): number {
    let sum = 0;
    for (const peer of this.peers.get(task.tid) ?? []) if (this.at.get(peer.tid) !== room) sum += peer.cost;
    return sum;
  }

  moveSeconds(task: TaskView): number {
    return moveSeconds(task.bytes, this.rooms.named(task.node)?.node.bytesPerSecond, task.dirtyBytesPerSecond);
  }
  /** While memory is sent the task computes on, but the two nodes have that work, too; then it stands still. */
  moveCost(task: TaskView): number {
    return this.moveSeconds(task) + stopSeconds;
  }

  /** Seconds that all tasks together are spared in the time this one may be expected to go on. */
  moveGain(task: TaskView, to: Room): number {
    const from = this.at.get(task.tid)!;
    const saved = waiting(from) + waiting(to) - waiting(from, -task.demand) - waiting(to, task.demand);
    return (saved + this.talk(task, from) - this.talk(task, to)) * horizonSeconds(task);
  }

  /** Decides. */
  move(task: TaskView, to: Room, why?: string): void {
    this.gain += this.moveGain(task, to);
    this.cost += this.moveCost(task);
    this.rooms.depart(task, this.at.get(task.tid)!);
    this.rooms.arrive(task, to);
    this.at.set(task.tid, to);
    this.#after = undefined;
    this.decisions.push({ task, to, why });
  }

  #figures(loads: readonly number[], at: ReadonlyMap<number, Room>): Figures {
    const up = this.rooms.all.filter(({ node }) => node.up);
    const fullest = up.reduce<Room | undefined>((most, room) => (most && loads[most.order]! / most.cores >= loads[room.order]! / room.cores ? most : room), undefined);
    let talk = 0;
    for (const [tid, peers] of this.peers) {
      const here = at.get(tid);
      for (const peer of peers) if (here !== at.get(peer.tid)) talk += peer.cost / 2;
    }
    return { most: fullest ? loads[fullest.order]! / fullest.cores : 0, mostNode: fullest?.node.name ?? '', mean: this.mean, talk };
  }
  before(): Figures {
    return (this.#before ??= this.#figures(this.initial, this.home));
  }
  after(): Figures {
    return (this.#after ??= this.#figures(this.rooms.all.map(({ load }) => load), this.at));
  }

  /** The most crowded of the nodes that the decisions concern, before and after them. */
  concerned(): { before: number; after: number } {
    const nodes = new Set<Room>();
    for (const { task, to } of this.decisions) nodes.add(this.home.get(task.tid)!).add(to);
    let [before, after] = [0, 0];
    for (const room of nodes) {
      before = Math.max(before, slowdown(this.initial[room.order]! / room.cores));
      after = Math.max(after, slowdown(crowding(room)));
    }
    return { before, after };
  }
}

/** Seconds that the tasks of a room need for each second's worth of their work, together. */
function waiting(room: Room, more = 0): number {
  return Math.max(0, room.load + more - room.node.other) * slowdown(crowding(room, more));
}

/** Both directions of each pair added up; the lists by tid. */
function peersOf(snapshot: Snapshot, tasks: readonly TaskView[]): Map<number, Peer[]> {
  const index = new Map(tasks.map(({ tid }, at) => [tid, at]));
  const talks = snapshot.talks ?? [];
  const [low, high, cost] = [new Uint32Array(talks.length), new Uint32Array(talks.length), new Float64Array(talks.length)];
  let count = 0;
  for (const talk of talks) {
    const [from, to] = [index.get(talk.from), index.get(talk.to)];
    if (from === undefined || to === undefined || from === to) continue;
    low[count] = Math.min(from, to);
    high[count] = Math.max(from, to);
    // Whole numbers: in which order they are added up does not matter.
    cost[count++] = Math.round(talkCost(talk) * fine);
  }
  const order = sorted(sorted(Uint32Array.from({ length: count }, (_, at) => at), high, tasks.length), low, tasks.length);
  const lists = tasks.map((): Peer[] | undefined => undefined);
  const add = (at: number, peer: number, sum: number): void => {
    (lists[at] ??= []).push({ tid: tasks[peer]!.tid, cost: sum / fine });
  };
  for (let at = 0; at < count; ) {
    const [a, b] = [low[order[at]!]!, high[order[at]!]!];
    let sum = 0;
    for (; at < count && low[order[at]!] === a && high[order[at]!] === b; at++) sum += cost[order[at]!]!;
    add(a, b, sum);
    add(b, a, sum);
  }
  const peers = new Map<number, Peer[]>();
  lists.forEach((list, at) => list && peers.set(tasks[at]!.tid, list));
  return peers;
}

/** By counting: by key, equals as they were. Keys are below `most`. */
function sorted(order: Uint32Array, keys: Uint32Array, most: number): Uint32Array {
  const next = new Uint32Array(most + 1);
  for (const at of order) next[keys[at]! + 1]!++;
  for (let key = 1; key <= most; key++) next[key]! += next[key - 1]!;
  const result = new Uint32Array(order.length);
  for (const at of order) result[next[keys[at]!]!++] = at;
  return result;
}
