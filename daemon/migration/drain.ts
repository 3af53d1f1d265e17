/**
 * Emptying nodes: cordon, plan, move with a limit on how many at once, look again, until nothing is
 * left that can move. It runs in the daemon that was asked, whoever still watches; opening a node
 * again (uncordon) stops it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { VirtualMachine } from '../contracts.js';
import { asMpvmError, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { mpvm } from '../rpc/messages.js';
import { planDrain } from '../schedule/drain.js';
import type { NodeView, PlannedMove, Stays, TaskView } from '../schedule/snapshot.js';
import { asBlocker, stopping } from './blockers.js';
import type { Blocker } from './blockers.js';
import { tidText } from './engine.js';
import { Feed } from './mailbox.js';
import { performMove, plannedMove } from './mover.js';
import { observedBytesPerSecond } from './predict.js';

type Event = mpvm.control.IDrainEvent;
type TaskRow = mpvm.node.ITaskRow;

const concurrency = 2;
/** A move may fail for a passing reason (a node that restarts, a task that was busy). */
const attempts = 3;
/** A task that has been started but has not enrolled is waited for so long. */
const startingLimitMs = 5000;
const lookAgainMs = 100;

export interface DrainDeps {
  vm: VirtualMachine;
  log: Logger;
}

/** Nodes being drained by this daemon. */
const underWay = new Set<string>();

export async function* drain(request: mpvm.control.IDrainRequest, deps: DrainDeps): AsyncGenerator<Event, void> {
  const work = new Drain(request, deps);
  work.check();
  void work.run();
  for await (const event of work.feed.watch()) {
    yield event;
    if (event.plan && request.detach) return;
  }
}

interface Seen {
  row: TaskRow;
  view: TaskView;
  blockers: Blocker[];
}

class Drain {
  readonly feed = new Feed<Event>();
  readonly #vm: VirtualMachine;
  readonly #log: Logger;
  readonly #request: mpvm.control.IDrainRequest;
  readonly #nodes: Set<string>;
  readonly #deadline: number;
  readonly #startedAt = Date.now();
  /** Why a move of a task failed, and how often. */
  readonly #failed = new Map<number, { times: number; last: Blocker }>();
  readonly #refusals = new Map<number, string[]>();
  readonly #refusalBlockers = new Map<number, Blocker[]>();
  /** Moves under way: id of each once it is known. */
  readonly #moving = new Map<number, { from: string; id: string | undefined }>();
  #moved = 0;
  #planned = false;

  constructor(request: mpvm.control.IDrainRequest, { vm, log }: DrainDeps) {
    this.#vm = vm;
    this.#log = log.child({ part: 'drain', nodes: request.nodes });
    this.#request = request;
    this.#nodes = new Set(request.nodes ?? []);
    this.#deadline = request.deadlineS ? this.#startedAt + request.deadlineS * 1000 : Infinity;
  }

  /** What is wrong with the request itself. */
  check(): void {
    if (this.#nodes.size === 0) throw new MpvmError('BAD_REQUEST', { detail: 'name the nodes to drain' });
    for (const node of this.#nodes) {
      this.#vm.peer(node); // throws NODE_UNKNOWN, NODE_DEAD
      if (underWay.has(node) && !this.#request.dryRun) throw new MpvmError('DRAIN_RUNNING', { node });
    }
  }

  async run(): Promise<void> {
    const { dryRun, reason, user } = this.#request;
    if (!dryRun) for (const node of this.#nodes) underWay.add(node);
    try {
      if (!dryRun) for (const node of this.#nodes) await this.#vm.setCordon(node, true, reason || 'drain', user ?? '');
      const { left, timedOut } = await this.#empty();
      for (const entry of left) this.feed.push({ left: entry });
      this.feed.push({ done: { moved: this.#moved, left: left.length, timedOut } });
      this.feed.end();
    } catch (thrown) {
      const { code, message } = asMpvmError(thrown);
      this.#log.warn({ code, cause: message }, 'drain failed');
      this.feed.push({ failed: { status: -1, code, text: message } });
      this.feed.end();
    } finally {
      if (!dryRun) for (const node of this.#nodes) underWay.delete(node);
    }
  }

  /** Rounds of looking, planning and moving. Returns what has to stay. */
  async #empty(): Promise<{ left: mpvm.control.DrainEvent.ILeft[]; timedOut: boolean }> {
    const running = new Set<Promise<void>>();
    for (;;) {
      const seen = await this.#look();
      const { moves, stays } = await this.#plan(seen);
      this.#announce(moves, stays, seen);
      if (this.#request.dryRun) return { left: [], timedOut: false };
      if (Date.now() >= this.#deadline) {
        await this.#cancelAll(running);
        return { left: this.#allLeft(await this.#look(), stays), timedOut: true };
      }
      const stopped = this.#opened();
      if (stopped !== undefined) {
        await Promise.all(running);
        throw new MpvmError('CANCELLED', { detail: `: node ${stopped} has been opened again` });
      }
      for (const move of moves) {
        if (running.size >= concurrency) break;
        const work: Promise<void> = this.#move(move).finally(() => running.delete(work));
        running.add(work);
      }
      const starting = seen.some(({ row }) => this.#isStarting(row));
      if (running.size === 0 && moves.length === 0 && !starting) return { left: this.#allLeft(seen, stays), timedOut: false };
      await this.#pause(running);
    }
  }

  /** Until a move has ended, or it is time to look again. */
  async #pause(running: Set<Promise<void>>): Promise<void> {
    const wait = Math.min(running.size > 0 ? 1000 : lookAgainMs, Math.max(0, this.#deadline - Date.now()));
    const timer = new AbortController();
    await Promise.race([...running, delay(wait, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }

  /** A node that somebody has opened again, which is how a drain is stopped. */
  #opened(): string | undefined {
    return [...this.#nodes].find((node) => this.#vm.nodeNamed(node)?.cordoned === false);
  }

  // ---------------------------------------------------------------- looking

  async #look(): Promise<Seen[]> {
    const seen: Seen[] = [];
    for (const node of this.#nodes) {
      const { tasks } = await this.#vm.peer(node).listTasks({ tid: 0 });
      for (const row of tasks) {
        if (row.console) continue;
        if (row.state === 'arriving' || row.state === 'departed' || this.#isStarting(row)) {
          if (this.#isStarting(row)) seen.push(this.#unready(row, node));
          continue;
        }
        seen.push(await this.#inspect(row, node));
      }
    }
    return seen;
  }

  #isStarting(row: TaskRow): boolean {
    return row.state === 'starting' && Date.now() - (row.startedMs ?? 0) < startingLimitMs;
  }

  #unready(row: TaskRow, node: string): Seen {
    return { row, blockers: [], view: { tid: row.tid ?? 0, node, bytes: 0, demand: 1, blocked: ['it is starting'], refusedBy: [] } };
  }

  async #inspect(row: TaskRow, node: string): Promise<Seen> {
    const tid = row.tid ?? 0;
    const moving = this.#moving.has(tid);
    const failed = this.#failed.get(tid);
    let bytes = row.rssBytes ?? 0;
    let blockers: Blocker[] = [];
    if (!moving) {
      const reply = await this.#vm.peer(node).explainTask({ tid, to: '', engine: '' }).catch((error: unknown) => asMpvmError(error));
      if (reply instanceof MpvmError) blockers = [asBlocker('source', reply)];
      else if (reply.status?.status) blockers = [asBlocker('source', MpvmError.received(reply.status.code ?? '', reply.status.text ?? ''))];
      else {
        blockers = stopping(reply.blockers);
        bytes = reply.predictedBytes || bytes;
      }
      if (failed && failed.times >= attempts) blockers.push(failed.last);
    }
    const blocked = moving ? ['it is moving'] : blockers.map((entry) => entry.cause ?? '');
    // What it computes is not asked for: each task counts as one that does.
    return { row, blockers, view: { tid, node, bytes, demand: 1, blocked, refusedBy: this.#refusals.get(tid) ?? [] } };
  }

  // ---------------------------------------------------------------- planning

  /** Plans, asks each chosen node, and plans again without those that refuse: at most once a node. */
  async #plan(seen: Seen[]): Promise<{ moves: PlannedMove[]; stays: Stays[] }> {
    const nodes = this.#vm.nodes().map(nodeView);
    for (;;) {
      const views = seen.map(({ view }) => ({ ...view, refusedBy: this.#refusals.get(view.tid) ?? [] }));
      const plan = planDrain({ nodes, tasks: views }, this.#nodes);
      let refused = false;
      if (!this.#planned) for (const move of plan.moves) refused = (await this.#refuses(move)) || refused;
      if (!refused) return { moves: plan.moves, stays: plan.stays.filter(({ tid }) => !this.#moving.has(tid)) };
    }
  }

  async #refuses(move: PlannedMove): Promise<boolean> {
    const reply = await this.#vm.peer(move.from).explainTask({ tid: move.tid, to: move.to, engine: '' }).catch(() => undefined);
    const reasons = reply ? stopping(reply.blockers).filter((entry) => entry.side === 'destination') : [];
    if (reasons.length === 0) return false;
    this.#refuse(move, reasons);
    return true;
  }

  #refuse({ tid, to }: PlannedMove, reasons: Blocker[]): void {
    this.#refusals.set(tid, [...(this.#refusals.get(tid) ?? []), to]);
    this.#refusalBlockers.set(tid, [...(this.#refusalBlockers.get(tid) ?? []), ...reasons]);
  }

  #announce(moves: PlannedMove[], stays: Stays[], seen: Seen[]): void {
    if (this.#planned) return;
    this.#planned = true;
    const planned = moves.map(plannedMove);
    this.feed.push({ plan: { moves: planned, blocked: this.#allLeft(seen, stays) } });
  }

  #allLeft(seen: Seen[], stays: Stays[]): mpvm.control.DrainEvent.ILeft[] {
    return seen
      .filter(({ view }) => stays.some(({ tid }) => tid === view.tid) || !stays.length)
      .filter(({ row }) => !this.#isStarting(row))
      .map(({ view, blockers }) => ({ tid: view.tid, node: view.node, blockers: blockers.length > 0 ? blockers : this.#roomBlockers(view.tid, stays) }))
      .filter(({ blockers }) => blockers.length > 0);
  }
  #roomBlockers(tid: number, stays: Stays[]): Blocker[] {
    const stay = stays.find((entry) => entry.tid === tid && entry.why === 'room');
    if (!stay) return [];
    return [asBlocker('destination', new MpvmError('NO_ROOM', { tid: tidText(tid), detail: stay.detail })), ...(this.#refusalBlockers.get(tid) ?? [])];
  }

  // ---------------------------------------------------------------- moving

  async #move(move: PlannedMove): Promise<void> {
    const { tid, from } = move;
    this.#moving.set(tid, { from, id: undefined });
    const { error, blockers } = await performMove(this.#vm, move, this.#request.reason || 'drain', (migration, news) => {
      this.#moving.set(tid, { from, id: migration.id ?? undefined });
      if (news) this.feed.push({ migration });
    });
    if (error) this.#moveFailed(move, error, blockers);
    else this.#moved++;
    this.#moving.delete(tid);
  }

  #moveFailed(move: PlannedMove, error: MpvmError, blockers: Blocker[]): void {
    this.#log.info({ ...move, tid: tidText(move.tid), code: error.code, cause: error.message }, 'a move of the drain failed');
    const refused = stopping(blockers).filter((entry) => entry.side === 'destination');
    if (refused.length > 0) return this.#refuse(move, refused);
    this.#failed.set(move.tid, { times: (this.#failed.get(move.tid)?.times ?? 0) + 1, last: asBlocker('source', error) });
  }

  async #cancelAll(running: Set<Promise<void>>): Promise<void> {
    for (const { from, id } of this.#moving.values()) {
      if (id !== undefined) await this.#vm.peer(from).cancelMigration({ id }).catch(() => undefined);
    }
    await Promise.all(running);
  }
}

/** As the heartbeats tell it: no task of this node is in the snapshot unless it is being drained. */
function nodeView(node: mpvm.node.INodeInfo): NodeView {
  return {
    name: node.name ?? '',
    up: node.state === mpvm.node.NodeState.UP,
    cordoned: node.cordoned ?? false,
    cores: node.cpus ?? 1,
    other: Math.max(node.load ?? 0, node.tasks ?? 0),
    memoryFreeBytes: node.memoryFreeBytes ?? 0,
    bytesPerSecond: observedBytesPerSecond(),
  };
}
