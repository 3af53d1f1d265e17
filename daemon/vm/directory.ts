/**
 * Where tasks are that are not where they were born. The one place where a move becomes true.
 */
import { birthHost } from './pvm.js';
import { update } from './store.js';
import type { Store } from './store.js';

export interface Location {
  node: string;
  epoch: number;
}
interface Stored extends Location {
  /** The migration that brought it there: a commit that is asked for twice is answered twice. */
  migration: string;
}
export interface Move {
  tid: number;
  epoch: number;
  from: string;
  to: string;
  migration: string;
}

/** What the directory asks of membership. */
export interface Births {
  /** The node of a host part; undefined if there never was one. */
  nodeOfHost(host: number): string | undefined;
  /** May tasks be moved from and to it? Not when it has been declared dead, or has left. */
  alive(node: string): boolean;
}

/** A task that had moved and has ended: a late word about its moves (a fence, a commit sent twice) must not bring it back. */
interface Ended {
  epoch: number;
  atMs: number;
}
/** Far longer than a daemon asks again; and no more of them than this. */
const endedKeptMs = 3_600_000;
const endedKept = 10_000;

const keyOf = (tid: number): string => `task/${tid}`;
const endedKey = (tid: number): string => `ended/${tid}`;

export class Directory {
  readonly #store: Store;
  readonly #births: Births;
  readonly #moved = new Map<number, Location>();
  /** Oldest first. */
  readonly #ended = new Map<number, Ended>();

  constructor(store: Store, births: Births) {
    this.#store = store;
    this.#births = births;
  }

  async load(): Promise<void> {
    for (const [key, { value }] of await this.#store.list<Stored>('task/')) this.#moved.set(Number(key.slice(5)), value);
    this.#store.watch('task/', ({ key, value }) => {
      const tid = Number(key.slice(5));
      if (value === undefined) this.#moved.delete(tid);
      else this.#moved.set(tid, value as Stored);
    });
    const ended = [...(await this.#store.list<Ended>('ended/'))].map(([key, { value }]) => [Number(key.slice(6)), value] as const);
    for (const [tid, value] of ended.sort(([, a], [, b]) => a.atMs - b.atMs)) this.#ended.set(tid, value);
    await this.#expire();
  }

  /** The entries: only tasks that have moved have one. */
  entries(): { tid: number; epoch: number; node: string }[] {
    return [...this.#moved].map(([tid, { epoch, node }]) => ({ tid, epoch, node }));
  }

  locate(tid: number): { moved: boolean } & Location {
    const entry = this.#moved.get(tid);
    return entry ? { ...entry, moved: true } : { node: this.#births.nodeOfHost(birthHost(tid)) ?? '', epoch: 0, moved: false };
  }

  /** (tid, epoch, from) becomes (tid, epoch + 1, to), or nothing happens. */
  commit(move: Move): Promise<{ committed: boolean; now: Location }> {
    return update<Stored, { committed: boolean; now: Location }>(this.#store, keyOf(move.tid), (stored) => {
      const now: Location = stored ?? { node: this.#births.nodeOfHost(birthHost(move.tid)) ?? '', epoch: 0 };
      const done = stored?.migration === move.migration && now.epoch === move.epoch + 1 && now.node === move.to;
      if (done) return { result: { committed: true, now } };
      const ended = this.#ended.get(move.tid);
      if (stored === undefined && ended && ended.epoch >= move.epoch) return { result: { committed: false, now: { node: '', epoch: ended.epoch } } };
      const expected = now.epoch === move.epoch && now.node === move.from;
      if (!expected || !this.#births.alive(move.from) || !this.#births.alive(move.to)) return { result: { committed: false, now } };
      const next = { node: move.to, epoch: move.epoch + 1, migration: move.migration };
      return { value: next, result: { committed: true, now: next } };
    });
  }

  /** The task has ended. `epoch`: as its node knows it; an older word about it changes nothing. */
  async forget(tid: number, epoch = Number.MAX_SAFE_INTEGER): Promise<void> {
    const entry = this.#moved.get(tid);
    if (entry === undefined || entry.epoch > epoch) return;
    const ended: Ended = { epoch: entry.epoch, atMs: Date.now() };
    this.#ended.set(tid, ended);
    await update<Ended, null>(this.#store, endedKey(tid), () => ({ value: ended, result: null }));
    await update<Stored, null>(this.#store, keyOf(tid), (stored) =>
      stored === undefined || stored.epoch > epoch ? { result: null } : { value: undefined, result: null });
    await this.#expire();
  }

  async #expire(): Promise<void> {
    for (const [tid, { atMs }] of this.#ended) {
      if (this.#ended.size <= endedKept && Date.now() - atMs < endedKeptMs) return;
      this.#ended.delete(tid);
      await update<Ended, null>(this.#store, endedKey(tid), () => ({ value: undefined, result: null }));
    }
  }
}
