/** What planners see of the virtual machine: plain data, taken once. They return decisions and have no effects. */

export interface NodeView {
  name: string;
  /** Its lease is good. */
  up: boolean;
  cordoned: boolean;
  cpus: number;
  load: number;
  tasks: number;
  memoryFreeBytes: number;
}

export interface TaskView {
  tid: number;
  node: string;
  /** What a move has to carry. */
  bytes: number;
  /** Why it cannot move anywhere; empty when it can. */
  blocked: readonly string[];
  /** Nodes that have said that they cannot take it. */
  refusedBy: ReadonlySet<string>;
}

export interface Snapshot {
  nodes: readonly NodeView[];
  tasks: readonly TaskView[];
}

export interface PlannedMove {
  tid: number;
  from: string;
  to: string;
  bytes: number;
  /** With the numbers it was decided by. */
  reason: string;
}

/** A task that stays. `room`: no node was left to take it. */
export interface Stays {
  tid: number;
  node: string;
  why: 'blocked' | 'room';
  detail: string;
}

export interface Plan {
  moves: PlannedMove[];
  stays: Stays[];
}
