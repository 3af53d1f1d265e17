/** The snapshot as a policy works on it: rooms with their tasks, who talks to whom, and what a move would change. */
import { horizonSeconds, moveSeconds, slowdown, stopSeconds } from './cost.js';
import { crowding, Rooms } from './place.js';
import type { Room } from './place.js';
import type { BalanceOptions, Decision, Figures } from './policy.js';
import type { NodeView, Snapshot, TaskView } from './snapshot.js';
import { talkGraph } from './talk.js';
import type { TalkGraph } from './talk.js';

export function isOpen(node: NodeView): boolean {
  return node.up && !node.cordoned && !node.owner;
}

export class World {
  readonly snapshot: Snapshot;
  readonly options: BalanceOptions;
  readonly rooms: Rooms;
  /** By tid, so that sums and plans are the same whatever order the snapshot has. Only tasks on known nodes. */
  readonly tasks: readonly TaskView[];
  /** By index in `tasks`, where each task is: in the snapshot, and with the decisions so far (undefined: being placed anew). */
  readonly homes: readonly Room[];
  readonly places: (Room | undefined)[];
  readonly graph: TalkGraph;
  readonly #index: ReadonlyMap<number, number>;
  /** 0: not asked for yet. */
  readonly #moveSeconds: Float64Array;
  /** Work for each processor of all nodes that are up. */
  readonly mean: number;
  readonly initial: readonly number[];
  decisions: Decision[] = [];
  gain = 0;
  cost = 0;
  #before: Figures | undefined;
  /** As long as nothing is decided. */
  #after: Figures | undefined;

  /** `like`: what another world of this snapshot has found out. */
  constructor(snapshot: Snapshot, options: BalanceOptions, like?: World) {
    this.snapshot = snapshot;
    this.options = options;
    this.rooms = new Rooms(snapshot.nodes, isOpen);
    this.tasks = like?.tasks ?? snapshot.tasks.filter(({ node }) => this.rooms.named(node)).sort((a, b) => a.tid - b.tid);
    for (const task of this.tasks) this.rooms.settle(task);
    this.#index = like ? like.#index : new Map(this.tasks.map(({ tid }, index) => [tid, index]));
    this.homes = this.tasks.map(({ node }) => this.rooms.named(node)!);
    this.places = [...this.homes];
    this.#moveSeconds = new Float64Array(this.tasks.length);
    this.graph = like?.graph ?? talkGraph(snapshot.talks ?? [], this.tasks, (tid) => this.#index.get(tid));
    this.initial = this.rooms.all.map(({ load }) => load);
    const up = this.rooms.all.filter(({ node }) => node.up);
    const cores = up.reduce((sum, room) => sum + room.cores, 0);
    this.mean = cores > 0 ? up.reduce((sum, room) => sum + room.load, 0) / cores : 0;
  }

  index(task: TaskView): number {
    return this.#index.get(task.tid)!;
  }
  home(task: TaskView): Room {
    return this.homes[this.index(task)]!;
  }
  place(task: TaskView): Room {
    return this.places[this.index(task)]!;
  }

  /** As in the beginning: nothing has been decided. */
  reset(): void {
    this.rooms.reset(this.initial);
    for (let index = 0; index < this.homes.length; index++) this.places[index] = this.homes[index];
    this.decisions = [];
    this.gain = 0;
    this.cost = 0;
    this.#after = undefined;
  }

  /** Why a task is not to be moved now; undefined when it may be. */
  pinned(task: TaskView): 'blocked' | 'rests' | 'down' | undefined {
    if (task.blocked.length > 0) return 'blocked';
    if (task.movedAgoSeconds !== undefined && task.movedAgoSeconds < this.options.restSeconds) return 'rests';
    return this.home(task).node.up ? undefined : 'down';
  }

  /** Not crowded as long as it stays below this: nobody waits, or all wait alike. */
  get enough(): number {
    return (1 + this.options.tolerance) * Math.max(1, this.mean);
  }

  /** Time lost to messages if the task were in this room. */
  talk(task: TaskView, room: Room): number {
    const { start, peer, cost } = this.graph;
    const index = this.index(task);
    let sum = 0;
    for (let at = start[index]!; at < start[index + 1]!; at++) if (this.places[peer[at]!] !== room) sum += cost[at]!;
    return sum;
  }

  moveSeconds(task: TaskView): number {
    const index = this.index(task);
    return (this.#moveSeconds[index] ||= moveSeconds(task.bytes, this.homes[index]!.node.bytesPerSecond, task.dirtyBytesPerSecond));
  }
  /** While memory is sent the task computes on, but the two nodes have that work, too; then it stands still. */
  moveCost(task: TaskView): number {
    return this.moveSeconds(task) + stopSeconds;
  }

  /** Seconds that all tasks together are spared in the time this one may be expected to go on. */
  moveGain(task: TaskView, to: Room): number {
    const from = this.place(task);
    const saved = waiting(from) + waiting(to) - waiting(from, -task.demand) - waiting(to, task.demand);
    return (saved + this.talk(task, from) - this.talk(task, to)) * horizonSeconds(task);
  }

  /** Decides. */
  move(task: TaskView, to: Room, why?: string): void {
    this.gain += this.moveGain(task, to);
    this.cost += this.moveCost(task);
    this.rooms.depart(task, this.place(task));
    this.rooms.arrive(task, to);
    this.places[this.index(task)] = to;
    this.#after = undefined;
    this.decisions.push({ task, to, why });
  }

  #figures(loads: readonly number[], places: readonly (Room | undefined)[]): Figures {
    const up = this.rooms.all.filter(({ node }) => node.up);
    const fullest = up.reduce<Room | undefined>((most, room) => (most && loads[most.order]! / most.cores >= loads[room.order]! / room.cores ? most : room), undefined);
    let talk = 0;
    const { start, peer, cost } = this.graph;
    for (let index = 0; index < places.length; index++) {
      for (let at = start[index]!; at < start[index + 1]!; at++) if (places[index] !== places[peer[at]!]) talk += cost[at]! / 2;
    }
    return { most: fullest ? loads[fullest.order]! / fullest.cores : 0, mostNode: fullest?.node.name ?? '', mean: this.mean, talk };
  }
  before(): Figures {
    return (this.#before ??= this.#figures(this.initial, this.homes));
  }
  after(): Figures {
    return (this.#after ??= this.#figures(this.rooms.all.map(({ load }) => load), this.places));
  }

  /** The most crowded of the nodes that the decisions concern, before and after them. */
  concerned(): { before: number; after: number } {
    const nodes = new Set<Room>();
    for (const { task, to } of this.decisions) nodes.add(this.home(task)).add(to);
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
