/**
 * The first frame of a task: a spawned one by its cookie, a program started from a shell without
 * one, and a task that comes back after its link broke or its daemon was started again.
 */
import type { Migrations } from '../contracts.js';
import { mpvm } from '../rpc/messages.js';
import { innerPid, processStartTime } from '../native/index.js';
import { namedFlag, pvm, tidText } from './codes.js';
import type { Core } from './core.js';
import type { TaskEntry } from './entry.js';
import type { Link } from './link.js';
import { type Officers, withTracer } from './officers.js';
import { startTimeOf, TaskProcess } from './process.js';
import type { Router } from './router.js';

const protocol = 1;
const badVersion = -26;
const denied = -8;

export interface EnrolmentHost {
  nextTid(): number | undefined;
  newEntry(record: mpvm.node.ITaskRecord, cookie: string, output: string, state: 'running'): TaskEntry;
  linked(entry: TaskEntry, link: Link): void;
  placeOf(entry: TaskEntry, epoch: number): mpvm.task.IEnrolled;
  processGone(entry: TaskEntry): void;
  readonly officers: Pick<Officers, 'scheduler' | 'newcomer' | 'begun'>;
}

export class Enrolment {
  readonly #core: Core;
  readonly #host: EnrolmentHost;
  readonly #router: Router;
  /** Spawned tasks, and those that have arrived, by cookie. */
  readonly #cookies = new Map<string, TaskEntry>();
  moves: Pick<Migrations, 'settle'> | undefined;

  constructor(core: Core, host: EnrolmentHost, router: Router) {
    this.#core = core;
    this.#host = host;
    this.#router = router;
  }

  expect(entry: TaskEntry): void {
    if (entry.cookie !== '') this.#cookies.set(entry.cookie, entry);
  }
  forget(entry: TaskEntry): void {
    if (this.#cookies.get(entry.cookie) === entry) this.#cookies.delete(entry.cookie);
  }

  enroll(link: Link, frame: mpvm.task.ToDaemon): void {
    const hello = frame.enroll ?? {};
    const refuse = (status: number, why: string): void => {
      this.#core.log.warn({ pid: link.peer.pid, program: hello.program, status, why }, 'enrolment refused');
      link.send({ request: frame.request, status });
      link.close();
    };
    if (this.#core.stopping) return refuse(pvm.SysErr, 'the node is stopping');
    if (hello.protocol !== protocol) return refuse(badVersion, `protocol ${hello.protocol ?? 0}, this daemon speaks ${protocol}`);
    if (hello.pid !== innerPid(link.peer.pid)) return refuse(denied, `it says it is process ${hello.pid ?? 0}`);
    if (hello.tid) return void this.#comeBack(link, frame, hello, refuse);
    const spawned = this.#cookies.get(hello.cookie ?? '');
    if (spawned?.state === 'starting') return void this.#spawned(spawned, link, frame, hello);
    // It asks again: the answer to its first Enroll died with the last daemon.
    if (spawned?.pid === link.peer.pid && hello.incarnation && spawned.record.incarnation === hello.incarnation) return this.#welcome(spawned, link, frame);
    const newcomer = this.#newcomer(link, hello);
    if (newcomer === undefined) return refuse(pvm.OutOfRes, 'all task ids of this node are in use');
    this.#welcome(newcomer, link, frame);
  }

  async #spawned(entry: TaskEntry, link: Link, frame: mpvm.task.ToDaemon, hello: mpvm.task.IEnroll): Promise<void> {
    // Started through a script or a debugger: the task is the process that enrols.
    if (link.peer.pid !== entry.pid) entry.process = this.#process(entry, link.peer.pid);
    entry.amend({ incarnation: hello.incarnation });
    await entry.introduced;
    if (entry.state !== 'starting') { link.close('it had ended before it enrolled'); return; }
    this.#welcome(entry, link, frame);
  }

  #newcomer(link: Link, hello: mpvm.task.IEnroll): TaskEntry | undefined {
    const tid = this.#host.nextTid();
    if (tid === undefined) return undefined;
    const { scheduler } = this.#host.officers;
    const inherited = withTracer({}, this.#core.vm.officer(mpvm.task.Office.TRACER), false);
    const record = { tid, parent: pvm.NoParent, epoch: 0, ...nameOf(hello), incarnation: hello.incarnation, startedMs: Date.now(), siblings: [tid], console: hello.console, scheduler, inherited };
    const entry = this.#host.newEntry(record, '', '', 'running');
    entry.process = this.#process(entry, link.peer.pid);
    this.#core.emit('started', entry);
    this.#host.officers.newcomer(tid);
    this.#host.officers.begun(record, -1);
    return entry;
  }

  #process(entry: TaskEntry, pid: number): TaskProcess {
    const startTime = startTimeOf(pid) ?? processStartTime(pid) ?? 0;
    const watched: TaskProcess = new TaskProcess(pid, startTime, undefined, () => {
      if (entry.process === watched) this.#host.processGone(entry);
    });
    return watched;
  }

  #welcome(entry: TaskEntry, link: Link, frame: mpvm.task.ToDaemon): void {
    this.#host.linked(entry, link);
    entry.attach(link, false);
    this.#core.writeDown();
    link.send({ request: frame.request, status: pvm.Ok, enrolled: this.#host.placeOf(entry, entry.epoch) });
    entry.nowReady();
    if (!link.open) entry.process?.hint();
  }

  // ---------------------------------------------------------------- coming back

  async #comeBack(link: Link, frame: mpvm.task.ToDaemon, hello: mpvm.task.IEnroll, refuse: (status: number, why: string) => void): Promise<void> {
    const tid = hello.tid ?? 0;
    const entry = this.#core.table.get(tid);
    if (!entry?.here || entry.state === 'arriving') { this.#tooLate(link, hello, refuse); return; }
    const known = entry.record.incarnation ?? 0;
    if (entry.pid !== link.peer.pid || (known !== 0 && known !== hello.incarnation)) { refuse(denied, `it says it is ${tidText(tid)}, which is process ${entry.pid}`); return; }
    this.#core.log.info({ tid: tidText(tid), migration: hello.migration || undefined }, 'a task has come back');
    if (!hello.migration) { this.#welcome(entry, link, frame); return; }
    await this.#frozen(entry, link, frame, hello.migration);
  }

  /** It hears nothing but the verdict on its move until that is known. */
  async #frozen(entry: TaskEntry, link: Link, frame: mpvm.task.ToDaemon, migration: string): Promise<void> {
    entry.hold();
    this.#host.linked(entry, link);
    entry.attach(link, false);
    if (entry.state === 'moving') return; // the migration is under way here and gives the verdict itself
    if (this.moves === undefined) { link.close('nothing here can settle its migration'); return; }
    try {
      if (!(await this.moves.settle(entry, migration))) return;
    } catch (error) {
      this.#core.log.error({ tid: tidText(entry.tid), migration, err: error }, 'a move could not be settled');
      link.close('its move cannot be settled yet'); return;
    }
    link.send({ request: frame.request, status: pvm.Ok, enrolled: this.#host.placeOf(entry, entry.epoch) });
    entry.nowReady();
    entry.release();
  }

  /** No such task here: it lives elsewhere, or is reported as ended. Never both. */
  #tooLate(link: Link, hello: mpvm.task.IEnroll, refuse: (status: number, why: string) => void): void {
    const tid = hello.tid ?? 0;
    const where = this.#router.whereIs(tid);
    if (where.node !== this.#core.vm.self.name && where.epoch > (hello.epoch ?? 0)) {
      if (hello.migration) link.send({ request: 0, migrationCommitted: { id: hello.migration } });
      const copy = new TaskProcess(link.peer.pid, startTimeOf(link.peer.pid) ?? 0, undefined, () => undefined);
      link.onClosed(() => copy.signal(9));
      return refuse(pvm.NoTask, `${tidText(tid)} is on ${where.node} now: this copy ends`);
    }
    refuse(pvm.NoTask, `${tidText(tid)} is no task of this node`);
  }
}

/** A program started from a shell is known by the name that it gives itself (pvmsettaskname), or by its file. */
function nameOf({ name = '', program }: mpvm.task.IEnroll): mpvm.node.ITaskRecord {
  return name ? { program: name, flags: namedFlag } : { program };
}
