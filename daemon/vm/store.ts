/**
 * Where the registry keeps what must outlive its daemon: values under keys, changed by
 * compare-and-set. The embedded home (embedded-store.ts) is a journal beside the first node's
 * daemon; a home outside (etcd) would offer the same.
 *
 * Keys are paths by subject: `vm`, `node/NAME`, `task/TID`, `group/NAME`, `mailbox/CLASS`, `context`.
 */

/** A plain JSON value; undefined: none. */
export type Value = unknown;

export interface Versioned<T = Value> {
  readonly value: T;
  /** Grows with each change of this key; 0 means absent. */
  readonly version: number;
}
export interface Change {
  readonly key: string;
  /** undefined: deleted */
  readonly value: Value;
}

export interface Store {
  get<T>(key: string): Promise<Versioned<T> | undefined>;
  /** All keys with this prefix. */
  list<T>(prefix: string): Promise<Map<string, Versioned<T>>>;
  /**
   * Sets the value (undefined deletes) if the key still has this version (0: is absent); durable
   * when it resolves. False: someone else was first. Rejects with JOURNAL_WRITE, nothing changed.
   */
  compareAndSet(key: string, version: number, value: Value): Promise<boolean>;
  /** Every change of a key with this prefix, in order, from now on. Returns what ends it. */
  watch(prefix: string, listener: (change: Change) => void): () => void;
  /** A sign of life that lapses unless renewed; not durable: whoever holds one takes it anew after a restart. */
  lease(name: string, ttlMs: number): Lease;
  close(): void;
}

export interface Lease {
  readonly name: string;
  /** Milliseconds since it was last renewed, without the time in which the judge itself did not run. */
  age(): number;
  readonly ttlMs: number;
  renew(): void;
  release(): void;
}

/** Reads, decides, writes; again if someone else was first. `decide` returns undefined to leave the key as it is. */
export async function update<T, R>(store: Store, key: string, decide: (now: T | undefined) => { value: T | undefined; result: R } | { result: R }): Promise<R> {
  for (;;) {
    const now = await store.get<T>(key);
    const decision = decide(now?.value);
    if (!('value' in decision)) return decision.result;
    if (await store.compareAndSet(key, now?.version ?? 0, decision.value)) return decision.result;
  }
}
