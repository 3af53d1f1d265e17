/**
 * Rooms: the nodes as they will be once the moves decided so far have been made, and the one rule
 * of placement: a task goes where it finds most of a processor, and enough memory. Drains and all
 * policies of balancing place by it.
 */
import { Heap } from './heap.js';
import { byName } from './snapshot.js';
import type { NodeView, TaskView } from './snapshot.js';

/** Kept free on a node beside what its new tasks bring. */
export const memoryReserveBytes = 128 << 20;

export interface Room {
  readonly node: NodeView;
  readonly cores: number;
  /** By name: ties go by it, so that a plan can be repeated. */
  readonly order: number;
  /** Takes tasks from elsewhere. */
  readonly open: boolean;
  /** Processors that its work would keep busy. */
  load: number;
  freeBytes: number;
}

/** Work for each processor, if `more` came. */
export function crowding(room: Room, more = 0): number {
  return (room.load + more) / room.cores;
}

export function fits(task: TaskView, room: Room): boolean {
  return room.open && room.node.name !== task.node && room.freeBytes >= task.bytes + memoryReserveBytes && !task.refusedBy.includes(room.node.name);
}

interface Entry {
  room: Room;
  /** When the room was put in; another now: there is a newer entry. */
  load: number;
}
const before = (a: Entry, b: Entry): boolean => a.load < b.load || (a.load === b.load && a.room.order < b.room.order);

export class Rooms {
  readonly all: readonly Room[];
  readonly #named: Map<string, Room>;
  /** Open rooms with equally many processors, the emptiest first: among them load alone decides. */
  readonly #classes = new Map<number, Heap<Entry>>();
  /** The heaps are made when they are first asked for. */
  #indexed = false;

  /** With the `other` work of the nodes only; tasks are added with settle(). */
  constructor(nodes: readonly NodeView[], open: (node: NodeView) => boolean) {
    this.all = [...nodes].sort(byName).map((node, order) => ({
      node, order, open: open(node), cores: node.cores > 0 ? node.cores : 1, load: node.other, freeBytes: node.memoryFreeBytes,
    }));
    this.#named = new Map(this.all.map((room) => [room.node.name, room]));
  }

  /** As they were made, with these loads. */
  reset(loads: readonly number[]): void {
    for (const room of this.all) {
      room.load = loads[room.order]!;
      room.freeBytes = room.node.memoryFreeBytes;
    }
    this.#classes.clear();
    this.#indexed = false;
  }

  named(name: string): Room | undefined {
    return this.#named.get(name);
  }
  get open(): Room[] {
    return this.all.filter(({ open }) => open);
  }

  /** The task is there already. */
  settle(task: TaskView): void {
    const room = this.#named.get(task.node);
    if (room) room.load += task.demand;
  }
  arrive(task: TaskView, room: Room): void {
    room.load += task.demand;
    room.freeBytes -= task.bytes;
    this.#index(room);
  }
  /** It makes room for no other: the memory of a task that leaves is free when it has left. */
  depart(task: TaskView, room: Room): void {
    room.load -= task.demand;
    this.#index(room);
  }
  /** It stays after all (after depart). */
  stay(task: TaskView, room: Room): void {
    room.load += task.demand;
    this.#index(room);
  }

  /** The open room, other than its own, where this task, or all that go along and want so much, would find most of a processor. */
  best(task: TaskView, demand = task.demand): Room | undefined {
    if (!this.#indexed) {
      this.#indexed = true;
      for (const room of this.all) this.#index(room);
    }
    let chosen: Room | undefined;
    for (const heap of this.#classes.values()) {
      const room = emptiest(heap, task);
      if (room && (!chosen || better(room, chosen, demand))) chosen = room;
    }
    return chosen;
  }

  #index(room: Room): void {
    if (!room.open || !this.#indexed) return;
    let heap = this.#classes.get(room.cores);
    if (!heap) this.#classes.set(room.cores, (heap = new Heap(before)));
    heap.push({ room, load: room.load });
  }
}

function emptiest(heap: Heap<Entry>, task: TaskView): Room | undefined {
  const unfit: Entry[] = [];
  let found: Room | undefined;
  for (let top = heap.peek(); top && !found; top = heap.peek()) {
    if (top.load !== top.room.load) heap.pop();
    else if (fits(task, top.room)) found = top.room;
    else unfit.push(heap.pop()!);
  }
  for (const entry of unfit) heap.push(entry);
  return found;
}

function better(a: Room, b: Room, demand: number): boolean {
  const [left, right] = [crowding(a, demand), crowding(b, demand)];
  return left < right || (left === right && a.order < b.order);
}

export function whyNoRoom(task: TaskView, rooms: Rooms): string {
  const others = rooms.open.filter(({ node }) => node.name !== task.node);
  if (others.length === 0) return 'no other node is up and open to tasks';
  const words = others.slice(0, 8).map(({ node, freeBytes }) => {
    if (task.refusedBy.includes(node.name)) return `${node.name} cannot take it`;
    return `${node.name} has ${Math.max(0, Math.floor((freeBytes - memoryReserveBytes) / (1 << 20)))} MiB to spare`;
  });
  const more = others.length > words.length ? `, and ${others.length - words.length} more` : '';
  return `it needs ${Math.ceil(task.bytes / (1 << 20))} MiB; ${words.join(', ')}${more}`;
}

/** Of nodes that are closed, those that would have room; else what a new node would have to have. */
export function whatWouldHelp(task: TaskView, rooms: Rooms, drained: ReadonlySet<string>): string {
  const closed = rooms.all.filter(({ node, freeBytes }) => node.up && node.cordoned && !drained.has(node.name) && freeBytes >= task.bytes + memoryReserveBytes && !task.refusedBy.includes(node.name));
  const needed = Math.ceil((task.bytes + memoryReserveBytes) / (1 << 20));
  const another = `add a node with ${needed} MiB free (mpvm token, mpvm join)`;
  if (closed.length === 0) return another;
  return `mpvm uncordon ${closed.slice(0, 4).map(({ node }) => node.name).join(' or ')}, or ${another}`;
}

export function largestFirst(tasks: readonly TaskView[]): TaskView[] {
  return [...tasks].sort((a, b) => b.bytes - a.bytes || a.tid - b.tid);
}
