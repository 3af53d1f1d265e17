/**
 * Tasks with an office, as this node deals with them: registration, what they are asked
 * (a tasker to start a task, a hoster to start daemons), what the resource manager is told, and
 * the messages that they send to the daemon.
 */
import { constants } from 'node:os';
import { mpvm } from '../rpc/messages.js';
import { architecture, dataSignature, hostOf, hostSpeed, pvm, taskFlag, tidText } from './codes.js';
import type { Core } from './core.js';
import type { TaskEntry } from './entry.js';
import type { Exit } from './process.js';
import { daemonMessage, hostsAdded, type HostStart, readExec, readHostsStarted, readTaskEnd, sm, startHosts, startTask, taskEnd } from './officer-messages.js';
import type { Router } from './router.js';
import { TraceEvents } from './trace-events.js';
import { MessageReader, xdr, XdrError } from './xdr.js';

const Office = mpvm.task.Office;
type Post = mpvm.task.IPost;

/** PVM's pvm_tasks shows who holds an office. */
const flags: Record<mpvm.task.Office, number> = {
  [Office.RM]: taskFlag.ResourceManager,
  [Office.HOSTER]: taskFlag.Hoster,
  [Office.TASKER]: taskFlag.Tasker,
  [Office.TRACER]: taskFlag.Tracer,
};

export function officeFlags(officers: readonly mpvm.node.IOfficer[], tid: number): number {
  return officers.filter((officer) => officer.tid === tid).reduce((sum, { office }) => sum | flags[office ?? Office.RM], 0);
}

/** What a task is given: its parent's, and what is nobody's goes to the tracer of the VM. */
export function withTracer(inherited: mpvm.task.IInherited, tracer: mpvm.node.IOfficer | undefined, output: boolean): mpvm.task.IInherited {
  if (tracer?.tracer == null) return inherited;
  const { traceTag, traceContext, traceMask, traceBuffer, traceOptions, outputTag, outputContext } = tracer.tracer;
  const events = !inherited.traceTid && traceTag ? { traceTid: tracer.tid, traceTag, traceContext, traceMask, traceBuffer, traceOptions } : {};
  const text = output && !inherited.outputTid && outputTag ? { outputTid: tracer.tid, outputTag, outputContext } : {};
  return { ...inherited, ...events, ...text };
}

export interface OfficersHost {
  spawnOn(node: string, request: mpvm.node.ISpawnRequest): Promise<mpvm.node.ISpawnReply>;
  /** pvm_addhosts: for each name the host, or a PVM error. */
  addHosts(names: string[]): Promise<(mpvm.task.IHostInfo | number)[]>;
  /** The process of a task that a tasker has started has ended. */
  endedByTasker(entry: TaskEntry, exit: Exit): void;
}

export class Officers {
  readonly #core: Core;
  readonly #host: OfficersHost;
  readonly #router: Router;
  readonly #events: TraceEvents;
  /** What a hoster has been asked and has not answered, by wait id. */
  readonly #startingHosts = new Map<number, { hoster: number; done: (results: Map<number, string> | undefined) => void }>();
  #lastWait = 0;

  constructor(core: Core, host: OfficersHost, router: Router) {
    this.#core = core;
    this.#host = host;
    this.#router = router;
    this.#events = new TraceEvents((tid, frames) => router.post(tid, frames));
    core.vm.on('offices', () => this.#changed());
    core.vm.on('moved', () => this.#changed());
  }

  #holder(office: mpvm.task.Office): number {
    return this.#core.vm.officer(office)?.tid ?? 0;
  }
  get scheduler(): number {
    return this.#holder(Office.RM);
  }
  get tasker(): number {
    return this.#holder(Office.TASKER);
  }

  /** pvm_reg_rm and its relatives. */
  async register(entry: TaskEntry, { office, on, tracer }: mpvm.task.IRegister): Promise<mpvm.task.IToTask> {
    const { status, previous } = await this.#core.vm.registry().register({ officer: { office, tid: entry.tid, tracer }, on });
    this.#core.log.info({ tid: tidText(entry.tid), office: Office[office ?? 0], on, status }, 'office');
    const first = this.#core.vm.nodes().find((info) => info.registry);
    const host = { tid: first?.host, name: first?.name, architecture: first?.architecture || architecture, speed: hostSpeed, dataSignature };
    return { status, registered: { previous, host } };
  }

  // ---------------------------------------------------------------- the resource manager is told

  /** A task that it has not started itself. */
  newcomer(tid: number): void {
    const { scheduler } = this;
    if (scheduler !== 0 && scheduler !== tid) this.#router.post(scheduler, [daemonMessage(sm.ExecAck, xdr(1, tid))]);
  }

  /** Whoever collects its events is told. `flags`: of its spawn, -1 for none. */
  begun(record: mpvm.node.ITaskRecord, flags: number): void {
    this.#events.begun(record, flags);
  }

  ended(entry: TaskEntry, exit: Exit): void {
    const { code, signal } = exit;
    const { scheduler } = entry.record;
    if (this.#core.stopping) return;
    const number = signal === null ? 0 : ((constants.signals as Record<string, number>)[signal] ?? 0);
    this.#events.ended(entry.record, number || code << 8, exit);
    if (scheduler && scheduler !== entry.tid) this.#router.post(scheduler, [daemonMessage(sm.TaskX, taskEnd(entry.tid, code, number, exit))]);
  }

  /** The node that has the resource manager tells it: once. */
  hostDown(host: number): void {
    const { scheduler } = this;
    if (this.#core.table.get(scheduler)?.here) this.#router.post(scheduler, [daemonMessage(sm.HostX, xdr((host | 0x80000000) | 0))]);
  }

  // ---------------------------------------------------------------- hoster and tasker are asked

  /** Has the tasker start a task; its process is known when it enrols. */
  askTasker(task: { tid: number; flags: number; path: string; argv: readonly string[]; environment: readonly string[] }): void {
    this.#router.post(this.tasker, [daemonMessage(sm.StartTask, startTask(task), { waitId: this.#nextWait() })]);
  }

  get hasHoster(): boolean {
    return this.#holder(Office.HOSTER) !== 0;
  }
  /**
   * Has the hoster start daemons. What each printed (or the name of an error) by its tid; undefined
   * when there is no hoster, or it ended before it answered.
   */
  async startHosts(hosts: readonly HostStart[]): Promise<Map<number, string> | undefined> {
    const hoster = this.#holder(Office.HOSTER);
    if (hoster === 0) return undefined;
    const waitId = this.#nextWait();
    return new Promise((resolve) => {
      this.#startingHosts.set(waitId, { hoster, done: resolve });
      const source = (0x80000000 | this.#core.vm.self.host) >>> 0;
      this.#router.post(hoster, [daemonMessage(sm.StartHosts, startHosts(hosts), { waitId, source })]);
    });
  }

  #nextWait(): number {
    this.#lastWait = (this.#lastWait % 0x7fffffff) + 1;
    return this.#lastWait;
  }

  /** Who has lost an office does not answer any more, and what it was about to do is not done; nor is what a tasker was to start here that is elsewhere now. */
  #changed(): void {
    const hoster = this.#holder(Office.HOSTER);
    for (const [id, waiting] of this.#startingHosts) if (waiting.hoster !== hoster) this.#hostsStarted(id, undefined);
    const { tasker } = this;
    for (const entry of [...this.#core.table.values()]) {
      if (entry.state === 'starting' && entry.process === undefined && entry.record.tasker && entry.record.tasker !== tasker) this.#host.endedByTasker(entry, { code: 1, signal: null });
    }
  }

  #hostsStarted(waitId: number, results: Map<number, string> | undefined): void {
    const waiting = this.#startingHosts.get(waitId);
    this.#startingHosts.delete(waitId);
    waiting?.done(results);
  }

  // ---------------------------------------------------------------- what they send

  /** A message to a daemon. What makes no sense is logged and dropped, as PVM does. */
  async post(entry: TaskEntry, post: Post): Promise<void> {
    const { tag = 0, encoding = 0, body = new Uint8Array() } = post;
    const drop = (why: string): void => this.#core.log.warn({ tid: tidText(entry.tid), tag: (tag! >>> 0).toString(16), why }, 'a message to the daemon is dropped');
    try {
      const from = new MessageReader(body!, encoding! >>> 0);
      switch (tag! | 0) {
        case sm.Exec:
          { await this.#exec(entry, post, from); return; }
        case sm.Add:
          { await this.#add(entry, post, from); return; }
        case sm.TaskX:
          { this.#taskEnd(entry, from, drop); return; }
        case sm.Handoff:
          if (entry.tid !== this.scheduler) { drop('it is not the resource manager'); return; }
          await this.#core.vm.registry().register({ officer: { office: Office.RM, tid: from.uint() }, on: true });
          return;
        case sm.StartHostsAck:
          if (this.#startingHosts.get(post.waitId ?? 0)?.hoster !== entry.tid) { drop('the hoster was not asked this'); return; }
          { this.#hostsStarted(post.waitId ?? 0, readHostsStarted(from)); return; }
        default:
          { drop('no daemon answers such messages'); return; }
      }
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
      drop(error.message);
    }
  }

  /** The answer comes from the daemon that was addressed. */
  #answer(entry: TaskEntry, post: Post, tag: number, body: Buffer): void {
    entry.deliver([daemonMessage(tag, body, { context: post.context ?? 0, waitId: post.waitId ?? 0, source: (post.to ?? 0) >>> 0 })]);
  }

  async #exec(entry: TaskEntry, post: Post, from: MessageReader): Promise<void> {
    const { parent, program, flags: how, count, argv, environment, context, inherited } = readExec(from);
    const host = hostOf(post.to ?? 0) || this.#core.vm.self.host;
    const node = this.#core.vm.nodeOfHost(host);
    const usable = node !== undefined && (node.state ?? 0) === mpvm.node.NodeState.UP && !node.cordoned;
    const request = { program, argv, environment, flags: how, count, parent, context, inherited, scheduler: entry.tid };
    const tids = usable ? ((await this.#host.spawnOn(node.name ?? '', request)).tids ?? []) : new Array<number>(Math.max(0, count)).fill(pvm.NoHost);
    this.#answer(entry, post, sm.ExecAck, xdr(tids.length, ...tids));
  }

  async #add(entry: TaskEntry, post: Post, from: MessageReader): Promise<void> {
    this.#answer(entry, post, sm.AddAck, hostsAdded(await this.#host.addHosts(from.strings(from.int()))));
  }

  #taskEnd(tasker: TaskEntry, from: MessageReader, drop: (why: string) => void): void {
    const { tid, code, signal } = readTaskEnd(from);
    const entry = this.#core.table.get(tid);
    if (!entry?.here || entry.state === 'arriving') return; // it has gone elsewhere: its copy here has ended
    if (entry.record.tasker !== tasker.tid) return drop(`${tidText(tid)} is none of its tasks`);
    const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
    this.#host.endedByTasker(entry, { code, signal: signal === 0 ? null : (name ?? `SIG${signal}`) });
  }
}
