/**
 * What planners see of the virtual machine: plain data, taken once (it is logged as JSON and read
 * back to replay a decision). They return decisions and have no effects.
 */

export interface NodeView {
  name: string;
  /** Its lease is good. */
  up: boolean;
  cordoned: boolean;
  /** Processors that its tasks can have; a fraction where several nodes share a machine. */
  cores: number;
  /** Work there that is not in `tasks`, in processors that it would keep busy. */
  other: number;
  memoryFreeBytes: number;
  /** Its owner is at work (what the hook said); empty: nobody is. Tasks are moved away, and none there. */
  owner?: string;
  /** Its daemon may lower the priority of a task and raise it again. */
  canLinger?: boolean;
  /** Of the page streams that have left it so far. */
  bytesPerSecond?: number;
  /** Share of the last 10 s in which something waited for a processor there: told to people, not planned by. */
  pressure?: number;
}

export interface TaskView {
  tid: number;
  node: string;
  /** What a move has to carry. */
  bytes: number;
  /** Processors it would keep busy if nobody else wanted them: 1 for a task that computes all the time. */
  demand: number;
  /** Processor time it has used in its life: the best guess at what it has yet to do. */
  cpuSeconds?: number;
  /** Since its last move; undefined when it has not moved. */
  movedAgoSeconds?: number;
  /** How fast it dirties its memory, where that is known. */
  dirtyBytesPerSecond?: number;
  /** Why it cannot move anywhere; empty when it can. */
  blocked: readonly string[];
  /** Nodes that have said that they cannot take it. */
  refusedBy: readonly string[];
  /** It runs at low priority, on a node whose owner was at work. */
  lingers?: boolean;
}

/** What one task sends another. */
export interface Talk {
  from: number;
  to: number;
  messagesPerSecond: number;
  bytesPerSecond: number;
}

export interface Snapshot {
  nodes: readonly NodeView[];
  tasks: readonly TaskView[];
  talks?: readonly Talk[];
}

export interface PlannedMove {
  tid: number;
  from: string;
  to: string;
  bytes: number;
  /** From the command to the moment it runs there, as far as can be known. */
  seconds: number;
  /** With the numbers it was decided by. */
  reason: string;
}

/** A task that stays. `room`: no node was left to take it. `refused`: what was asked for cannot be done. */
export interface Stays {
  tid: number;
  node: string;
  why: 'blocked' | 'room' | 'refused';
  detail: string;
  /** `room`: what would make some. */
  help?: string;
}

export interface Plan {
  moves: PlannedMove[];
  stays: Stays[];
}

export function tidText(tid: number): string {
  return `t${tid.toString(16)}`;
}

export function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
