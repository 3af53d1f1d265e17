/** What a policy of balancing is given, and what it decides. */
import type { Plan, TaskView } from './snapshot.js';
import type { Room } from './place.js';

export const policies = ['greedy', 'refine', 'comm', 'rotate', 'manual'] as const;
export type Policy = (typeof policies)[number];

/** Plain data as well: it is logged beside the snapshot. */
export interface BalanceOptions {
  policy: Policy;
  /**
   * The hysteresis, as a share of 1: a node is left alone until it is this much more crowded than the
   * mean, and nothing moves unless it makes the most crowded of the nodes concerned better by as much.
   */
  tolerance: number;
  /** A task that has moved rests so long. */
  restSeconds: number;
  /** What moves bring must be so many times what they cost. */
  gainFactor: number;
  /** At most so many moves a plan; 0: no limit. */
  mostMoves: number;
  /** manual: who goes where. */
  moves: readonly { tid: number; to: string }[];
  /** Nodes that are given back now, whether their owners are seen at work or not; nothing else is planned then. */
  reclaim?: readonly string[];
  /** The goal: a node whose owner is at work is free of tasks so many seconds later. 0 or none: as soon as may be. */
  withinSeconds?: number;
  /** A task may stay on a node that is given back, at low priority, where moving it costs more than it gains. */
  linger?: boolean;
}

export const defaultOptions: BalanceOptions = { policy: 'refine', tolerance: 0.1, restSeconds: 60, gainFactor: 2, mostMoves: 0, moves: [] };

export interface Decision {
  task: TaskView;
  to: Room;
  /** Said instead of what the loads would say. */
  why?: string;
}

export interface Figures {
  /** Work for each processor: of the most crowded node, and of all. */
  most: number;
  mostNode: string;
  mean: number;
  /** Processors' worth of time lost to messages between nodes. */
  talk: number;
}

export interface BalancePlan extends Plan {
  before: Figures;
  after: Figures;
  /** Seconds: what the tasks are spared in the time that they may be expected to go on, and what the moves take. */
  gain: number;
  cost: number;
  /** Why nothing moves, or why a node stays crowded. */
  notes: string[];
  /** Nodes that are given back to their owners. */
  reclaims?: Reclaim[];
  /** Whose priority changes. */
  lingers?: Linger[];
}

/** A node that is given back, and whether that will be in time. */
export interface Reclaim {
  node: string;
  /** Its moves at once, in the order of the plan. */
  lanes: number;
  /** From now until the last task that leaves has left, as far as can be known. */
  seconds: number;
  /** 0: none was set. */
  withinSeconds: number;
  /** All that can leave will have left by then. */
  inTime: boolean;
}

/** A task that goes on at low priority where it is; or, `on` false, one that did, and need not any more. */
export interface Linger {
  tid: number;
  node: string;
  on: boolean;
  reason: string;
}
