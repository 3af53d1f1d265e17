/**
 * The tasks of this node: the table, and what becomes of a task from its first frame to its end.
 * The parts do the rest: spawner, arrivals, requests, notices, outlet, resolver, router.
 */
import { EventEmitter } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ArrivingTask, LocalTask, Migrations, TaskEvents, Tasks, VirtualMachine } from '../contracts.js';
import type { Logger } from '../log.js';
import type { NodePaths } from '../paths.js';
import type { mpvm } from '../rpc/messages.js';
import { callName } from '../rpc/once.js';
import type { ArrivalHost } from './arrival.js';
import { Arrivals } from './arrivals.js';
import { Book, type Kept } from './book.js';
import { Captured } from './captured.js';
import { architecture, pvm, tidText } from './codes.js';
import { type Core, delay } from './core.js';
import { Enrolment, type EnrolmentHost } from './enrolment.js';
import { type EntryHost, TaskEntry } from './entry.js';
import type { Link } from './link.js';
import { Notices } from './notices.js';
import { Officers, officeFlags } from './officers.js';
import { Outlet } from './outlet.js';
import { type Exit, TaskProcess } from './process.js';
import { Recovery, type RecoveryHost } from './recovery.js';
import { Requests } from './requests.js';
import { Resolver } from './resolver.js';
import { Router } from './router.js';
import { TaskServer } from './server.js';
import { stopAll } from './shutdown.js';
import { type Message, Wills } from './wills.js';
import { type NewTask, Spawner, type SpawnAnywhere, type SpawnerHost } from './spawner.js';
import type { Started } from './starter.js';

export interface TasksOptions {
  readonly vm: VirtualMachine;
  readonly paths: NodePaths;
  readonly log: Logger;
  /** Where libpvm3.so.3 is: put before LD_LIBRARY_PATH of the tasks. */
  readonly libraryDirectory?: string;
  /** shutdown(): from SIGTERM to SIGKILL. */
  readonly graceMs?: number;
}

/** The source's copy of a task that has been committed elsewhere ends by itself; if not, it is ended. */
const departedMs = 5000;
/** The news of a task's end waits so long for the registry to clear away after it: a registry that is down delays nobody. */
const clearingMs = 2000;
/** A link that breaks because its process ends says nothing by itself. */
const dyingMs = 50;

export class NodeTasks implements Tasks, Core, EntryHost, SpawnerHost, ArrivalHost, EnrolmentHost, RecoveryHost {
  readonly vm: VirtualMachine;
  readonly paths: NodePaths;
  readonly log: Logger;
  readonly book: Book;
  readonly table = new Map<number, TaskEntry>();
  stopping = false;

  readonly #options: TasksOptions;
  readonly #events = new EventEmitter();
  readonly #router: Router;
  readonly #notices: Notices;
  readonly #outlet: Outlet;
  readonly #wills: Wills;
  readonly #resolver: Resolver;
  readonly #spawner: Spawner;
  readonly #arrivals: Arrivals;
  readonly #requests: Requests;
  readonly officers: Officers;
  readonly #enrolment: Enrolment;
  readonly #server: TaskServer;
  /** Processes with captured output, also of tasks that have left or gone. */
  readonly #captured = new Set<Captured>();
  readonly #dirty = new Set<TaskEntry>();
  /** Tasks of a spawn that is not complete: who they are told when it is. */
  readonly #introductions = new Map<number, () => void>();

  constructor(options: TasksOptions) {
    this.#options = options;
    this.vm = options.vm;
    this.paths = options.paths;
    this.log = options.log;
    for (const folder of [this.paths.output, this.paths.taskSockets]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.book = new Book(this.paths.tasks, this.log);
    this.book.startAt(this.vm.firstLocal);
    this.#router = new Router(this);
    this.#notices = new Notices(this, this.#router);
    this.#outlet = new Outlet(this, this.#router);
    this.#wills = new Wills(this, this.#router);
    this.#resolver = new Resolver(this, this.#router);
    this.officers = new Officers(this, { spawnOn: (node, request) => this.#spawner.onNode(node, request), addHosts: (names) => this.#requests.addHosts(names), endedByTasker: (entry, exit) => this.#endedByTasker(entry, exit) }, this.#router);
    this.#spawner = new Spawner(this, this, options.libraryDirectory);
    this.#arrivals = new Arrivals(this, this.#outlet, this);
    this.#requests = new Requests({
      core: this,
      tasks: this,
      router: this.#router,
      resolver: this.#resolver,
      notices: this.#notices,
      officers: this.officers,
      signalAnywhere: (tid, signum) => this.forwardSignal(tid, signum),
    });
    this.#enrolment = new Enrolment(this, this, this.#router);
    this.#server = new TaskServer(this.paths.taskSocket, this.log, {
      enroll: (link, frame) => this.#enrolment.enroll(link, frame),
      restorer: (link, frame) => this.#arrivals.hello(link, frame.restorerHello ?? {}),
    });
  }

  // ---------------------------------------------------------------- Tasks

  async start(moves?: Pick<Migrations, 'settle' | 'outcome'>): Promise<void> {
    this.#enrolment.moves = moves;
    await new Recovery(this, this, this.#router, moves).run();
    this.#wills.takeUp();
    // What the last daemon had not forwarded is lost with it: those who wait for it need not.
    for (const { tid, epoch, node } of this.book.notDrained) void this.#outlet.drained(tid, epoch, node);
    this.vm.on('nodeUp', (node) => {
      if (node.name !== this.vm.self.name) this.#notices.hostUp(node.host ?? 0);
    });
    this.vm.on('nodeDown', (node) => {
      this.#outlet.nodeDown(node.name ?? '');
      this.#notices.hostDown(node.name ?? '', node.host ?? 0);
      this.officers.hostDown(node.host ?? 0);
    });
    this.vm.on('moved', (entry) => {
      if (entry.node === this.vm.self.name) this.table.get(entry.tid ?? 0)?.fenced(entry.epoch ?? 0);
    });
    this.vm.on('outcast', () => this.#endAll());
    await this.#server.listen();
  }

  async shutdown(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.#arrivals.stop();
    await stopAll([...this.table.values()], [...this.#captured], this.#options.graceMs);
    await this.#server.close();
    for (const captured of this.#captured) captured.pipe.close();
    for (const entry of this.table.values()) {
      this.#removeFiles(entry);
      this.#wills.remove(entry.tid);
    }
    this.book.erase();
  }

  get(tid: number): LocalTask | undefined {
    return this.table.get(tid);
  }
  list(): LocalTask[] {
    return [...this.table.values()].filter((entry) => entry.here && entry.state !== 'arriving');
  }
  /** Of the tids given out here. */
  get lastLocal(): number {
    return this.book.lastLocal;
  }
  spawn(request: mpvm.node.ISpawnRequest): Promise<mpvm.node.ISpawnReply> {
    return this.#spawner.here(request);
  }
  spawnAnywhere(request: SpawnAnywhere): Promise<{ tids: number[]; detail: string }> {
    return this.#spawner.anywhere(request);
  }
  resolve(request: mpvm.node.IResolveRequest): Promise<mpvm.node.IResolveReply> {
    return this.#resolver.forPeer(request);
  }
  deliver(tid: number, frames: mpvm.task.IToTask[]): void {
    this.#router.post(tid, frames);
  }
  accept(request: mpvm.node.IDeliverRequest): Promise<void> {
    return this.#router.accept(request);
  }
  output(request: mpvm.node.IOutputRequest): Promise<void> {
    return this.#outlet.accept(request);
  }
  collect(run: string, collector: (record: mpvm.node.IOutputRequest) => void | Promise<void>): () => void {
    return this.#outlet.collect(run, collector);
  }
  watch(request: mpvm.node.IWatchTaskRequest): void {
    this.#notices.watch(request);
  }
  taskEnded(notice: mpvm.node.ITaskEndedNotice): void {
    this.#notices.taskEnded(notice.tid ?? 0);
  }
  hoster(): ((login: string, command: string) => Promise<string | undefined>) | undefined {
    if (!this.officers.hasHoster) return undefined;
    // PVM tells the new host's tid; here it gets one as it joins, so the number only names the question.
    const tid = 1;
    return async (login, command) => (await this.officers.startHosts([{ tid, options: '', login, command }]))?.get(tid);
  }
  arriving(record: mpvm.node.ITaskRecord, migration: string, from: string): ArrivingTask {
    return this.#arrivals.expect(record, migration, from);
  }

  /** A task of this node; also a program that was started here and has left the VM, while it runs. */
  signal(tid: number, signum: number, group = false): number {
    const entry = this.table.get(tid);
    if (entry) {
      entry.signal(signum, group);
      return pvm.Ok;
    }
    const left = [...this.#captured].find((captured) => captured.tid === tid);
    return left?.process.signal(signum, group) ? pvm.Ok : pvm.NoTask;
  }

  async rows(request: mpvm.node.IListTasksRequest): Promise<mpvm.node.IListTasksReply> {
    const rows = request.tid ? [await this.#resolver.rowHere(request.tid)] : await Promise.all(this.list().map((task) => task.row()));
    return { tasks: rows.flatMap((row) => (row ? [{ ...row, node: this.vm.self.name }] : [])), closed: this.vm.nodeNamed(this.vm.self.name)?.cordoned ?? false };
  }

  on<E extends keyof TaskEvents>(event: E, listener: (...args: TaskEvents[E]) => void): void {
    this.#events.on(event, listener);
  }
  emit<E extends keyof TaskEvents>(event: E, ...args: TaskEvents[E]): void {
    this.#events.emit(event, ...args);
  }

  // ---------------------------------------------------------------- a task begins

  nextTid(): number | undefined {
    const { host } = this.vm.self;
    const local = this.book.nextLocal((candidate) => this.table.has(host | candidate) || this.vm.locate(host | candidate).epoch > 0);
    return local === undefined ? undefined : host | local;
  }

  newEntry(record: mpvm.node.ITaskRecord, cookie: string, output: string, state: 'starting' | 'running' | 'arriving' = 'arriving'): TaskEntry {
    const entry = new TaskEntry(this, { record, state, cookie, output });
    this.table.set(entry.tid, entry);
    return entry;
  }

  /** A spawned task. */
  takeIn({ record, cookie, started }: NewTask): void {
    const entry = this.newEntry(record, cookie, started?.pipe.path ?? '', 'starting');
    entry.introduced = new Promise((resolve) => this.#introductions.set(entry.tid, resolve));
    this.#enrolment.expect(entry);
    if (started === undefined) {
      // Its output is the tasker's; that it begins and ends is told all the same.
      void this.#outlet.started(entry);
      return;
    }
    entry.process = new TaskProcess(started.pid, started.startTime, started.child, () => this.processGone(entry));
    this.capture(entry, started, entry.process, this.#outlet.started(entry));
    this.changed(entry);
    this.emit('started', entry);
  }

  introduced(request: mpvm.node.IIntroduceRequest): void {
    this.introduce(request.tids ?? [], request.siblings ?? []);
  }

  introduce(tids: readonly number[], siblings: readonly number[]): void {
    for (const tid of tids) {
      if (!this.#introductions.has(tid)) continue;
      const entry = this.table.get(tid);
      // Those that a resource manager starts come one by one: their parent tells them.
      if (!followed(entry?.record)) entry?.amend({ siblings: [...siblings] });
      this.#introductions.get(tid)?.();
      this.#introductions.delete(tid);
    }
  }

  /** From now on its output is read, as soon as `gate` opens. */
  capture(entry: TaskEntry, started: Pick<Started, 'pipe' | 'reader'>, process: TaskProcess, gate: Promise<void>): void {
    const captured: Captured = new Captured(this, this.#outlet, entry, process, started.pipe, () => this.#captured.delete(captured));
    this.#captured.add(captured);
    entry.captured = captured;
    captured.start(started.reader, gate, entry.state === 'arriving');
    process.onEnd(() => void captured.exited());
  }

  /** A task has a link: what comes by it. */
  linked(entry: TaskEntry, link: Link): void {
    link.handle({ frame: (frame) => this.heard(entry, link, frame), closed: () => this.#unlinked(entry, link) });
  }

  placeOf(entry: TaskEntry, epoch: number): mpvm.task.IEnrolled {
    const { parent, context, inherited, siblings } = entry.record;
    return {
      tid: entry.tid,
      parent,
      host: this.vm.self.host,
      epoch,
      vm: this.vm.name,
      node: this.vm.self.name,
      address: this.vm.self.address,
      socketDir: this.paths.taskSockets,
      secret: this.vm.secret,
      context,
      inherited,
      siblings,
      siblingsFollow: followed(entry.record),
      architecture,
      scheduler: this.officers.scheduler === entry.tid ? 0 : this.officers.scheduler,
    };
  }

  /** An arriving task runs. */
  settled(entry: TaskEntry, link: Link | undefined): void {
    if (link?.open) {
      this.linked(entry, link);
      entry.attach(link, false);
    }
    this.#enrolment.expect(entry);
    this.#notices.restore(entry, entry.recordedNotifies);
    entry.captured?.adopted();
    entry.amend({ movedMs: Date.now() });
    this.emit('started', entry);
  }

  discarded(entry: TaskEntry): void {
    if (this.table.get(entry.tid) === entry) this.table.delete(entry.tid);
    this.book.remove(entry.tid);
    entry.end();
    entry.captured?.discard();
    this.#outlet.openGate(entry.tid, entry.epoch + 1);
  }

  // ---------------------------------------------------------------- a task speaks

  heard(entry: TaskEntry, link: Link, frame: mpvm.task.ToDaemon): void {
    if (entry.link !== link) return;
    switch (frame.body) {
      case 'endpoint':
        entry.setEndpoint({ localPath: frame.endpoint?.localPath ?? '', port: frame.endpoint?.port ?? 0 });
        return;
      case 'leave':
        return this.#leave(entry, link);
      case 'resumed':
        entry.nowReady();
        this.emit('migrationFrame', entry, frame);
        return;
      case 'traffic':
        this.emit('traffic', entry, frame.traffic ?? {});
        return;
      case 'migrationProgress':
      case 'freezeRequest':
      case 'migrationFailed':
      case 'imageSent':
      case 'letGo':
      case 'restorerFailed':
        this.emit('migrationFrame', entry, frame);
        return;
      default:
        if (this.#requests.handle(entry, frame)) return;
        this.log.warn({ tid: tidText(entry.tid), frame: frame.body }, 'a task sent what it has no business to send');
        if (frame.request !== 0) entry.deliver([{ request: frame.request, status: pvm.BadParam }]);
    }
  }

  /** pvm_exit: for the others it has ended; the program goes on and may enrol again, on this link or a new one. */
  #leave(entry: TaskEntry, link: Link): void {
    entry.detach(link);
    link.handle({
      frame: (frame) => {
        if (frame.body === 'enroll') this.#enrolment.enroll(link, frame);
      },
      closed: () => undefined,
    });
    if (entry.state === 'running' || entry.state === 'moving') this.#end(entry, { code: 0, signal: null });
  }

  #unlinked(entry: TaskEntry, link: Link): void {
    if (!entry.detach(link)) return;
    entry.process?.hint();
    setTimeout(() => {
      if (entry.here && entry.link === undefined && entry.process?.exit === undefined) this.emit('detached', entry);
    }, dyingMs);
  }

  // ---------------------------------------------------------------- EntryHost

  changed(entry: TaskEntry): void {
    this.persist(entry);
  }
  /** Together with all else that changes in this turn of the event loop: a record can be long. */
  persist(entry: TaskEntry): void {
    if (this.#dirty.size === 0) setImmediate(() => this.writeDown());
    this.#dirty.add(entry);
  }
  writeDown(): void {
    for (const entry of this.#dirty) if (entry.here && entry.process !== undefined && !this.stopping) this.book.put(entry.keep);
    this.#dirty.clear();
  }
  forward(tid: number, frames: readonly mpvm.task.IToTask[]): void {
    this.#router.post(tid, frames);
  }
  forwardSignal(tid: number, signum: number, group = false): void {
    if (this.table.get(tid)?.here) return void this.signal(tid, signum, group);
    const { node } = this.#router.whereIs(tid);
    if (node === this.vm.self.name) return;
    void this.#signalAt(node, tid, signum, group);
  }
  async #signalAt(node: string, tid: number, signum: number, group: boolean): Promise<void> {
    const request = { tid, signum, group, call: callName() };
    const reply = await this.#router.ask(node, (client) => client.signal(request));
    if (reply === undefined || reply.status >= 0) return;
    const sure = await this.#router.whereSurely(tid);
    if (sure !== undefined && sure.node !== node && !this.stopping) await this.#router.ask(sure.node, (client) => client.signal({ ...request, call: callName() }));
  }
  notifiesOf(entry: TaskEntry): mpvm.node.INotifyRecord[] {
    return this.#notices.of(entry);
  }
  watchersOf(entry: TaskEntry): string[] {
    return this.#notices.watchersOf(entry);
  }
  settledHere(entry: TaskEntry): void {
    this.#notices.afterHold(entry);
  }

  departed(entry: TaskEntry): void {
    const { node, epoch } = entry.gone ?? { node: '', epoch: 0 };
    this.#router.departed(entry.tid, node, epoch);
    this.#notices.drop(entry);
    this.book.remove(entry.tid);
    this.#enrolment.forget(entry);
    this.#removeFiles(entry);
    this.#wills.remove(entry.tid); // what it had not said it writes down again where it is now
    this.book.draining({ tid: entry.tid, epoch, node });
    void (entry.captured?.departed(node, epoch) ?? this.#outlet.drained(entry.tid, epoch, node));
    const { process } = entry;
    const late = setTimeout(() => {
      this.log.warn({ tid: tidText(entry.tid), pid: entry.pid }, 'the copy of a task that has moved did not end by itself');
      process?.signal(9);
    }, departedMs);
    process?.onEnd(() => clearTimeout(late));
    if (process === undefined || process.exit) this.processGone(entry);
    this.emit('departed', entry, { node, epoch });
  }

  /** The process of an entry has ended; what that means depends on where the task is. */
  processGone(entry: TaskEntry): void {
    const exit = entry.process?.exit ?? { code: 0, signal: null };
    switch (entry.state) {
      case 'departed':
        if (this.table.get(entry.tid) === entry) this.table.delete(entry.tid);
        return;
      case 'moving':
        // Frozen, its image may be complete elsewhere: only the directory can say whether it lives.
        if (entry.holding) return this.emit('detached', entry);
        return this.#end(entry, exit);
      case 'starting':
      case 'running':
        return this.#end(entry, exit);
      default:
    }
  }

  #end(entry: TaskEntry, exit: Exit): void {
    const link = entry.link;
    entry.end();
    link?.close();
    if (this.table.get(entry.tid) === entry) this.table.delete(entry.tid);
    this.#enrolment.forget(entry);
    this.#requests.abandon(entry);
    const will = this.#wills.read(entry.tid);
    this.#removeFiles(entry);
    this.book.remove(entry.tid);
    void this.#tellOfEnd(entry, exit, will);
    this.officers.ended(entry, exit);
    if (entry.record.tasker && entry.captured === undefined) void this.#outlet.ended(entry).then(() => this.#outlet.exited(entry, exit));
    this.log.debug({ tid: tidText(entry.tid), ...exit }, 'task ended');
    this.emit('ended', entry, exit);
  }

  /** Who hears of an end finds nothing of the task any more, in groups and mailbox neither. */
  async #tellOfEnd(entry: TaskEntry, exit: Exit, will: Message[]): Promise<void> {
    this.#notices.drop(entry);
    if (!this.stopping) await Promise.race([this.#wills.carryOut(entry.tid, will), delay(clearingMs)]);
    if (!this.stopping) await Promise.race([this.vm.forget(entry.tid, entry.epoch), delay(clearingMs)]);
    this.#notices.localEnded(entry, exit.code, exit.signal);
  }
  /** Its tasker says so; a task that is just being taken elsewhere is the move's affair. */
  #endedByTasker(entry: TaskEntry, exit: Exit): void {
    if (!entry.holding && entry.here && entry.state !== 'arriving') this.#end(entry, exit);
  }
  officeFlags(tid: number): number {
    return officeFlags(this.vm.officers(), tid);
  }

  /** What the library left in the directory of sockets; it cannot do it when it is killed. */
  #removeFiles(entry: TaskEntry): void {
    const path = entry.endpoint?.localPath;
    if (path !== undefined && dirname(path) === this.paths.taskSockets) rmSync(join(this.paths.taskSockets, basename(path)), { force: true });
    rmSync(join(this.paths.taskSockets, `${tidText(entry.tid)}.fds`), { force: true });
  }

  /** The others hold this node for dead: what runs here runs twice in their eyes. */
  #endAll(): void {
    this.log.error({ tasks: this.list().length }, 'this node was declared dead: its tasks are ended');
    for (const entry of [...this.table.values()]) entry.process?.signal(9);
  }

  /** Of tasks found again after a restart of the daemon. */
  restoreNotices(entry: TaskEntry): void {
    this.#notices.restore(entry, entry.recordedNotifies);
  }
  expectAgain(entry: TaskEntry): void {
    this.#enrolment.expect(entry);
  }
  launchAgain(kept: Kept, epoch: number): void {
    this.#arrivals.again(kept, epoch);
  }
}

/** Its siblings are told to it by its parent: a resource manager has started it. */
function followed(record: mpvm.node.ITaskRecord | undefined): boolean {
  return Boolean(record?.scheduler) && (record?.parent ?? 0) > 0 && (record?.siblings ?? []).length === 0;
}
