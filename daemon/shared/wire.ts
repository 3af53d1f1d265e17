/**
 * What the daemon tells the page (docs/protocols/dashboard.md). The names and units are those of
 * `mpvm … -o json`; times are milliseconds of the daemon's clock since 1970.
 */

export interface Node {
  name: string;
  address: string;
  /** up, suspect, dead */
  state: string;
  cordoned: boolean;
  tasks: number;
  load: number;
  cpus: number;
  memoryBytes: number;
  memoryFreeBytes: number;
  registry: boolean;
  cordonReason: string;
  cordonUser: string;
  cordonTime: string | null;
}

export interface Task {
  tid: string;
  node: string;
  pid: number;
  state: string;
  program: string;
  /** How often it has moved. */
  epoch: number;
  rssBytes: number;
  parent: string | null;
  started: string | null;
}

export interface Blocker {
  code: string;
  cause: string;
  remedy: string;
  warning: boolean;
  side: string;
}

export interface Move {
  id: string;
  tid: string;
  from: string;
  to: string;
  engine: string;
  /** planned, preparing, precopy, frozen, arrived, committed, resumed, aborted */
  state: string;
  /** running, completed, aborted, lost */
  outcome: string;
  code: string;
  reason: string;
  started: string | null;
  totalMs: number;
  downtimeMs: number;
  obtrusivenessMs: number;
  rounds: number;
  transferredBytes: number;
  remainingBytes: number;
  mbps: number;
  phases: { name: string; startMs: number; ms: number; bytes: number }[];
  blockers: Blocker[];
}

/** tid; then hundredths of the time: computing (threads add up), wanting a processor, waiting in the library; resident bytes */
export type TaskActivity = [tid: string, computing: number, ready: number, waiting: number, rssBytes: number];
/** from, to, messages, bytes */
export type Talk = [from: string, to: string, messages: number, bytes: number];

/** What the tasks of a node did in the `ms` before `at`. */
export interface Activity {
  node: string;
  at: number;
  ms: number;
  tasks: TaskActivity[];
  talks: Talk[];
}

export interface Snapshot {
  vm: string;
  /** The node that serves the page. */
  servedBy: string;
  now: number;
  nodes: Node[];
  tasks: Task[];
  /** Oldest first. */
  moves: Move[];
  /** Oldest first; of the last `historyMs`. */
  activity: Activity[];
}

/** One thing that has changed. `snapshot` replaces all that was known. */
export type News =
  | { event: 'snapshot'; data: Snapshot }
  | { event: 'nodes'; data: { changed: Node[]; gone: string[] } }
  | { event: 'tasks'; data: { changed: Task[]; gone: string[] } }
  | { event: 'move'; data: Move }
  | { event: 'activity'; data: Activity };

/** How much of what tasks did is kept. */
export const historyMs = 120_000;
/** How many moves are kept. */
export const mostMoves = 500;

/** What a page asks for and is answered in one go. */
export interface Explanation {
  movable: boolean;
  predictedBytes: number;
  predictedMs: number;
  predictedDowntimeMs: number;
  blockers: Blocker[];
}
export interface PlannedMove {
  tid: string;
  from: string;
  to: string;
  bytes: number;
  ms: number;
  reason: string;
}
export interface Left {
  tid: string;
  node: string;
  blockers: Blocker[];
}
/** What the stream of a drain says, one after the other. */
export type DrainNews =
  | { event: 'plan'; data: { moves: PlannedMove[]; blocked: Left[] } }
  | { event: 'move'; data: Move }
  | { event: 'left'; data: Left }
  | { event: 'note'; data: { text: string } }
  | { event: 'done'; data: { moved: number; left: number; timedOut: boolean } }
  | { event: 'failed'; data: Failure };
export type MoveNews = { event: 'move'; data: Move } | { event: 'failed'; data: Failure };
export interface Failure {
  code: string;
  text: string;
  remedy: string;
}
