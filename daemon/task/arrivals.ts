/**
 * Tasks that arrive: a restorer is started for each, introduces itself by its cookie, and becomes
 * the process of the task when the move has been committed.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ArrivingTask, LocalTask } from '../contracts.js';
import { MpvmError } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';
import { tidText } from './codes.js';
import type { Core } from './core.js';
import type { TaskEntry } from './entry.js';
import type { Link } from './link.js';
import type { Outlet } from './outlet.js';
import { TaskProcess } from './process.js';
import { start, type Started } from './starter.js';

type ToTask = mpvm.task.IToTask;
type RestorerOptions = Parameters<ArrivingTask['startRestorer']>[0];

export interface ArrivalHost {
  newEntry(record: mpvm.node.ITaskRecord, cookie: string, output: string): TaskEntry;
  capture(entry: TaskEntry, started: Started, process: TaskProcess, gate: Promise<void>): void;
  placeOf(entry: TaskEntry, epoch: number): mpvm.task.IEnrolled;
  /** A restorer whose task is committed but which never heard so (the daemon was restarted meanwhile). */
  goAgain(hello: mpvm.task.IRestorerHello, link: Link): boolean;
  /** The task exists here from now on. */
  settled(entry: TaskEntry, link: Link | undefined): void;
  discarded(entry: TaskEntry): void;
  processGone(entry: TaskEntry): void;
}

export class Arrivals {
  readonly #core: Core;
  readonly #outlet: Outlet;
  readonly #host: ArrivalHost;
  /** Restorers that have not become their task yet, by cookie. */
  readonly #expected = new Map<string, Arrival>();

  constructor(core: Core, outlet: Outlet, host: ArrivalHost) {
    this.#core = core;
    this.#outlet = outlet;
    this.#host = host;
  }

  expect(record: mpvm.node.ITaskRecord, migration: string): ArrivingTask {
    const tid = record.tid ?? 0;
    if (this.#core.table.get(tid)?.here) throw new MpvmError('BAD_REQUEST', { detail: `task ${tidText(tid)} is on this node already` });
    const cookie = `${tid.toString(16)}.${randomBytes(12).toString('hex')}`;
    const output = join(this.#core.paths.output, `${tid.toString(16)}.${(record.epoch ?? 0) + 1}.${cookie.slice(-6)}`);
    const entry = this.#host.newEntry(record, cookie, output);
    entry.migration = migration;
    const from = this.#core.vm.locate(tid).node;
    const arrival = new Arrival(this.#core, this.#host, entry, () => this.#outlet.gate(tid, entry.epoch + 1, from), () => {
      this.#expected.delete(cookie);
    });
    this.#expected.set(cookie, arrival);
    return arrival;
  }

  /** A restorer says who it is. */
  hello(link: Link, hello: mpvm.task.IRestorerHello): void {
    const arrival = this.#expected.get(hello.cookie ?? '');
    if (arrival === undefined && hello.arrived && this.#host.goAgain(hello, link)) return;
    if (arrival === undefined || hello.pid !== link.peer.pid || hello.pid !== arrival.pid) {
      link.send({ request: 0, restorerAbort: { reason: 'no migration waits for this restorer' } });
      link.close();
      return;
    }
    arrival.connected(link, hello);
  }

  /** The node stops: none of them will be a task here. */
  stop(): void {
    for (const arrival of [...this.#expected.values()]) arrival.discard();
  }
}

/** waiting for the restorer -> connected -> adopted | discarded */
class Arrival implements ArrivingTask {
  readonly #core: Core;
  readonly #host: ArrivalHost;
  readonly #entry: TaskEntry;
  readonly #gate: () => Promise<void>;
  readonly #over: () => void;
  #options: RestorerOptions | undefined;
  #started: Started | undefined;
  #process: TaskProcess | undefined;
  #link: Link | undefined;
  /** Until it has connected. */
  #unsent: ToTask[] = [];
  #state: 'arriving' | 'adopted' | 'discarded' = 'arriving';
  /** Of the last handover: replaced as a whole by the next. */
  #frames: ToTask[] = [];

  constructor(core: Core, host: ArrivalHost, entry: TaskEntry, gate: () => Promise<void>, over: () => void) {
    this.#core = core;
    this.#host = host;
    this.#entry = entry;
    this.#gate = gate;
    this.#over = over;
  }

  get record(): mpvm.node.ITaskRecord {
    return this.#entry.record;
  }
  get pid(): number {
    return this.#started?.pid ?? 0;
  }

  startRestorer(options: RestorerOptions): { send(frame: ToTask): void; kill(): void; readonly pid: number } {
    this.#options = options;
    const { taskSocket } = this.#core.paths;
    const started = start({
      path: options.path,
      argv: [taskSocket, this.#entry.cookie],
      directory: '/',
      environment: process.env,
      output: this.#entry.output,
    });
    this.#started = started;
    this.#process = new TaskProcess(started.pid, started.startTime, started.child, (exit) => {
      if (this.#state === 'adopted') this.#host.processGone(this.#entry);
      else options.onExit(exit.signal === null ? exit.code : null, exit.signal);
    });
    this.#entry.process = this.#process;
    this.#host.capture(this.#entry, started, this.#process, this.#gate());
    return { send: (frame) => this.#send(frame), kill: () => void this.#process?.signal(9), pid: started.pid };
  }

  connected(link: Link, hello: mpvm.task.IRestorerHello): void {
    this.#link?.close('the restorer has come back on another connection');
    this.#link = link;
    link.handle({ frame: (frame) => this.#options?.onFrame(frame), closed: () => undefined });
    this.#options?.onFrame({ restorerHello: hello });
    for (const frame of this.#unsent.splice(0)) link.send(frame);
  }

  #send(frame: ToTask): void {
    if (this.#link) this.#link.send(frame);
    else this.#unsent.push(frame);
  }

  update(record: mpvm.node.ITaskRecord, frames: ToTask[]): void {
    this.#entry.amend(record);
    for (const watcher of record.watchers ?? []) this.#entry.watchers.add(watcher);
    this.#frames = frames;
  }

  place(epoch: number): mpvm.task.IEnrolled {
    return this.#host.placeOf(this.#entry, epoch);
  }

  adopt(epoch: number): LocalTask {
    if (this.#state !== 'arriving') throw new MpvmError('INTERNAL', { detail: `adopt() of an arrival that is ${this.#state}` });
    this.#state = 'adopted';
    this.#over();
    this.#entry.deliverFirst(this.#frames);
    this.#entry.adopted(epoch);
    this.#host.settled(this.#entry, this.#link);
    // It may have ended between its last word and the commit: the task has ended here, then.
    if (this.#process?.exit) setImmediate(() => this.#host.processGone(this.#entry));
    return this.#entry;
  }

  discard(): void {
    if (this.#state !== 'arriving') return;
    this.#state = 'discarded';
    this.#over();
    this.#process?.signal(9);
    this.#link?.close();
    this.#host.discarded(this.#entry);
  }
}
