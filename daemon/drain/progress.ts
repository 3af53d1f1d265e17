/** How far a drain is, in bytes, and what it may still take. */
import type { mpvm } from '../rpc/messages.js';
import { moveSeconds } from '../schedule/cost.js';
import type { Seen } from './look.js';

type Info = mpvm.node.IMigrationInfo;

export class Progress {
  readonly #startedMs = Date.now();
  /** By tid; the last that was heard of each. */
  readonly #underWay = new Map<number, Info>();
  #moved: number;
  #movedHere = 0;
  #sentBefore = 0;

  constructor(moved: number) {
    this.#moved = moved;
  }

  get moved(): number {
    return this.#moved;
  }
  heard(move: Info): void {
    this.#underWay.set(move.tid ?? 0, move);
  }
  over(tid: number, completed: boolean): void {
    this.#sentBefore += this.#underWay.get(tid)?.transferredBytes ?? 0;
    this.#underWay.delete(tid);
    if (!completed) return;
    this.#moved++;
    this.#movedHere++;
  }

  report(tasks: readonly Seen[], concurrency: number): mpvm.node.DrainEvent.IProgress {
    const moves = [...this.#underWay.values()];
    const movable = tasks.filter(({ tid, blockers }) => blockers.length === 0 && !this.#underWay.has(tid));
    const blocked = tasks.filter(({ tid, blockers }) => blockers.length > 0 && !this.#underWay.has(tid)).length;
    const sent = this.#sentBefore + sum(moves.map(({ transferredBytes }) => transferredBytes ?? 0));
    const remaining = sum(moves.map((move) => left(move, tasks))) + sum(movable.map(({ bytes }) => bytes));
    const seconds = Math.max(0.001, (Date.now() - this.#startedMs) / 1000);
    return {
      moved: this.#moved, waiting: movable.length, blocked, moves,
      bytesSent: sent, bytesTotal: sent + remaining, bytesPerSecond: Math.round(sent / seconds),
      leftUs: Math.round(this.#left(movable, moves, tasks, concurrency, seconds) * 1e6),
    };
  }

  /** By what moves have taken so far; before the first one has ended, by what is known of networks. */
  #left(movable: readonly Seen[], moves: readonly Info[], tasks: readonly Seen[], concurrency: number, seconds: number): number {
    const predicted = sum(movable.map(({ bytes }) => moveSeconds(bytes))) + sum(moves.map((move) => moveSeconds(left(move, tasks))));
    const byForecast = predicted / Math.max(1, Math.min(concurrency, movable.length + moves.length));
    if (this.#movedHere === 0) return byForecast;
    return Math.max(byForecast, (seconds / this.#movedHere) * (movable.length + moves.length / 2));
  }
}

function left(move: Info, tasks: readonly Seen[]): number {
  if (move.remainingBytes) return move.remainingBytes;
  const whole = tasks.find(({ tid }) => tid === move.tid)?.bytes ?? 0;
  return Math.max(0, whole - (move.transferredBytes ?? 0));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
