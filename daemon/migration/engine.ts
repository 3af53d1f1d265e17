/**
 * An engine captures a process and rebuilds it elsewhere. The states of a move, its commit point, the
 * seal and the hand-back, its timeline and its faults are the same for all engines (outbound.ts,
 * inbound.ts); an engine fills in what happens between them. docs/protocols/engines.md has the table.
 */
import type { ArrivingTask, LocalTask } from '../contracts.js';
import { MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import type { mpvm } from '../rpc/messages.js';
import type { Blocker } from './blockers.js';
import type { Inventory } from './inventory.js';

export type EngineName = 'native' | 'criu';
type Frame = mpvm.task.IToDaemon;
type Fault = mpvm.task.IFault;

export interface Engine {
  readonly name: EngineName;
  /** Why it cannot be used on this node; undefined when it can. */
  missing(): Promise<Blocker | undefined>;
  /** Everything at the source that keeps this task from moving, and what its destination must know. Throws TASK_ENDED. */
  explain(task: LocalTask, node: NodeFolders): Promise<Inventory>;
  /** Before anything has begun, for plans and people: bytes on the wire, and microseconds. */
  predict(privateBytes: number): Prediction;
  /** One move of one task, at its source. Nothing is touched yet. */
  capture(options: CaptureOptions): Capture;
  /** The same move, at its destination. Nothing is started yet. */
  receive(options: ReceiveOptions): Receiver;
}

export interface NodeFolders {
  taskSockets: string;
  output: string;
}
export interface Prediction {
  predictedBytes: number;
  predictedUs: number;
  predictedDowntimeUs: number;
}

/** How memory is copied while the program runs. */
export interface Copying {
  maxDowntimeMs: number;
  maxRounds: number;
  tracking: mpvm.task.Tracking;
  onNoConvergence: mpvm.task.NoConvergence;
  /** 0: as fast as it goes. */
  bytesPerSecond: number;
}

export interface CaptureOptions {
  id: string;
  task: LocalTask;
  copying: Copying;
  /** One that this engine is to obey, or to pass on to the task. */
  fault: Fault | undefined;
  /** The destination's daemon. */
  peer: Pick<import('../contracts.js').NodeClient, 'putImage'>;
  /** What the engine has to say itself counts like a word of the task. */
  say: (frame: Frame) => void;
  log: Logger;
}

/** Its words, from the task or from itself: migrationProgress…, freezeRequest, imageSent, or migrationFailed at any time. */
export interface Capture {
  /** The destination listens: memory begins to flow, round by round, while the program runs. Ends with freezeRequest. */
  rounds(ready: mpvm.node.IInboundReady): void;
  /** From now on memory is copied at this rate, if the engine can be told. */
  pace(bytesPerSecond: number): void;
  /** The program may be stopped now. The rest of the image follows; ends with imageSent. */
  freeze(): void;
  /** A word of the task that only its engine understands. */
  heard(frame: Frame): void;
  /** It runs there: the copy here ends, and everything that belongs to it. */
  commit(): void;
  /** It stays here: the program goes on, if it was stopped. Resolves when nothing touches it any more. Never rejects. */
  abort(reason: string): Promise<void>;
}

export interface ReceiveOptions {
  id: string;
  arriving: ArrivingTask;
  manifest: mpvm.node.IManifest;
  /** Of this node: where it listens. */
  address: string;
  restorer: string;
  fault: Fault | undefined;
  /** Words of that process, or of the engine for it: restorerArrived when it is complete, restorerFailed. */
  say: (frame: Frame) => void;
  /** The process has ended before it was a task. */
  ended: (detail: string) => void;
  at: (point: 'DEST_BEFORE_RESTORE' | 'DEST_AFTER_RESTORE') => void;
  log: Logger;
}

export interface Receiver {
  /** From now on the image may come. */
  listen(): Promise<mpvm.node.IInboundReady>;
  /** The source knows where: what takes the image in is started, if it is not there. Seconds within which it must say restorerHello; Infinity: it need not. */
  start(): number;
  /** A part of the image that comes by the source's daemon. Throws what is wrong with it. */
  image(part: mpvm.node.IImagePart): Promise<void>;
  /** It is a task now, or never will be: what the engine still holds of it goes. Never throws. */
  close(): void;
}

/** A task id as PVM prints it. */
export function tidText(tid: number): string {
  return `t${tid.toString(16)}`;
}

/** The engine of that name. Throws ENGINE_UNKNOWN. */
export function engineNamed(engines: readonly Engine[], name: string): Engine {
  const found = engines.find((engine) => engine.name === name);
  if (!found) throw new MpvmError('ENGINE_UNKNOWN', { engine: name });
  return found;
}

/** Those that may move a task, the best first: the one asked for, the one it was spawned for, or all. Throws ENGINE_UNKNOWN. */
export function candidates(engines: readonly Engine[], asked: string | null | undefined, task: LocalTask): readonly Engine[] {
  const name = [asked, task.record.engine].find((word) => word && word !== 'auto');
  return name ? [engineNamed(engines, name)] : engines;
}
