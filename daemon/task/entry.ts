/**
 * One task of this node: its state, its link, and what is kept for it while it has none or may
 * not be sent anything. What follows from a change of state (notices, records, output) is done by
 * the host, which owns the table of tasks.
 */
import type { LocalTask, TaskState } from '../contracts.js';
import type { Logger } from '../log.js';
import type { mpvm } from '../rpc/messages.js';
import { pvm, taskFlag, tidText } from './codes.js';
import type { Kept } from './book.js';
import type { Captured } from './captured.js';
import type { Link } from './link.js';
import { type TaskProcess, usageOf } from './process.js';

type ToTask = mpvm.task.IToTask;
type TaskRecord = mpvm.node.ITaskRecord;

/**
 * starting   spawned here, has not enrolled yet (a program without libpvm never does)
 * running    has enrolled; a broken link does not change that
 * moving     a migration from here has begun: until it is aborted, or committed elsewhere
 * arriving   a restorer is being filled here; no task of this node before the commit
 * departed   committed elsewhere: what still comes for it is forwarded
 * ended      its process is gone, or it has left the virtual machine (pvm_exit)
 */
const transitions: Record<TaskState, readonly TaskState[]> = {
  starting: ['running', 'ended'],
  running: ['moving', 'ended'],
  moving: ['running', 'departed', 'ended'],
  arriving: ['running', 'ended'],
  departed: [],
  ended: [],
};

/** What the owner of the table does when something happens to an entry. */
export interface EntryHost {
  readonly log: Logger;
  changed(entry: TaskEntry): void;
  writeDown(): void;
  departed(entry: TaskEntry): void;
  /** Frames for a task that has gone to another node. */
  forward(tid: number, frames: readonly ToTask[]): void;
  forwardSignal(tid: number, signum: number, group: boolean): void;
  /** The freeze is over and the task is still here: what was put off is done now. */
  settledHere(entry: TaskEntry): void;
  processGone(entry: TaskEntry): void;
  /** Of notices: what the record must carry. */
  notifiesOf(entry: TaskEntry): mpvm.node.INotifyRecord[];
  watchersOf(entry: TaskEntry): string[];
  /** Of pvm_tasks: the offices it holds. */
  officeFlags(tid: number): number;
}

/** Frames for a task that has no link: more than a task can have asked for. */
const outboxLimit = 65536;

export class TaskEntry implements LocalTask {
  readonly tid: number;
  readonly cookie: string;
  /** Path of its output pipe on this node, or empty. */
  readonly output: string;
  process: TaskProcess | undefined;
  /** What the process and its output need beyond the task; undefined for programs started from a shell. */
  captured: Captured | undefined;
  /** Resolves when the tasks that were spawned with it are known. */
  introduced: Promise<void> = Promise.resolve();
  endpoint: { localPath: string; port: number } | undefined;
  migration = '';
  enrolled = false;
  /** Where it has gone (departed). */
  gone: { node: string; epoch: number } | undefined;
  /** Nodes that want to be told of its end. */
  readonly watchers = new Set<string>();
  /** Ends of other tasks that came while it was held: told later, or by the node it went to. */
  readonly endsMeanwhile: number[] = [];

  readonly #host: EntryHost;
  #base: TaskRecord;
  #state: TaskState;
  #epoch: number;
  #link: Link | undefined;
  /** May it be sent frames? Not before it has been answered, or has resumed after a move. */
  #ready = false;
  /** From the start of its restorer until the program runs: the process would take signals for itself. */
  #restoring: boolean;
  #outbox: ToTask[] = [];
  /** A move that begins when the task has come back. */
  #start: ToTask | undefined;
  #holding = false;
  #kept: ToTask[] = [];
  #handedOver = 0;
  #signals: [signum: number, group: boolean][] = [];
  #waiting: (() => void)[] = [];

  constructor(host: EntryHost, init: { record: TaskRecord; state: TaskState; cookie: string; output: string }) {
    this.#host = host;
    this.#base = init.record;
    this.#state = init.state;
    this.#restoring = init.state === 'arriving';
    this.#epoch = init.record.epoch ?? 0;
    this.tid = init.record.tid ?? 0;
    this.cookie = init.cookie;
    this.output = init.output;
    for (const watcher of init.record.watchers ?? []) this.watchers.add(watcher);
  }

  get state(): TaskState {
    return this.#state;
  }
  get epoch(): number {
    return this.#epoch;
  }
  get pid(): number {
    return this.process?.pid ?? 0;
  }
  get program(): string {
    return this.#base.program ?? '';
  }
  get parent(): number {
    return this.#base.parent ?? 0;
  }
  get isConsole(): boolean {
    return this.#base.console ?? false;
  }
  get holding(): boolean {
    return this.#holding;
  }
  get link(): Link | undefined {
    return this.#link;
  }
  /** Running or on its way: not ended and not elsewhere. */
  get here(): boolean {
    return this.#state !== 'departed' && this.#state !== 'ended';
  }

  /** Whole and current: it can be sent to another node. */
  get record(): TaskRecord {
    if (this.#state === 'arriving') return this.#base; // what it wants is not ours to know yet
    return {
      ...this.#base,
      epoch: this.#epoch,
      notifies: this.#host.notifiesOf(this),
      watchers: this.#host.watchersOf(this),
    };
  }
  /** As it came: from another node, or from the book. */
  get recordedNotifies(): readonly mpvm.node.INotifyRecord[] {
    return this.#base.notifies ?? [];
  }
  amend(changes: TaskRecord): void {
    this.#base = { ...this.#base, ...changes };
    this.#host.changed(this);
  }

  get keep(): Kept {
    return {
      tid: this.tid,
      pid: this.pid,
      startTime: this.process?.startTime ?? 0,
      cookie: this.cookie,
      output: this.output,
      moving: this.#state === 'moving' ? this.migration : '',
      enrolled: this.enrolled,
      arriving: this.#state === 'arriving' ? this.migration : '',
      record: this.record,
    };
  }

  // ---------------------------------------------------------------- link

  /** `ready`: nothing has to come from the task before it may be sent frames. */
  attach(link: Link, ready: boolean): void {
    this.#link?.close('the task has come back on another connection');
    this.#link = link;
    this.#ready = ready;
    this.enrolled = true;
    if (this.#state === 'starting') this.#transition('running');
    else this.#host.changed(this);
    this.#flush();
  }

  /** The link is gone; true when it was this task's. */
  detach(link: Link): boolean {
    if (this.#link !== link) return false;
    this.#link = undefined;
    return true;
  }

  /** It has resumed: what waited for it goes out. */
  nowReady(): void {
    this.#ready = true;
    this.#restoring = false;
    if (this.#start !== undefined) this.#link?.send(this.#start);
    this.#start = undefined;
    this.#flush();
    this.#flushSignals();
  }

  send(frame: ToTask): void {
    if (this.#link !== undefined) return this.#link.send(frame);
    // After a restart of the daemon a task needs a moment to come back: a move may begin before.
    if (frame.migrationStart) this.#start = frame;
    else if (frame.migrationAbort && frame.migrationAbort.id === this.#start?.migrationStart?.id) this.#start = undefined;
  }

  ask(frame: ToTask): boolean {
    if (this.#state !== 'running' || this.#holding || !this.#ready || !this.#link?.open) return false;
    this.#link.send(frame);
    return true;
  }

  /** By whichever way is open: the link, the outbox, the kept frames, the node it went to. */
  deliver(frames: readonly ToTask[]): void {
    if (this.#state === 'departed') return this.#host.forward(this.tid, frames);
    if (this.#state === 'ended') return;
    if (this.#holding) this.#kept.push(...frames);
    else {
      this.#outbox.push(...frames);
      this.#flush();
    }
  }

  /** Frames that were kept for it at another node: before all that have come since. */
  deliverFirst(frames: readonly ToTask[]): void {
    this.#outbox.unshift(...frames);
  }

  /** Resolves when the task has read enough to be sent more, or cannot be sent anything. */
  async room(): Promise<void> {
    if (this.#holding) await this.settled();
    await this.#link?.room();
  }

  #flush(): void {
    if (this.#holding) return;
    if (this.#link?.open && this.#ready) for (const frame of this.#outbox.splice(0)) this.#link.send(frame);
    if (this.#outbox.length > outboxLimit) {
      this.#host.log.warn({ tid: tidText(this.tid), frames: this.#outbox.length }, 'a task without a link is sent more than is kept');
      this.#outbox.splice(outboxLimit);
    }
  }

  // ---------------------------------------------------------------- signals

  signal(signum: number, group = false): void {
    if (this.#state === 'departed') this.#host.forwardSignal(this.tid, signum, group);
    else {
      this.#signals.push([signum, group]);
      this.#flushSignals();
    }
  }

  #flushSignals(): void {
    if (this.#holding || this.#restoring) return;
    for (const [signum, group] of this.#signals.splice(0)) this.process?.signal(signum, group);
  }

  // ---------------------------------------------------------------- moves

  beginMove(migration: string): boolean {
    if (this.#state !== 'running' || this.#link === undefined) return false;
    this.migration = migration;
    this.#transition('moving');
    return true;
  }

  hold(): void {
    this.#holding = true;
    this.#handedOver = 0;
    this.#host.writeDown(); // a daemon started again must know that it may have gone
  }

  held(): ToTask[] {
    this.#handedOver = this.#kept.length;
    return [...this.#kept];
  }

  release(): void {
    if (!this.#holding || this.#state === 'departed') return;
    this.#holding = false;
    this.#outbox.push(...this.#kept.splice(0));
    this.#flush();
    this.#flushSignals();
    this.#host.settledHere(this);
  }

  abortMove(): void {
    if (this.#state !== 'moving') return;
    this.#transition('running');
    this.migration = '';
    this.release();
    this.#settle();
    if (this.process?.exit) this.#host.processGone(this);
  }

  depart(node: string, epoch: number): void {
    this.gone = { node, epoch };
    this.#transition('departed');
    this.#holding = false;
    const rest = [...this.#outbox.splice(0), ...this.#kept.slice(this.#handedOver)];
    this.#kept = [];
    this.#host.departed(this);
    if (rest.length > 0) this.#host.forward(this.tid, rest);
    for (const [signum, group] of this.#signals.splice(0)) this.#host.forwardSignal(this.tid, signum, group);
    this.#settle();
  }

  /** arriving -> running: it has spoken. Frames wait until it has resumed. */
  adopted(epoch: number): void {
    this.#epoch = epoch;
    this.#transition('running');
    this.#settle();
  }

  fenced(epoch: number): void {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.#host.changed(this);
  }

  end(): void {
    const arriving = this.#state === 'arriving';
    this.#transition('ended');
    // It lives where it was.
    if (arriving) for (const [signum, group] of this.#signals.splice(0)) this.#host.forwardSignal(this.tid, signum, group);
    this.#outbox = [];
    this.#kept = [];
    this.#settle();
  }

  /** Resolves when it is known whether the task stays, has gone, or has ended. */
  settled(): Promise<void> {
    if (this.#state !== 'moving' && this.#state !== 'arriving') return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  /** Others can connect to it. While its memory is copied it is still where it was; frozen it answers nobody. */
  get isReachable(): boolean {
    return this.endpoint !== undefined && this.here && !this.#holding;
  }
  /** Resolves when it can be reached, or is not here any more: waits for a task that has just started or arrived, or is frozen. */
  reachable(): Promise<void> {
    if (this.isReachable || !this.here) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  setEndpoint(endpoint: { localPath: string; port: number }): void {
    this.endpoint = endpoint;
    this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #transition(to: TaskState): void {
    if (!transitions[this.#state].includes(to)) throw new Error(`task ${tidText(this.tid)}: ${this.#state} -> ${to} is not possible`);
    this.#host.log.debug({ tid: tidText(this.tid), from: this.#state, to, epoch: this.#epoch }, 'task');
    this.#state = to;
    this.#host.changed(this);
  }

  async row(): Promise<mpvm.node.ITaskRow> {
    const usage = usageOf(this.pid);
    return {
      tid: this.tid,
      pid: this.pid,
      state: this.#state,
      program: this.program,
      epoch: this.#epoch,
      rssBytes: usage.rssBytes,
      cpuMs: usage.cpuMs,
      engine: this.#base.engine || 'native',
      // A task whose parent is not told has PVM's code for that; one that was started from a shell has none.
      parent: this.parent > 0 || this.parent === pvm.ParentNotSet ? this.parent >>> 0 : 0,
      flags: (this.#base.flags ?? 0) | (this.enrolled ? taskFlag.Connected : 0) | this.#host.officeFlags(this.tid),
      startedMs: this.#base.startedMs ?? 0,
      console: this.isConsole,
    };
  }
}
