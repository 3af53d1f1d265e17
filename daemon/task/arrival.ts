/**
 * One task that arrives: a restorer is filled, let go when the directory has said so, and becomes
 * the task with its first word. A process that dies before its first instruction has broken nothing:
 * the source still holds its frozen copy, and gets the task back.
 */
import { constants, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import type { ArrivingListener, ArrivingTask, Landing, Nest } from '../contracts.js';
import { asMpvmError, MpvmError } from '../errors.js';
import { processStartTime, socketPair } from '../native/index.js';
import type { mpvm } from '../rpc/messages.js';
import type { Kept } from './book.js';
import { Captured } from './captured.js';
import { tidText } from './codes.js';
import { type Core, delay } from './core.js';
import type { TaskEntry } from './entry.js';
import { Link } from './link.js';
import { startNest } from './nest.js';
import { closeQuietly, OutputPipe } from './output.js';
import { type Exit, TaskProcess } from './process.js';
import { start, type Started } from './starter.js';

type ToTask = mpvm.task.IToTask;

export interface ArrivalHost {
  newEntry(record: mpvm.node.ITaskRecord, cookie: string, output: string): TaskEntry;
  capture(entry: TaskEntry, started: Pick<Started, 'pipe' | 'reader'>, process: TaskProcess, gate: Promise<void>): void;
  placeOf(entry: TaskEntry, epoch: number): mpvm.task.IEnrolled;
  /** The task exists here from now on; what its link says goes to heard(). */
  settled(entry: TaskEntry, link: Link | undefined): void;
  heard(entry: TaskEntry, link: Link, frame: mpvm.task.ToDaemon): void;
  discarded(entry: TaskEntry): void;
  processGone(entry: TaskEntry): void;
}

/** A process that has been let go and is not a task yet is ended after so long, and the task handed back. */
const takeOffLimitMs = 60_000;
const askAgainMs = { first: 20, most: 1000 } as const;

/** The file that says that an arriving process has not run yet; it holds the name of the node it comes from. */
export const sealOf = (output: string): string => `${output}.seal`;

/**
 * filling    a restorer takes the image in; nothing of it counts
 * launched   committed: told to go. Dead with its seal in place it has never run, and is handed back
 * adopted    it has spoken, or has ended after it broke the seal: the task is here
 * discarded  nothing of it is left here
 */
type ArrivalStage = 'filling' | 'launched' | 'adopted' | 'discarded';

export class Arrival implements ArrivingTask {
  readonly seal: string;
  readonly #core: Core;
  readonly #host: ArrivalHost;
  readonly #entry: TaskEntry;
  readonly #gate: () => Promise<void>;
  readonly #over: () => void;
  #options: ArrivingListener | undefined;
  #process: TaskProcess | undefined;
  #link: Link | undefined;
  /** Until it has connected. */
  #unsent: ToTask[] = [];
  #stage: ArrivalStage = 'filling';
  #epoch = 0;
  #landed: (outcome: Landing) => void = () => undefined;
  /** Of the last handover: replaced as a whole by the next. */
  #frames: ToTask[] = [];

  constructor(core: Core, host: ArrivalHost, entry: TaskEntry, gate: () => Promise<void>, over: () => void) {
    this.#core = core;
    this.#host = host;
    this.#entry = entry;
    this.#gate = gate;
    this.#over = over;
    this.seal = sealOf(entry.output);
  }

  get record(): mpvm.node.ITaskRecord {
    return this.#entry.record;
  }
  get pid(): number {
    return this.#process?.pid ?? 0;
  }
  get #sealed(): boolean {
    return existsSync(this.seal);
  }

  startRestorer(options: { path: string; stdin: number } & ArrivingListener): void {
    this.#options = options;
    const started = start({
      path: options.path,
      argv: [this.#core.paths.taskSocket, this.#entry.cookie],
      directory: '/',
      environment: process.env,
      output: this.#entry.output,
      stdin: options.stdin,
    });
    this.#watch(new TaskProcess(started.pid, started.startTime, started.child, (exit) => this.#exited(exit)));
    this.#host.capture(this.#entry, started, this.#process!, this.#gate());
  }

  /** A copy of the task finds its first word, Awaken, on a connection that is open as it wakes. */
  async nest(options: { path: string; first: number; last: number } & ArrivingListener): Promise<Nest> {
    this.#options = options;
    const pipe = OutputPipe.create(this.#entry.output);
    const keep = [pipe.reader(), pipe.writer()] as const; // so that the reader is never alone
    let link: number | undefined;
    try {
      const nest = await startNest(options.path, [String(options.first), String(options.last)]);
      this.#watch(new TaskProcess(nest.pid, nest.startTime, nest.child, (exit) => this.#exited(exit)));
      this.#host.capture(this.#entry, { pipe, reader: keep[0] }, this.#process!, this.#gate());
      this.#core.persist(this.#entry);
      this.#core.writeDown(); // a daemon after this one must find it
      link = this.#openLink();
      const output = openSync(`/proc/${nest.init}/root${this.#entry.output}`, constants.O_RDWR | constants.O_NOCTTY);
      const ends = [link, output, keep[1]];
      return { init: nest.init, link, output, hatched: (pid) => this.#hatched(pid, ends) };
    } catch (error) {
      closeQuietly(keep[1], link);
      if (this.#process === undefined) Captured.abandon(pipe, keep[0]);
      throw error;
    }
  }

  /** Our end becomes the link at once; the other one is the process's. */
  #openLink(): number {
    const [ours, theirs] = socketPair();
    const socket = new Socket({ fd: ours });
    this.connected(new Link(socket, { pid: this.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }, this.#core.log), {});
    this.send({ request: 0, awaken: { id: this.#entry.migration, socket: this.#core.paths.taskSocket, cookie: this.#entry.cookie, seal: this.seal } });
    return theirs;
  }

  #hatched(pid: number, ends: number[]): void {
    closeQuietly(...ends.splice(0));
    if (pid === 0) return;
    this.#process?.standsFor(pid, processStartTime(pid) ?? 0);
    this.#core.persist(this.#entry);
    this.#core.writeDown();
  }

  /** The restorer of a daemon before this one. */
  found(kept: Kept): void {
    this.#watch(new TaskProcess(kept.pid, kept.startTime, undefined, (exit) => this.#exited(exit)));
    if (!existsSync(kept.output)) return;
    const pipe = new OutputPipe(kept.output);
    this.#host.capture(this.#entry, { pipe, reader: pipe.reader() }, this.#process!, Promise.resolve());
  }

  #watch(process: TaskProcess): void {
    this.#process = process;
    this.#entry.process = process;
  }

  connected(link: Link, hello: mpvm.task.IRestorerHello): void {
    this.#link?.close('the restorer has come back on another connection');
    this.#link = link;
    link.handle({ frame: (frame) => this.#heard(link, frame), closed: () => this.#process?.hint() });
    if (this.#stage === 'launched') return this.#go();
    this.#options?.onFrame({ restorerHello: hello });
    for (const frame of this.#unsent.splice(0)) link.send(frame);
  }

  /** The first word that is not the restorer's is the task's. */
  #heard(link: Link, frame: mpvm.task.ToDaemon): void {
    if (frame.restorerHello || frame.restorerArrived || frame.restorerFailed) return this.#options?.onFrame(frame);
    if (this.#stage !== 'launched') return link.close('it speaks as a task before it is one');
    this.#adopt();
    this.#host.heard(this.#entry, link, frame);
  }

  send(frame: ToTask): void {
    if (this.#link) this.#link.send(frame);
    else this.#unsent.push(frame);
  }

  kill(): void {
    this.#process?.signal(9);
  }

  update(record: mpvm.node.ITaskRecord, frames: ToTask[]): void {
    this.#entry.amend(record);
    for (const watcher of record.watchers ?? []) this.#entry.watchers.add(watcher);
    this.#frames = frames;
  }

  launch(epoch: number): Promise<Landing> {
    if (this.#stage !== 'filling') throw new MpvmError('INTERNAL', { detail: `launch() of an arrival that is ${this.#stage}` });
    this.#stage = 'launched';
    this.#epoch = epoch;
    const late = setTimeout(() => {
      if (this.#sealed) this.#process?.signal(9);
    }, takeOffLimitMs);
    late.unref();
    const landing = new Promise<Landing>((resolve) => { this.#landed = resolve; });
    this.#go();
    const exit = this.#process?.exit;
    if (exit) this.#exited(exit);
    return landing.finally(() => clearTimeout(late));
  }

  #go(): void {
    // Only what a move changes: the task knows who it is, and the restorer has room for 1 KiB (ckpt_handoff).
    const { tid, host, epoch, vm, node, address, socketDir, secret } = this.#host.placeOf(this.#entry, this.#epoch);
    this.#link?.send({ request: 0, restorerGo: { epoch: this.#epoch, place: { tid, host, epoch, vm, node, address, socketDir, secret } } });
  }

  #adopt(): void {
    this.#stage = 'adopted';
    this.#over();
    this.#entry.deliverFirst(this.#frames);
    this.#entry.adopted(this.#epoch);
    this.#host.settled(this.#entry, this.#link);
    this.#landed('here');
  }

  #exited(exit: Exit): void {
    if (this.#stage === 'filling') this.#options?.onExit(exit.signal === null ? exit.code : null, exit.signal);
    else if (this.#stage === 'adopted') this.#host.processGone(this.#entry);
    else if (this.#stage === 'launched' && this.#sealed) void this.#handBack();
    else if (this.#stage === 'launched') this.#endedHere();
  }

  /** It ran, if only for an instant: an end of the task like any other. */
  #endedHere(): void {
    this.#adopt();
    this.#host.processGone(this.#entry);
  }

  /** The move was committed, and the process died before its first instruction: the source's copy goes on. */
  async #handBack(): Promise<void> {
    const { vm, log } = this.#core;
    const tid = this.#entry.tid;
    const to = readFileSync(this.seal, 'utf8');
    for (let wait: number = askAgainMs.first; !this.#core.stopping; wait = Math.min(wait * 2, askAgainMs.most)) {
      try {
        const { committed, now } = await vm.commitMove({ tid, epoch: this.#epoch, from: vm.self.name, to, migration: this.#entry.migration });
        log.warn({ tid: tidText(tid), to, committed, now }, 'a process that was to become a task died before it ran: handed back');
        // Refused when its source is gone, and the frozen copy with it.
        if (committed) {
          this.discard();
          this.#landed('returned');
        } else this.#endedHere();
        return;
      } catch (error) {
        log.warn({ tid: tidText(tid), code: asMpvmError(error).code, wait }, 'the registry does not answer: handing back waits');
        await delay(wait);
      }
    }
  }

  discard(): void {
    if (this.#stage !== 'filling' && this.#stage !== 'launched') return;
    this.#stage = 'discarded';
    this.#over();
    this.#process?.signal(9);
    this.#link?.close();
    rmSync(this.seal, { force: true });
    this.#host.discarded(this.#entry);
  }
}
