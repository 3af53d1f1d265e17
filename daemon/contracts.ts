/**
 * What the concerns of the daemon ask of each other. Each folder implements its interface and
 * imports the others' from here only, so that each can be tested without the rest.
 * Message types come from proto/ (generated into build/gen by `npm run setup`).
 */
import type { mpvm } from './rpc/messages.js';

type NodeInfo = mpvm.node.INodeInfo;
type DirectoryEntry = mpvm.node.IDirectoryEntry;
type TaskRecord = mpvm.node.ITaskRecord;
type ToTask = mpvm.task.IToTask;

/** vm/: this node's view of the virtual machine, kept current by the registry's event stream. */
export interface VirtualMachine {
  readonly name: string;
  readonly self: { readonly name: string; readonly address: string; readonly port: number; readonly host: number };
  /** 16 bytes: tasks prove with it that they belong to this VM. */
  readonly secret: Buffer;
  /** Local parts of tids below this one may have been given out in an earlier life of this node. */
  readonly firstLocal: number;
  /** This node had been declared dead before it joined: tasks from before are reported as ended, and must be ended. */
  readonly tasksLost: boolean;
  nodes(): NodeInfo[];
  nodeNamed(name: string): NodeInfo | undefined;
  nodeOfHost(host: number): NodeInfo | undefined;
  /** Where a tid is to the best of this node's knowledge: its directory entry, else its birth node at epoch 0. */
  locate(tid: number): { node: string; epoch: number };
  /** Asks the registry, which is always right. Rejects with REGISTRY_UNREACHABLE. */
  locateSurely(tid: number): Promise<{ node: string; epoch: number }>;
  /** The commit point of a migration; `to === from` fences. Rejects only with REGISTRY_UNREACHABLE. */
  commitMove(move: { tid: number; epoch: number; from: string; to: string; migration: string }): Promise<{ committed: boolean; now: DirectoryEntry }>;
  /** The task has ended here (or left the VM): its entry, group memberships and mailbox entries go. To be called for every one. Resolves when
   *  they have gone, or the registry could not be told. */
  forget(tid: number, epoch: number): Promise<void>;
  setCordon(node: string, cordoned: boolean, reason: string, user: string): Promise<void>;
  /** The task that holds an office, as far as this node has heard; a tasker: the one that is here. */
  officer(office: mpvm.task.Office): mpvm.node.IOfficer | undefined;
  officers(): mpvm.node.IOfficer[];
  /** Typed client of another node's (or this one's own) service Node. Throws NODE_UNKNOWN, NODE_DEAD. */
  peer(node: string): NodeClient;
  /**
   * Typed client of the registry. Group, mailbox, context and locate calls outlast a restart of the registry:
   * they are sent again until `timeoutMs` (none: for ever) or `signal`. Cancel what a dead task waits for with `signal`.
   */
  registry(): RegistryClient;
  /** Returns what ends it. */
  on<E extends keyof VmEvents>(event: E, listener: (...args: VmEvents[E]) => void): () => void;
  /** Stops the whole VM, this node last. */
  shutdown(reason: string): Promise<void>;
}
export interface VmEvents {
  nodeUp: [NodeInfo];
  nodeChanged: [NodeInfo];
  /** Declared lost, or it has left. Its tasks are gone. */
  nodeDown: [NodeInfo];
  moved: [DirectoryEntry];
  /** A task that had moved has ended: the directory knows it no more. */
  forgotten: [number];
  /** All that is known comes from the registry anew: what it does not know any more has ended meanwhile. */
  resynced: [];
  shutdown: [string];
  /** Who holds an office has changed. */
  offices: [];
  /** The others have declared this node dead although it lives: its tasks are reported as ended, and must end now. */
  outcast: [];
}

/** Calls carry a deadline and are cancelled with `signal`; server streams are async iterables. */
export interface CallOptions { timeoutMs?: number; signal?: AbortSignal }
/** One method for each rpc of service Node / Registry of node.proto: unary -> Promise, server stream -> AsyncIterable. */
export type NodeClient = import('./rpc/clients.js').NodeClient;
export type RegistryClient = import('./rpc/clients.js').RegistryClient;

/** task/: the tasks of this node. */
export interface Tasks {
  get(tid: number): LocalTask | undefined;
  list(): LocalTask[];
  spawn(request: mpvm.node.ISpawnRequest): Promise<mpvm.node.ISpawnReply>;
  /** Places with PVM's rules (flags, where, round robin, cordons) over the VM, then spawns node by node. Result: started tids first, then codes. */
  spawnAnywhere(request: mpvm.task.ISpawn & { parent: number; run?: string; engine?: string; directory?: string }): Promise<{ tids: number[]; detail: string }>;
  signal(tid: number, signum: number, group?: boolean): number;
  /** Where to reach a task: waits while it moves. */
  resolve(request: mpvm.node.IResolveRequest): Promise<mpvm.node.IResolveReply>;
  /** Frames for a task: now, held, or forwarded to where it has gone. */
  deliver(tid: number, frames: ToTask[]): void;
  /** An arriving task, from node `from`: a record without a process; it becomes a task after launch(). */
  arriving(record: TaskRecord, migration: string, from: string): ArrivingTask;
  /** Takes up the tasks that outlived the last daemon of this node, then opens task.sock. The VM must have been
   *  joined. `moves` settles those that were moving. */
  start(moves?: Pick<Migrations, 'settle' | 'outcome'>): Promise<void>;
  /** Local part of the tid given out last. */
  readonly lastLocal: number;
  /** Ends every task of this node (SIGTERM, after a grace SIGKILL) and removes sockets and pipes. */
  shutdown(): Promise<void>;
  /** What service Node asks, beside spawn, signal and resolve. */
  rows(request: mpvm.node.IListTasksRequest): Promise<mpvm.node.IListTasksReply>;
  introduced(request: mpvm.node.IIntroduceRequest): void;
  watch(request: mpvm.node.IWatchTaskRequest): void;
  taskEnded(notice: mpvm.node.ITaskEndedNotice): void;
  /** Has the task that is registered as hoster run a command on [user@]host; undefined while there is none. Its
   *  answer: what the command printed, the name of a PVM error, or undefined when it ended first. */
  hoster(): ((login: string, command: string) => Promise<string | undefined>) | undefined;
  /** Deliver between nodes: resolves when the frames are on their way to the task (back-pressure for output). */
  accept(request: mpvm.node.IDeliverRequest): Promise<void>;
  /** Output of another node's task, to whoever collects it here. Resolves when there is room for more. */
  output(request: mpvm.node.IOutputRequest): Promise<void>;
  /** The output and the ends of the tasks of a run come to this node (SpawnRequest.sink) and go to its collector.
   *  Its promise is the back-pressure. Returns a function that ends the collection. */
  collect(run: string, collector: (record: mpvm.node.IOutputRequest) => void | Promise<void>): () => void;
  on<E extends keyof TaskEvents>(event: E, listener: (...args: TaskEvents[E]) => void): void;
}
export interface TaskEvents {
  started: [LocalTask];
  ended: [LocalTask, { code: number; signal: string | null }];
  departed: [LocalTask, { node: string; epoch: number }];
  /** migration frames from a task's agent: migrationProgress, freezeRequest, migrationFailed, letGo, imageSent, resumed */
  migrationFrame: [LocalTask, mpvm.task.IToDaemon];
  /** The link to a task's process broke although it has not ended. */
  detached: [LocalTask];
  /** Whom it has sent to since it told last; the answer to a TrafficAsk. */
  traffic: [LocalTask, mpvm.task.ITraffic];
}

/**
 * starting -> running <-> moving -> departed | ended
 *               ^                      arriving -> running (at the other end)
 */
export type TaskState = 'starting' | 'running' | 'moving' | 'arriving' | 'departed' | 'ended';

export interface LocalTask {
  readonly tid: number;
  readonly pid: number;
  readonly state: TaskState;
  readonly epoch: number;
  readonly program: string;
  /** The VM's console: it has no endpoint, holds no work, and does not move. */
  readonly isConsole: boolean;
  readonly record: TaskRecord;
  /** Sends at once, also while held (migration frames only). */
  send(frame: ToTask): void;
  /** A question that is worth asking only now: false when the task cannot be sent anything at the moment. */
  ask(frame: ToTask): boolean;
  /** From now on every other frame is kept; release() sends them after all. */
  hold(): void;
  /** A fence has given it a new epoch without a move. */
  fenced(epoch: number): void;
  release(): void;
  /** What has been kept so far. It counts as handed over: depart() forwards only what came after the last call. */
  held(): ToTask[];
  /** running -> moving; false when it may not (ended, already moving). */
  beginMove(migration: string): boolean;
  /** moving -> running */
  abortMove(): void;
  /** moving -> departed: committed elsewhere. What is held now or comes later is forwarded there. */
  depart(node: string, epoch: number): void;
  /** Resolves when it has started, arrived or gone, as the case may be. */
  reachable(): Promise<void>;
  row(): Promise<mpvm.node.ITaskRow>;
}
export interface ArrivingTask {
  readonly record: TaskRecord;
  /** The restorer: started as `path TASK_SOCKET COOKIE` with this stdin and the task's output pipe as stdout
   *  and stderr, in its own session; its RestorerHello is matched by the cookie given to it, its frames go to onFrame. */
  startRestorer(options: { path: string; stdin: number } & ArrivingListener): void;
  /** For an engine that makes the process itself: a place for it. The nest is started as `path FIRST LAST`. */
  nest(options: { path: string; first: number; last: number } & ArrivingListener): Promise<Nest>;
  /** To the process that is being filled; kept until it has connected. */
  send(frame: ToTask): void;
  kill(): void;
  /** Of the process as far as it exists; 0 before. */
  readonly pid: number;
  /** Handover at the freeze: the record as it is now, and frames to send after the move. */
  update(record: TaskRecord, frames: ToTask[]): void;
  /** Path of the file that the restorer removes with its last step. */
  readonly seal: string;
  /** Committed: sends RestorerGo. With its first word the process is a task of this node, with this epoch; one that
   *  dies before its first instruction is handed back to its source in the directory, and nothing of it is left here. */
  launch(epoch: number): Promise<Landing>;
  discard(): void;
}
export interface ArrivingListener {
  onFrame(frame: mpvm.task.IToDaemon): void;
  onExit(code: number | null, signal: string | null): void;
}
/** Namespaces in which a process is to be rebuilt, and the descriptors that it is to have. */
export interface Nest {
  /** Their init, as this daemon sees it. */
  readonly init: number;
  /** The process's end of its connection to this daemon. */
  readonly link: number;
  /** The task's output pipe, as the nest sees it. */
  readonly output: number;
  /** The process is there: closes the two descriptors here; from now on it is what runs, and is signalled. */
  hatched(pid: number): void;
}
/** `here`: it is a task of this node, or has been and has ended. `returned`: it never ran, and is its source's again. */
export type Landing = 'here' | 'returned';

/** What became of a move, as the directory and its destination say: the task is `here` (and its copy may go on),
 *  `there` (or has ended there), or `lost` with its node. */
export interface MoveOutcome {
  task: 'here' | 'there' | 'lost';
  epoch: number;
  node: string;
}

/** migration/: moves, in both directions. */
export interface Migrations {
  migrate(request: mpvm.node.IMigrateRequest): AsyncIterable<mpvm.node.IMigrationEvent>;
  cancel(id: string): mpvm.node.IStatusReply;
  list(): mpvm.node.IMigrationInfo[];
  /** Bytes a second that the moves from this node may take together while they copy, set if one is given; 0: no limit. */
  bandwidth(bytesPerSecond?: number): number;
  explain(request: mpvm.node.IExplainTaskRequest): Promise<mpvm.node.IExplainReply>;
  /** service Node, destination side */
  explainInbound(request: mpvm.node.IInboundRequest): Promise<mpvm.node.IExplainReply>;
  inbound(request: mpvm.node.IInboundRequest, signal: AbortSignal): AsyncIterable<mpvm.node.IInboundEvent>;
  handover(request: mpvm.node.IHandoverRequest): Promise<void>;
  image(part: mpvm.node.IImagePart): Promise<void>;
  /** A task of this node has come back frozen (Enroll.migration): settles its move with the directory. The
   *  task must be `running` and is sent nothing else until this resolves: true when it stays here. */
  settle(task: LocalTask, migration: string): Promise<boolean>;
  /** A task of this node whose frozen copy is gone, as is the daemon that moved it: where is it? */
  outcome(tid: number, epoch: number, migration: string): Promise<MoveOutcome>;
  on(event: 'changed', listener: (migration: mpvm.node.IMigrationInfo) => void): void;
}

/** balance/: what planners must know of this node, and, on the registry's node, moves that even out the load. */
export interface Balancing {
  sample(request: mpvm.node.ISampleRequest): Promise<mpvm.node.ISampleReply>;
  /** A task of this node goes on at low priority, or has its priority back. Throws TASK_UNKNOWN, CANNOT_LINGER. */
  linger(tid: number, on: boolean): void;
  /** `signal`: the caller has gone; a watch that is not detached ends then. */
  balance(request: mpvm.node.IBalanceRequest, signal: AbortSignal): AsyncIterable<mpvm.node.IBalanceEvent>;
  status(): mpvm.node.IBalanceStatusReply;
  /** Ends the watch; the moves under way are made. Resolves when it has ended. Rejects with NO_BALANCE. */
  stop(): Promise<void>;
}
