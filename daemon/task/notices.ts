/**
 * pvm_notify: who wants to be told of what. A request stays with the task that made it and moves
 * with it; the node of the task that is watched knows only which nodes to tell (watchers).
 */
import { mpvm } from '../rpc/messages.js';
import { daemonTid, hostOf, isTaskTid, notifyKind, pvm, tidText, xdrEncoding } from './codes.js';
import type { Core } from './core.js';
import type { TaskEntry } from './entry.js';
import type { Router } from './router.js';
import { xdrInts } from './xdr.js';

type Wanted = Required<Pick<mpvm.node.INotifyRecord, 'kind' | 'tag' | 'context' | 'about' | 'count'>> & { kind: number; tag: number; context: number; about: number; count: number };

const wantedOf = (record: mpvm.node.INotifyRecord): Wanted => ({
  kind: record.kind ?? 0,
  tag: record.tag ?? 0,
  context: record.context ?? 0,
  about: record.about ?? 0,
  count: record.count ?? 0,
});

function notice(wanted: Wanted, body: Buffer): mpvm.task.IToTask {
  const about = wanted.kind === notifyKind.TaskExit ? wanted.about : 0;
  return { request: 0, deliver: { source: daemonTid, tag: wanted.tag, context: wanted.context, encoding: xdrEncoding, body, about } };
}

export class Notices {
  readonly #core: Core;
  readonly #router: Router;
  readonly #wanted = new Map<TaskEntry, Wanted[]>();
  /** Who waits for the end of a task or host: the first index into #wanted. */
  readonly #about = new Map<number, Set<TaskEntry>>();

  constructor(core: Core, router: Router) {
    this.#core = core;
    this.#router = router;
  }

  /** The request of a task; returns the status of the answer. */
  request(entry: TaskEntry, request: mpvm.task.INotify): number {
    const kind = request.kind ?? 0;
    const common = { kind, tag: request.tag ?? 0, context: request.context ?? 0 };
    if (kind === notifyKind.HostAdd) {
      if (request.cancel) this.#remove(entry, (wanted) => wanted.kind === kind && wanted.tag === common.tag && wanted.context === common.context);
      else if ((request.count ?? 0) !== 0) this.#add(entry, { ...common, about: 0, count: request.count ?? 0 });
      return pvm.Ok;
    }
    const tids = request.tids ?? [];
    const valid = kind === notifyKind.TaskExit ? isTaskTid : (tid: number): boolean => hostOf(tid) !== 0;
    if ((kind !== notifyKind.TaskExit && kind !== notifyKind.HostDelete) || tids.length === 0 || !tids.every(valid)) return pvm.BadParam;
    for (const tid of tids) {
      const about = kind === notifyKind.HostDelete ? hostOf(tid) : tid;
      if (request.cancel) this.#cancel(entry, { ...common, about, count: 0 });
      else this.#want(entry, { ...common, about, count: 0 });
    }
    return pvm.Ok;
  }

  /** What the record of a task carries to its next node. */
  of(entry: TaskEntry): mpvm.node.INotifyRecord[] {
    return [...(this.#wanted.get(entry) ?? [])];
  }

  /** Nodes to tell when this task ends: those that asked, and this one if a task here did. */
  watchersOf(entry: TaskEntry): string[] {
    const nodes = new Set(entry.watchers);
    if (this.#about.has(entry.tid)) nodes.add(this.#core.vm.self.name);
    return [...nodes];
  }

  /** A task that has arrived, or was found again: what it wants, and the watching anew. */
  restore(entry: TaskEntry, records: readonly mpvm.node.INotifyRecord[]): void {
    for (const record of records) {
      const wanted = wantedOf(record);
      if (wanted.kind === notifyKind.HostAdd) this.#add(entry, wanted);
      else this.#want(entry, wanted);
    }
  }

  /** It has ended or gone elsewhere. */
  drop(entry: TaskEntry): void {
    for (const wanted of this.#wanted.get(entry) ?? []) this.#unindex(entry, wanted.about);
    this.#wanted.delete(entry);
  }

  /** A task has ended, here or anywhere. */
  taskEnded(tid: number): void {
    for (const entry of [...(this.#about.get(tid) ?? [])]) this.#endFor(entry, tid);
  }

  /** A local task has ended: its own wishes go, everybody who watches it is told. */
  localEnded(entry: TaskEntry, code: number, signal: string | null): void {
    this.taskEnded(entry.tid);
    for (const node of entry.watchers) this.#tell(node, { tid: entry.tid, code, signal: signal ?? '' });
  }

  /** It was held while other tasks ended; it has not moved after all. */
  afterHold(entry: TaskEntry): void {
    for (const tid of entry.endsMeanwhile.splice(0)) this.#endFor(entry, tid);
  }

  hostUp(host: number): void {
    for (const [entry, list] of this.#wanted) {
      for (const wanted of list.filter((each) => each.kind === notifyKind.HostAdd)) {
        entry.deliver([notice(wanted, xdrInts(1, host))]);
        if (wanted.count > 0 && --wanted.count === 0) this.#remove(entry, (each) => each === wanted);
      }
    }
  }

  hostDown(node: string, host: number): void {
    for (const [tid, entries] of [...this.#about]) {
      const here = this.#core.table.get(tid)?.here === true;
      if (tid === host) for (const entry of [...entries]) this.#endFor(entry, tid);
      else if (!here && this.#router.whereIs(tid).node === node) this.taskEnded(tid);
    }
    for (const entry of this.#core.table.values()) entry.watchers.delete(node);
  }

  /** Service Node: another node wants to know when a task of this one ends. */
  watch(request: mpvm.node.IWatchTaskRequest): void {
    void this.#watch(request.tid ?? 0, request.watcher ?? '').catch((error: unknown) => this.#core.log.error({ err: error }, 'watch'));
  }

  async #watch(tid: number, watcher: string): Promise<void> {
    const entry = this.#core.table.get(tid);
    if (entry && (entry.state === 'arriving' || entry.holding)) {
      await entry.settled();
      return this.#watch(tid, watcher);
    }
    if (entry?.here) {
      entry.watchers.add(watcher);
      this.#core.persist(entry);
      this.#core.writeDown();
      return;
    }
    const self = this.#core.vm.self.name;
    let { node } = this.#router.whereIs(tid);
    if (node === self) node = (await this.#router.whereSurely(tid))?.node ?? self;
    const passedOn = node !== self && (await this.#router.ask(node, (client) => client.watch({ tid, watcher }))) !== undefined;
    if (!passedOn) this.#tell(watcher, { tid, code: 0, signal: '' });
  }

  // ---------------------------------------------------------------- one wish

  #want(entry: TaskEntry, wanted: Wanted): void {
    this.#add(entry, wanted);
    if (wanted.kind === notifyKind.HostDelete) {
      const info = this.#core.vm.nodeOfHost(wanted.about);
      if (info === undefined || this.#router.isGone(info.name ?? '')) this.#endFor(entry, wanted.about);
      return;
    }
    const local = this.#core.table.get(wanted.about);
    // Its record may be on its way already, without us among its watchers: asked again when it is settled.
    if (local?.here && (local.state === 'arriving' || local.holding)) this.watch({ tid: wanted.about, watcher: this.#core.vm.self.name });
    else if (!local?.here) void this.#follow(wanted.about); // else its end is told by localEnded
  }

  /** Asks the node that has the task; when none has, it has ended. */
  async #follow(tid: number): Promise<void> {
    const self = this.#core.vm.self.name;
    let { node } = this.#router.whereIs(tid);
    if (node === self) node = (await this.#router.whereSurely(tid))?.node ?? self;
    if (this.#core.table.get(tid)?.here) return;
    if (node === self || (await this.#router.ask(node, (client) => client.watch({ tid, watcher: self }))) === undefined) {
      if (!this.#core.stopping) this.taskEnded(tid);
    }
  }

  #cancel(entry: TaskEntry, like: Wanted): void {
    const matches = (wanted: Wanted): boolean =>
      wanted.kind === like.kind && wanted.tag === like.tag && wanted.context === like.context && wanted.about === like.about;
    for (const wanted of this.#remove(entry, matches)) entry.deliver([notice(wanted, xdrInts(wanted.about))]);
  }

  #endFor(entry: TaskEntry, about: number): void {
    if (entry.holding) {
      entry.endsMeanwhile.push(about);
      return;
    }
    for (const wanted of this.#remove(entry, (each) => each.kind !== notifyKind.HostAdd && each.about === about)) {
      entry.deliver([notice(wanted, xdrInts(about))]);
    }
  }

  #add(entry: TaskEntry, wanted: Wanted): void {
    const list = this.#wanted.get(entry) ?? [];
    list.push(wanted);
    this.#wanted.set(entry, list);
    if (wanted.kind !== notifyKind.HostAdd) {
      const set = this.#about.get(wanted.about) ?? new Set();
      this.#about.set(wanted.about, set.add(entry));
    }
    this.#core.persist(entry);
  }

  #remove(entry: TaskEntry, which: (wanted: Wanted) => boolean): Wanted[] {
    const list = this.#wanted.get(entry) ?? [];
    const removed = list.filter(which);
    if (removed.length === 0) return [];
    const rest = list.filter((wanted) => !removed.includes(wanted));
    if (rest.length > 0) this.#wanted.set(entry, rest);
    else this.#wanted.delete(entry);
    for (const { about } of removed) if (!rest.some((wanted) => wanted.about === about)) this.#unindex(entry, about);
    this.#core.persist(entry);
    return removed;
  }

  #unindex(entry: TaskEntry, about: number): void {
    const set = this.#about.get(about);
    set?.delete(entry);
    if (set?.size === 0) this.#about.delete(about);
  }

  #tell(node: string, ended: mpvm.node.ITaskEndedNotice): void {
    if (node === this.#core.vm.self.name) return this.taskEnded(ended.tid ?? 0);
    this.#core.log.debug({ tid: tidText(ended.tid ?? 0), watcher: node }, 'telling of the end');
    void this.#router.ask(node, (client) => client.taskEnded(ended));
  }
}
