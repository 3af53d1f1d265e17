/**
 * Emptying nodes: cordon, plan, move with a limit on how many at once, look again, until nothing is left there.
 * What cannot be moved is left behind with its reason; with a deadline it is tried until then.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { VirtualMachine } from '../contracts.js';
import { asMpvmError, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { asBlocker, stopping } from '../migration/blockers.js';
import type { Blocker } from '../migration/blockers.js';
import { performMove, plannedMove } from '../migration/mover.js';
import { observedBytesPerSecond } from '../migration/predict.js';
import { mpvm } from '../rpc/messages.js';
import { planDrain } from '../schedule/drain.js';
import { tidText } from '../schedule/snapshot.js';
import type { NodeView, PlannedMove, Stays } from '../schedule/snapshot.js';
import { DrainFeed } from './feed.js';
import { Lookout, taskView } from './look.js';
import type { Look, Seen } from './look.js';
import { Progress } from './progress.js';
import { Then } from './record.js';
import type { DrainRecord } from './record.js';

type Left = mpvm.node.DrainEvent.ILeft;

/** A move may fail for a passing reason (a task that was busy); those that its nodes' daemons caused do not count. */
const attempts = 3;
const passing = new Set(['NODE_UNREACHABLE', 'NODE_TIMEOUT', 'REGISTRY_UNREACHABLE', 'SHUTTING_DOWN', 'DESTINATION_LOST', 'SOURCE_LOST', 'TASK_NOT_HERE', 'TASK_UNKNOWN', 'TASK_MOVING', 'CANCELLED']);
/** After so long a task or node that has said no is asked once more, if the drain is still going. */
const forgiveMs = 5000;
const lookAgainMs = 100;
const whileMovingMs = 1000;
const progressMs = 250;
const fewMoves = 2;
const manyMoves = 16;
/** Moves that are made at once share a network: they take longer than is predicted of each. */
const caution = 3;
/** Between SIGTERM and SIGKILL. */
const killGraceMs = 3000;
/** Until heartbeats tell what a task that has moved takes at its new node. */
const settledMs = 3000;

export interface DrainDeps {
  vm: VirtualMachine;
  log: Logger;
  /** Nodes that any drain of the VM is emptying. */
  emptied(): ReadonlySet<string>;
  /** Cordons a node for this drain. */
  close(node: string): Promise<void>;
  /** What must outlive this daemon has changed. */
  keep(record: DrainRecord): Promise<void>;
}
interface Refusal {
  node: string;
  atMs: number;
  blockers: Blocker[];
}
interface Failure {
  times: number;
  atMs: number;
  last: Blocker;
}
/** Bytes that are on their way to a node, or so short a time there that its heartbeats do not count them. */
interface Coming {
  to: string;
  bytes: number;
  untilMs: number;
}

export class Drain {
  readonly feed = new DrainFeed();
  readonly record: DrainRecord;
  readonly dryRun: boolean;
  readonly #deps: DrainDeps;
  readonly #vm: VirtualMachine;
  readonly #log: Logger;
  readonly #lookout: Lookout;
  readonly #progress: Progress;
  readonly #failures = new Map<number, Failure>();
  readonly #refusals = new Map<number, Refusal[]>();
  /** Moves under way: the id of each once it is known. */
  readonly #moving = new Map<number, { from: string; id: string | undefined }>();
  readonly #running = new Set<Promise<void>>();
  readonly #coming = new Map<number, Coming>();
  readonly #killed = new Map<number, number>();
  readonly #told = new Set<string>();
  readonly #stop = new AbortController();
  #seen: readonly Seen[] = [];
  #planned = false;
  #late = false;

  constructor(record: DrainRecord, deps: DrainDeps, dryRun = false) {
    this.record = record;
    this.dryRun = dryRun;
    this.#deps = deps;
    this.#vm = deps.vm;
    this.#log = deps.log.child({ part: 'drain', id: record.id, nodes: record.nodes });
    this.#lookout = new Lookout(deps.vm);
    this.#progress = new Progress(record.moved);
  }

  /** The moves under way are taken back, as far as that can be; `reason` is told to whoever watches. */
  cancel(reason: MpvmError): void {
    this.#stop.abort(reason);
  }

  get info(): mpvm.node.IDrainInfo {
    const { id, nodes, reason, user, startedMs, deadlineMs, then } = this.record;
    return { id, nodes, reason, user, startedMs, deadlineMs, then, progress: this.#progress.report(this.#seen, this.record.concurrency || fewMoves) };
  }

  /** Resolves when it is over. Never rejects. */
  async run(): Promise<void> {
    const ticker = setInterval(() => this.#tell(), progressMs);
    try {
      if (!this.dryRun) for (const node of this.record.nodes) await this.#deps.close(node);
      const { left, timedOut } = await this.#empty();
      for (const entry of left) this.feed.push({ left: entry });
      this.#log.info({ moved: this.#progress.moved, left: left.map(({ tid }) => tidText(tid ?? 0)), timedOut }, 'drain over');
      this.feed.push({ done: { moved: this.#progress.moved, left: left.length, timedOut, killed: [...this.#killed.keys()] } });
    } catch (thrown) {
      const { code, message } = asMpvmError(thrown);
      this.#log.warn({ code, cause: message }, 'drain failed');
      this.feed.push({ failed: { status: -1, code, text: message } });
    } finally {
      clearInterval(ticker);
      this.feed.end();
    }
  }

  /** Rounds of looking, planning and moving. Returns what has to stay. */
  async #empty(): Promise<{ left: Left[]; timedOut: boolean }> {
    for (;;) {
      const look = await this.#lookout.look(this.record.nodes, new Set(this.#moving.keys()), !this.dryRun);
      this.#seen = look.tasks;
      this.#tellOf(look);
      const { moves, stays } = await this.#plan(look.tasks);
      this.#announce(moves, stays, look.tasks);
      if (this.dryRun) return { left: [], timedOut: false };
      await this.#checkStopped();
      const left = this.#left(look.tasks, stays);
      if (this.#isLate() && (await this.#atDeadline(look.tasks))) return { left: this.#left(look.tasks, stays, 'all'), timedOut: true };
      this.#begin(moves);
      const busy = this.#running.size > 0 || moves.length > 0 || look.unsettled || look.silent.size > 0;
      if (!busy && (look.tasks.length === 0 || !this.#persists())) return { left, timedOut: false };
      await this.#pause();
    }
  }

  /** Does it go on while there is nothing that it could do? */
  #persists(): boolean {
    const { deadlineMs, then } = this.record;
    return then === Then.WAIT || (deadlineMs > 0 && !(this.#late && then === Then.FAIL));
  }

  #begin(moves: readonly PlannedMove[]): void {
    const limit = this.#limit(moves);
    for (const move of moves) {
      if (this.#running.size >= limit) return;
      const work: Promise<void> = this.#move(move).finally(() => this.#running.delete(work));
      this.#running.add(work);
    }
  }

  /** Moves at once: as asked, else few, but as many as it takes to be done before the deadline. */
  #limit(moves: readonly PlannedMove[]): number {
    const { concurrency, deadlineMs } = this.record;
    if (concurrency > 0) return concurrency;
    if (deadlineMs === 0) return fewMoves;
    const needed = moves.reduce((sum, { seconds }) => sum + seconds, 0) * caution;
    const seconds = Math.max(0.001, (deadlineMs - Date.now()) / 1000);
    return Math.min(manyMoves, Math.max(fewMoves, Math.ceil(needed / seconds)));
  }

  /** Until a move has ended, or it is time to look again. */
  async #pause(): Promise<void> {
    const { deadlineMs } = this.record;
    const toDeadline = deadlineMs > 0 && !this.#late ? Math.max(0, deadlineMs - Date.now()) : Infinity;
    const wait = Math.min(this.#running.size > 0 ? whileMovingMs : lookAgainMs, toDeadline);
    const timer = new AbortController();
    const stopped = (): void => timer.abort();
    this.#stop.signal.addEventListener('abort', stopped, { once: true });
    await Promise.race([...this.#running, delay(wait, undefined, { signal: timer.signal }).catch(() => undefined)]);
    this.#stop.signal.removeEventListener('abort', stopped);
    timer.abort();
  }

  /** Cancelled, or ended because somebody has opened one of the nodes again. */
  async #checkStopped(): Promise<void> {
    const opened = this.record.nodes.find((node) => this.#vm.nodeNamed(node)?.cordoned === false);
    if (!this.#stop.signal.aborted && opened === undefined) return;
    await this.#takeBack();
    throw this.#stop.signal.aborted ? asMpvmError(this.#stop.signal.reason) : new MpvmError('CANCELLED', { detail: `: node ${opened} has been opened again` });
  }

  // ---------------------------------------------------------------- the deadline

  #isLate(): boolean {
    const { deadlineMs } = this.record;
    return deadlineMs > 0 && Date.now() >= deadlineMs;
  }

  /** True: the drain ends now. */
  async #atDeadline(tasks: readonly Seen[]): Promise<boolean> {
    const first = !this.#late;
    this.#late = true;
    switch (this.record.then) {
      case Then.WAIT:
        if (first) this.#note('DRAIN_LATE', new MpvmError('DRAIN_LATE', { left: tasks.length }).message);
        return false;
      case Then.KILL:
        if (first) await this.#takeBack();
        await this.#kill(tasks);
        return false;
      default:
        await this.#takeBack();
        return tasks.length > 0;
    }
  }

  async #kill(tasks: readonly Seen[]): Promise<void> {
    for (const { tid, node } of tasks) {
      const since = this.#killed.get(tid);
      if (since !== undefined && Date.now() - since < killGraceMs) continue;
      const signum = since === undefined ? 15 : 9;
      if (since === undefined) this.#note('DRAIN_KILLED', new MpvmError('DRAIN_KILLED', { tid: tidText(tid), node }).message);
      this.#killed.set(tid, since ?? Date.now());
      await this.#vm.peer(node).signal({ tid, signum }).catch((error: unknown) => this.#log.warn({ tid: tidText(tid), cause: asMpvmError(error).message }, 'a task could not be ended'));
    }
  }

  async #takeBack(): Promise<void> {
    for (const { from, id } of this.#moving.values()) {
      if (id !== undefined) await this.#vm.peer(from).cancelMigration({ id }).catch(() => undefined);
    }
    await Promise.all(this.#running);
  }

  // ---------------------------------------------------------------- planning

  /** Plans; the first plan is shown to people, so each chosen node is asked about it, at most once a node and task. */
  async #plan(tasks: readonly Seen[]): Promise<{ moves: PlannedMove[]; stays: Stays[] }> {
    if (this.#late && this.record.then !== Then.WAIT) return { moves: [], stays: [] };
    this.#forgive();
    for (;;) {
      const views = tasks.map((seen) => taskView(this.#withFailure(seen), this.#moving.has(seen.tid), this.#refusedBy(seen.tid)));
      const own = new Set(this.record.nodes);
      const closed = this.#deps.emptied();
      const nodes = this.#vm.nodes().map((node) => this.#nodeView(node)).map((node) => (closed.has(node.name) && !own.has(node.name) ? { ...node, cordoned: true } : node));
      const plan = planDrain({ nodes, tasks: views }, own);
      let refused = false;
      if (!this.#planned) for (const move of plan.moves) refused = (await this.#refuses(move)) || refused;
      if (!refused) return { moves: plan.moves, stays: plan.stays.filter(({ tid }) => !this.#moving.has(tid)) };
    }
  }

  /** As the heartbeats tell it, and what is on its way there. */
  #nodeView(node: mpvm.node.INodeInfo): NodeView {
    const now = Date.now();
    const coming = [...this.#coming.values()].filter(({ to, untilMs }) => to === node.name && untilMs > now);
    return {
      name: node.name ?? '',
      up: node.state === mpvm.node.NodeState.UP,
      cordoned: node.cordoned ?? false,
      cores: node.cpus ?? 1,
      other: Math.max(node.load ?? 0, node.tasks ?? 0) + coming.length,
      memoryFreeBytes: (node.memoryFreeBytes ?? 0) - coming.reduce((sum, { bytes }) => sum + bytes, 0),
      bytesPerSecond: observedBytesPerSecond(),
    };
  }

  #withFailure(seen: Seen): Seen {
    const failure = this.#failures.get(seen.tid);
    return failure && failure.times >= attempts ? { ...seen, blockers: [...seen.blockers, failure.last] } : seen;
  }

  #refusedBy(tid: number): string[] {
    return (this.#refusals.get(tid) ?? []).map(({ node }) => node);
  }

  async #refuses(move: PlannedMove): Promise<boolean> {
    const reply = await this.#vm.peer(move.from).explainTask({ tid: move.tid, to: move.to, engine: '' }).catch(() => undefined);
    const reasons = reply ? stopping(reply.blockers).filter((entry) => entry.side === 'destination') : [];
    if (reasons.length > 0) this.#refuse(move, reasons);
    return reasons.length > 0;
  }

  #refuse({ tid, to }: PlannedMove, blockers: Blocker[]): void {
    this.#refusals.set(tid, [...(this.#refusals.get(tid) ?? []), { node: to, atMs: Date.now(), blockers }]);
  }

  /** Memory comes free, files are put in place: a drain that goes on asks again. */
  #forgive(): void {
    if (!this.#persists()) return;
    const before = Date.now() - forgiveMs;
    for (const [tid, list] of this.#refusals) this.#refusals.set(tid, list.filter(({ atMs }) => atMs > before));
    for (const [tid, { atMs }] of this.#failures) if (atMs <= before) this.#failures.delete(tid);
  }

  // ---------------------------------------------------------------- telling

  #announce(moves: readonly PlannedMove[], stays: readonly Stays[], tasks: readonly Seen[]): void {
    if (this.#planned) return;
    this.#planned = true;
    const { id, startedMs, deadlineMs } = this.record;
    this.feed.push({ plan: { id, startedMs, deadlineMs, moves: moves.map(plannedMove), blocked: this.#left(tasks, stays) } });
  }

  /** Tasks that cannot go anywhere; `all`: those that only had no time, too. */
  #left(tasks: readonly Seen[], stays: readonly Stays[], which: 'blocked' | 'all' = 'blocked'): Left[] {
    return tasks.flatMap((seen) => {
      const blockers = [...this.#withFailure(seen).blockers, ...this.#roomBlockers(seen, stays)];
      if (blockers.length === 0 && which === 'all') blockers.push(asBlocker('source', new MpvmError('DRAIN_DEADLINE')));
      return blockers.length > 0 && !this.#moving.has(seen.tid) ? [{ tid: seen.tid, node: seen.node, blockers }] : [];
    });
  }

  #roomBlockers({ tid }: Seen, stays: readonly Stays[]): Blocker[] {
    const stay = stays.find((entry) => entry.tid === tid && entry.why === 'room');
    if (!stay) return [];
    const refusals = (this.#refusals.get(tid) ?? []).flatMap(({ blockers }) => blockers);
    return [asBlocker('destination', new MpvmError('NO_ROOM', { tid: tidText(tid), detail: stay.detail, help: stay.help ?? '' })), ...refusals];
  }

  #tellOf(look: Look): void {
    for (const [node, error] of look.silent) this.#note(`silent ${node}`, `${error.message}; the drain waits for it`);
    for (const node of look.gone) this.#note(`gone ${node}`, new MpvmError('DRAIN_GONE', { node }).message);
    for (const key of this.#told) if (key.startsWith('silent ') && !look.silent.has(key.slice(7))) this.#told.delete(key);
  }

  /** Once for each key; tasks have keys of their own. */
  #note(key: string, text: string): void {
    const once = key.includes(' ');
    if (once && this.#told.has(key)) return;
    if (once) this.#told.add(key);
    this.#log.info({ note: text }, 'drain');
    this.feed.push({ note: { code: once ? '' : key, text } });
  }

  #tell(): void {
    if (this.#planned) this.feed.progress(this.#progress.report(this.#seen, this.record.concurrency || fewMoves));
  }

  // ---------------------------------------------------------------- moving

  async #move(move: PlannedMove): Promise<void> {
    const { tid, from, to, bytes } = move;
    this.#moving.set(tid, { from, id: undefined });
    this.#coming.set(tid, { to, bytes, untilMs: Infinity });
    const { error, blockers } = await performMove(this.#vm, move, this.record.reason || 'drain', (migration, news) => {
      this.#moving.set(tid, { from, id: migration.id ?? undefined });
      this.#progress.heard(migration);
      if (news) this.feed.push({ migration });
    });
    this.#progress.over(tid, !error);
    this.#coming.set(tid, { to, bytes, untilMs: error ? 0 : Date.now() + settledMs });
    if (error) this.#moveFailed(move, error, blockers);
    else await this.#deps.keep(Object.assign(this.record, { moved: this.#progress.moved })).catch(() => undefined);
    this.#moving.delete(tid);
  }

  #moveFailed(move: PlannedMove, error: MpvmError, blockers: Blocker[]): void {
    this.#log.info({ ...move, tid: tidText(move.tid), code: error.code, cause: error.message }, 'a move of the drain failed');
    this.#lookout.forget(move.tid);
    const refused = stopping(blockers).filter((entry) => entry.side === 'destination');
    if (refused.length > 0) return this.#refuse(move, refused);
    const times = (this.#failures.get(move.tid)?.times ?? 0) + (passing.has(error.code) ? 0 : 1);
    this.#failures.set(move.tid, { times, atMs: Date.now(), last: asBlocker('source', error) });
  }
}
