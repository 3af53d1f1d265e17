/** What balancing says, as it happens and at its end. */
import type { mpvm } from '../rpc/messages.js';
import { paint, plural } from './format.js';
import { planTable } from './drain.js';
import { milestone, progress, summary } from './migrate.js';
import type { Screen } from './screen.js';
import { migrationShape } from './shapes.js';
import type { MigrationShape } from './shapes.js';
import { printJson } from './table.js';
import { formatTid } from './tid.js';

interface MoveShape {
  tid: string;
  from: string;
  to: string;
  bytes: number;
  ms: number;
  reason: string;
}
interface FiguresShape {
  most: number;
  mostNode: string;
  mean: number;
  talk: number;
}
export interface PlanShape {
  plan: MoveShape[];
  notes: string[];
  before: FiguresShape;
  after: FiguresShape;
  gainSeconds: number;
  costSeconds: number;
}
interface StaysShape {
  tid: string;
  node: string;
  why: string;
  detail: string;
}
interface ReclaimShape {
  node: string;
  withinSeconds: number;
  predictedSeconds: number;
  seconds: number | null;
  left: number;
  lingering: number;
  inTime: boolean;
}
interface LingerShape {
  tid: string;
  node: string;
  on: boolean;
  reason: string;
}
interface RoundShape extends PlanShape {
  id: string;
  policy: string;
  dryRun: boolean;
  nodes: { name: string; cores: number; work: number; other: number; tasks: number; owner: string; open: boolean }[];
  migrations: MigrationShape[];
  reclaims: ReclaimShape[];
  lingers: LingerShape[];
  left: StaysShape[];
  moved: number;
  failed: number;
}

const round3 = (value: number): number => Math.round(value * 1000) / 1000;
const figures = (from: mpvm.node.BalanceEvent.IFigures | null | undefined): FiguresShape =>
  ({ most: round3(from?.most ?? 0), mostNode: from?.mostNode ?? '', mean: round3(from?.mean ?? 0), talk: round3(from?.talk ?? 0) });

/** A plan for people: its moves, or why there are none. */
export function planLines({ plan, notes, before, after, gainSeconds, costSeconds }: PlanShape): string[] {
  if (plan.length === 0) return notes.length > 0 ? notes : ['nothing to do'];
  const lines = planTable(plan);
  const talk = before.talk >= 0.001 ? `, messages between nodes cost ${before.talk.toFixed(3)} of a processor, then ${after.talk.toFixed(3)}` : '';
  return [
    ...lines,
    `most work for a processor: ${before.most.toFixed(2)} (${before.mostNode}), then ${after.most.toFixed(2)} (${after.mostNode}); mean ${before.mean.toFixed(2)}${talk}; ` +
      `spares ${gainSeconds.toFixed(1)} s of waiting for ${costSeconds.toFixed(2)} s of moving`,
    ...notes,
  ];
}

export class BalanceView {
  readonly #screen: Screen | undefined;
  readonly #how: { dryRun: boolean; watch: boolean; json: boolean };
  readonly #running = new Map<string, MigrationShape>();
  readonly #seen = new Map<string, string>();
  #round: RoundShape | undefined;
  /** Something that was to move has stayed. */
  incomplete = false;
  /** A node was given back later than it should have been. */
  late = false;

  constructor(screen: Screen | undefined, how: { dryRun: boolean; watch: boolean; json: boolean }) {
    this.#screen = screen;
    this.#how = how;
  }

  show(event: mpvm.node.IBalanceEvent): void {
    if (event.plan) this.#plan(event.plan);
    else if (event.migration) this.#migration(migrationShape(event.migration));
    else if (event.left) this.#left(event.left);
    else if (event.reclaimed) this.#reclaimed(event.reclaimed);
    else if (event.done) this.#done(event.done);
  }

  #plan(plan: mpvm.node.BalanceEvent.IPlan): void {
    this.#round = {
      id: plan.id ?? '', policy: plan.policy ?? '', dryRun: this.#how.dryRun,
      plan: (plan.moves ?? []).map(({ tid, from, to, bytes: size, us, reason }) => ({ tid: formatTid(tid ?? 0), from: from ?? '', to: to ?? '', bytes: size ?? 0, ms: (us ?? 0) / 1000, reason: reason ?? '' })),
      notes: plan.notes ?? [], before: figures(plan.before), after: figures(plan.after), gainSeconds: round3(plan.gainS ?? 0), costSeconds: round3(plan.costS ?? 0),
      nodes: (plan.nodes ?? []).map(({ name, cores, work, other, tasks, owner, open }) => ({ name: name ?? '', cores: round3(cores ?? 0), work: round3(work ?? 0), other: round3(other ?? 0), tasks: tasks ?? 0, owner: owner ?? '', open: open ?? false })),
      reclaims: (plan.reclaims ?? []).map(({ node, us, withinS, inTime }) => ({ node: node ?? '', withinSeconds: withinS ?? 0, predictedSeconds: round3((us ?? 0) / 1e6), seconds: null, left: 0, lingering: 0, inTime: inTime ?? false })),
      lingers: (plan.lingers ?? []).map(({ tid, node, on, reason }) => ({ tid: formatTid(tid ?? 0), node: node ?? '', on: on ?? false, reason: reason ?? '' })),
      migrations: [], left: [], moved: 0, failed: 0,
    };
    for (const stays of plan.stays ?? []) this.#left(stays);
    // A watch that finds nothing to do says nothing; who cannot move has been said.
    const quiet = this.#round.plan.length === 0 && (this.#how.watch || this.#round.left.length + this.#round.lingers.length > 0);
    if (this.#screen && !quiet) for (const line of planLines(this.#round)) this.#screen.log(line);
    for (const { tid, node, on, reason } of this.#round.lingers) this.#screen?.log(`${tid} at ${node} ${on ? 'goes on at low priority' : 'has its priority back'}: ${reason}`);
  }

  #migration(move: MigrationShape): void {
    const screen = this.#screen;
    const over = move.outcome !== 'running' && move.outcome !== '';
    const known = this.#round?.migrations.findIndex(({ id }) => id === move.id) ?? -1;
    if (known >= 0) this.#round!.migrations[known] = move; // told again, with figures that were not known at first
    else if (over) {
      this.#running.delete(move.id);
      this.#round?.migrations.push(move);
      if (move.outcome === 'completed') screen?.log(summary(move));
    } else {
      this.#running.set(move.id, move);
      const step = milestone(move);
      if (screen && !screen.live && step !== 'end' && this.#seen.get(move.id) !== step) screen.log(progress(move));
      this.#seen.set(move.id, step);
    }
    screen?.draw([...this.#running.values()].map(progress));
  }

  #reclaimed({ node, us, withinS, left, lingering, inTime }: mpvm.node.BalanceEvent.IReclaimed): void {
    const known = this.#round?.reclaims.find((one) => one.node === node);
    const seconds = round3((us ?? 0) / 1e6);
    if (known) Object.assign(known, { seconds, left: left ?? 0, lingering: lingering ?? 0, inTime: inTime ?? false });
    if ((left ?? 0) > (lingering ?? 0)) this.incomplete = true;
    if (!inTime) this.late = true;
    const who = left ? `has ${plural(left, 'task')} left${lingering ? `, ${lingering} at low priority,` : ''}` : 'is free of tasks';
    this.#screen?.log(`${node} ${who} ${seconds.toFixed(1)} s after it was asked for${withinS ? ` (the goal: ${withinS} s)` : ''}`);
  }

  #left(from: mpvm.node.BalanceEvent.IStays): void {
    const left = { tid: formatTid(from.tid ?? 0), node: from.node ?? '', why: from.why ?? '', detail: from.detail ?? '' };
    this.#round?.left.push(left);
    this.incomplete = true;
    this.#screen?.log(`${left.tid} ${paint('red', left.node ? `stays at ${left.node}` : 'does not move')}: ${left.detail}`);
  }

  #done(end: mpvm.node.BalanceEvent.IDone): void {
    this.#screen?.clear();
    if (!this.#round) return;
    this.#round.moved = end.moved ?? 0;
    this.#round.failed = end.failed ?? 0;
    if (this.#screen && !this.#how.dryRun && this.#round.plan.length > 0) this.#screen.log(`${plural(this.#round.moved, 'task')} moved${this.#round.failed ? `, ${this.#round.failed} not` : ''}`);
    // Programs that read a watch get one object a line, as each look ends.
    if (this.#how.json && this.#how.watch) process.stdout.write(`${JSON.stringify(this.#round)}\n`);
    if (this.#screen?.live && end.nextMs) this.#screen.draw([`next look at ${new Date(end.nextMs).toLocaleTimeString()}; Ctrl-C ends the watch`]);
  }

  end(): void {
    this.#screen?.clear();
    if (this.#how.json && !this.#how.watch && this.#round) printJson(this.#round);
  }
}
