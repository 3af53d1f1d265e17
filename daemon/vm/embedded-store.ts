/**
 * The store in this process: a map in memory, every change in a journal first. When the journal
 * has grown well past what is alive in it, it is rewritten to just that.
 */
import type { Logger } from '../log.js';
import { Journal } from './journal.js';
import { JudgeClock } from './judge-clock.js';
import type { Change, Lease, Store, Value, Versioned } from './store.js';

const rewriteAboveBytes = 1 << 20;

/** One journal record: [key, version, value], without value when deleted. */
type Entry = [string, number] | [string, number, Value];

export class EmbeddedStore implements Store {
  readonly #journal: Journal;
  readonly #clock: JudgeClock;
  readonly #entries = new Map<string, Versioned>();
  readonly #watchers = new Set<{ prefix: string; listener: (change: Change) => void }>();
  /** Versions are its values, so that a key deleted and made anew never has an old one. */
  #revision = 0;
  /** Bytes of the journal at which it is worth rewriting. */
  #rewriteAt: number;

  /** Throws JOURNAL_CORRUPT. */
  constructor(path: string, log: Logger, clock = new JudgeClock()) {
    const { journal, recovered } = Journal.open(path);
    if (recovered.torn > 0) log.warn({ path, bytes: recovered.torn }, 'the last record of the journal was unfinished and has been dropped');
    this.#journal = journal;
    this.#clock = clock;
    for (const text of recovered.records) this.#apply(JSON.parse(text) as Entry);
    this.#rewriteAt = Math.max(rewriteAboveBytes, journal.size * 2);
  }

  get<T>(key: string): Promise<Versioned<T> | undefined> {
    return Promise.resolve(this.#entries.get(key) as Versioned<T> | undefined);
  }

  list<T>(prefix: string): Promise<Map<string, Versioned<T>>> {
    const found = [...this.#entries].filter(([key]) => key.startsWith(prefix)) as [string, Versioned<T>][];
    return Promise.resolve(new Map(found));
  }

  async compareAndSet(key: string, version: number, value: Value): Promise<boolean> {
    const now = this.#entries.get(key)?.version ?? 0;
    if (now !== version) return false;
    if (now === 0 && value === undefined) return true;
    // From here to the end nothing else runs: what watchers see is the order of the journal.
    const next = this.#revision + 1;
    const entry: Entry = value === undefined ? [key, next] : [key, next, value];
    this.#journal.append(JSON.stringify(entry));
    this.#apply(entry);
    if (this.#journal.size > this.#rewriteAt) this.#rewrite();
    for (const watcher of this.#watchers) if (key.startsWith(watcher.prefix)) watcher.listener({ key, value });
    return true;
  }

  watch(prefix: string, listener: (change: Change) => void): () => void {
    const watcher = { prefix, listener };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  lease(name: string, ttlMs: number): Lease {
    let renewed = this.#clock.now();
    return { name, ttlMs, age: () => this.#clock.now() - renewed, renew: () => void (renewed = this.#clock.now()), release: () => undefined };
  }

  close(): void {
    this.#clock.stop();
    this.#journal.close();
  }

  #apply(entry: Entry): void {
    const [key, version] = entry;
    this.#revision = Math.max(this.#revision, version);
    if (entry.length === 3) this.#entries.set(key, { value: entry[2], version });
    else this.#entries.delete(key);
  }

  #rewrite(): void {
    const records = [...this.#entries].map(([key, { value, version }]) => JSON.stringify([key, version, value]));
    this.#journal.rewrite(records);
    this.#rewriteAt = Math.max(rewriteAboveBytes, this.#journal.size * 2);
  }
}
