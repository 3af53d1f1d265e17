/**
 * Balancing as it is done: measure, plan, move with a limit on how many at once; a watch does so
 * again and again. It runs on the registry's node, one at a time; what is already moving when it is
 * ended still moves.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { asMpvmError } from '../errors.js';
import { performMove } from '../migration/mover.js';
import type { mpvm } from '../rpc/messages.js';
import type { BalancePlan, Linger, Reclaim } from '../schedule/policy.js';
import type { DecisionRecord, OutcomeRecord } from '../schedule/replay.js';
import type { NodeView, PlannedMove } from '../schedule/snapshot.js';
import { tidText } from '../schedule/snapshot.js';
import { EventQueue } from '../vm/event-queue.js';
import { Memory } from './assemble.js';
import type { DecisionLog } from './decisions.js';
import { decide } from './planner.js';
import type { PlannerDeps } from './planner.js';
import type { Wanted } from './request.js';

type Event = mpvm.node.IBalanceEvent;
type Outcome = OutcomeRecord['outcomes'][number];

export class Balancer {
  /** For the one who asked; what has been read is gone, so that a watch can last. */
  readonly events = new EventQueue<Event>(new AbortController().signal);
  readonly wanted: Wanted;
  readonly sinceMs = Date.now();
  readonly counts = { plans: 0, moved: 0, failed: 0 };
  /** Resolves when nothing is left to do. Never rejects. */
  readonly done: Promise<void>;
  readonly #deps: PlannerDeps;
  readonly #decisions: DecisionLog;
  readonly #stop = new AbortController();
  readonly #memory = new Memory();

  constructor(wanted: Wanted, deps: PlannerDeps, decisions: DecisionLog) {
    this.wanted = wanted;
    this.#deps = deps;
    this.#decisions = decisions;
    this.done = this.#run();
  }

  /** No more plans; the moves under way are made. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { watch, dryRun } = this.wanted;
    do {
      try {
        const startedMs = Date.now();
        if (!dryRun) await this.#close();
        const decision = await decide(this.#deps, this.wanted, this.#memory);
        this.#decisions.append(decision);
        this.counts.plans++;
        this.#tell({ plan: planEvent(decision) });
        const result = dryRun ? { moved: 0, failed: 0 } : await this.#carryOut(decision, startedMs);
        const goesOn = watch && !this.#stop.signal.aborted;
        this.#tell({ done: { ...result, nextMs: goesOn ? Date.now() + this.wanted.periodMs : 0 } });
      } catch (thrown) {
        const { code, message } = asMpvmError(thrown);
        this.#deps.log.warn({ code, cause: message }, 'balancing failed');
        if (!watch) this.#tell({ failed: { status: -1, code, text: message } });
      }
      if (watch) await delay(this.wanted.periodMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    } while (watch && !this.#stop.signal.aborted);
    this.events.end();
  }

  /** A watch that nobody watches would collect its events for ever. */
  #tell(event: Event): void {
    if (!this.wanted.detach || this.counts.plans <= 1) this.events.push(event);
  }

  /** What is given back on request takes no new tasks, before anything else. */
  async #close(): Promise<void> {
    for (const node of this.wanted.options.reclaim ?? []) await this.#deps.vm.setCordon(node, true, 'given back to its owner', this.wanted.user);
  }

  /** Nodes are given back first, all at the same time; then the load is evened out. */
  async #carryOut(decision: DecisionRecord, startedMs: number): Promise<{ moved: number; failed: number }> {
    const { id, plan } = decision;
    const reclaims = plan.reclaims ?? [];
    const given = new Set(reclaims.map(({ node }) => node));
    const outcomes: Outcome[] = [];
    await Promise.all((plan.lingers ?? []).map((linger) => this.#linger(linger)));
    await Promise.all(reclaims.map(async (reclaim) => {
      const moves = plan.moves.filter(({ from }) => from === reclaim.node);
      outcomes.push(...(await this.#make(moves, reclaim.lanes)));
      // A watch finds the owner at work again and again.
      if (moves.length > 0 || !this.wanted.watch) this.#tell({ reclaimed: reclaimed(reclaim, decision, outcomes, (Date.now() - startedMs) / 1000) });
    }));
    outcomes.push(...(await this.#make(plan.moves.filter(({ from }) => !given.has(from)), this.wanted.concurrency)));
    if (outcomes.length > 0) this.#decisions.append({ v: 1, id, time: new Date().toISOString(), outcomes });
    const moved = outcomes.filter(({ outcome }) => outcome === 'completed').length;
    const failed = outcomes.length - moved;
    this.counts.moved += moved;
    this.counts.failed += failed;
    return { moved, failed };
  }

  /** In their order, so many at once. */
  async #make(moves: readonly PlannedMove[], lanes: number): Promise<Outcome[]> {
    const queue = [...moves];
    const outcomes: Outcome[] = [];
    const worker = async (): Promise<void> => {
      while (!this.#stop.signal.aborted) {
        const move = queue.shift();
        if (!move) return;
        outcomes.push(await this.#moveOne(move));
      }
    };
    await Promise.all(Array.from({ length: lanes }, worker));
    return outcomes;
  }

  async #linger({ tid, node, on }: Linger): Promise<void> {
    try {
      await this.#deps.vm.peer(node).linger({ tid, on });
    } catch (thrown) {
      const { code, message } = asMpvmError(thrown);
      this.#deps.log.info({ tid: tidText(tid), node, on, code, cause: message }, 'the priority of a task was not changed');
    }
  }

  async #moveOne(move: PlannedMove): Promise<Outcome> {
    let last: mpvm.node.IMigrationInfo | undefined;
    const { error } = await performMove(this.#deps.vm, move, `balance: ${move.reason}`, (migration, news) => {
      last = migration;
      if (news) this.#tell({ migration });
    });
    if (error) {
      this.#memory.failures.set(move.tid, Date.now());
      this.#deps.log.info({ ...move, tid: tidText(move.tid), code: error.code, cause: error.message }, 'a planned move was not made');
      this.#tell({ left: { tid: move.tid, node: move.from, why: error.code, detail: error.message } });
    } else this.#memory.failures.delete(move.tid);
    return {
      tid: move.tid, from: move.from, to: move.to,
      migration: last?.id ?? '', outcome: error ? last?.outcome || 'refused' : 'completed', code: error?.code ?? '',
      ms: (last?.totalUs ?? 0) / 1000, predictedMs: move.seconds * 1000, bytes: last?.transferredBytes ?? 0,
    };
  }
}

function reclaimed({ node, withinSeconds }: Reclaim, { snapshot, plan }: DecisionRecord, outcomes: readonly Outcome[], seconds: number): mpvm.node.BalanceEvent.IReclaimed {
  const gone = new Set(outcomes.filter(({ outcome }) => outcome === 'completed').map(({ tid }) => tid));
  const low = new Set((plan.lingers ?? []).filter(({ on }) => on).map(({ tid }) => tid));
  const left = snapshot.tasks.filter((task) => task.node === node && !gone.has(task.tid));
  const lingering = left.filter(({ tid, lingers }) => lingers || low.has(tid)).length;
  return { node, us: Math.round(seconds * 1e6), withinS: withinSeconds, left: left.length, lingering, inTime: withinSeconds === 0 || seconds <= withinSeconds };
}

function planEvent({ id, options, plan, snapshot }: DecisionRecord): mpvm.node.BalanceEvent.IPlan {
  const { moves, stays, notes, before, after, gain, cost }: BalancePlan = plan;
  const load = (node: NodeView): mpvm.node.BalanceEvent.INodeLoad => {
    const here = snapshot.tasks.filter((task) => task.node === node.name);
    const work = here.reduce((sum, task) => sum + task.demand, 0);
    return { name: node.name, cores: node.cores, work, other: node.other, tasks: here.length, owner: node.owner, open: node.up && !node.cordoned && !node.owner };
  };
  return {
    id, policy: options.policy, notes, before, after, gainS: gain, costS: cost, stays,
    moves: moves.map(({ tid, from, to, bytes, seconds, reason }) => ({ tid, from, to, bytes, us: Math.round(seconds * 1e6), reason })),
    nodes: snapshot.nodes.map(load),
    reclaims: (plan.reclaims ?? []).map(({ node, lanes, seconds, withinSeconds, inTime }) => ({ node, lanes, us: Math.round(seconds * 1e6), withinS: withinSeconds, inTime })),
    lingers: plan.lingers ?? [],
  };
}
