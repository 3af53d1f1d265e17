/**
 * The tokens that have been given out, on the registry's side. Only a hash of each secret is kept. A token for one
 * machine is bound to the first key that it is used with: whose answer was lost may ask again with the same key,
 * anybody else is refused.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { MpvmError } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';
import { update } from '../vm/store.js';
import type { Store } from '../vm/store.js';
import { secretBytes } from './token.js';

export interface TokenRecord {
  id: string;
  /** SHA-256 of the secret, hex. */
  hash: string;
  /** The one name it is for, or empty. */
  node: string;
  expiresMs: number;
  reusable: boolean;
  /** Machines that have joined with it. */
  used: number;
  /** Of a token for one machine: the node that has used it, and the fingerprint of its key. */
  usedBy?: { node: string; key: string };
  settings: mpvm.node.IHostSettings;
}
export interface NewToken {
  ttlS: number;
  reusable: boolean;
  node: string;
  settings?: mpvm.node.IHostSettings;
}

const defaultTtlS = 3600;
const longestTtlS = 366 * 86_400;
/** Nobody needs so many; a script gone wild must not fill the journal. */
const limit = 1000;
const keyOf = (id: string): string => `token/${id}`;
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

export class TokenBook {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #records = new Map<string, TokenRecord>();

  constructor(store: Store, now: () => number = Date.now) {
    this.#store = store;
    this.#now = now;
  }

  async load(): Promise<void> {
    for (const [, { value }] of await this.#store.list<TokenRecord>('token/')) this.#records.set(value.id, value);
    this.#store.watch('token/', ({ key, value }) => {
      if (value === undefined) this.#records.delete(key.slice('token/'.length));
      else this.#records.set((value as TokenRecord).id, value as TokenRecord);
    });
    await this.expire();
  }

  /** Not expired; used ones are among them: whoever shows one again is to be told so. */
  list(): TokenRecord[] {
    return [...this.#records.values()].filter(({ expiresMs }) => expiresMs > this.#now()).sort((a, b) => a.expiresMs - b.expiresMs);
  }

  /** Throws TOKEN_LIMIT. */
  async create({ ttlS, reusable, node, settings }: NewToken): Promise<{ record: TokenRecord; secret: Buffer }> {
    await this.expire();
    if (this.#records.size >= limit) throw new MpvmError('TOKEN_LIMIT', { limit });
    const secret = randomBytes(secretBytes);
    const expiresMs = this.#now() + 1000 * Math.min(ttlS || defaultTtlS, longestTtlS);
    const record: TokenRecord = { id: randomBytes(6).toString('hex'), hash: sha256(secret).toString('hex'), node, expiresMs, reusable, used: 0, settings: settings ?? {} };
    await this.#store.compareAndSet(keyOf(record.id), 0, record);
    return { record, secret };
  }

  /** Throws TOKEN_UNKNOWN. */
  async revoke(id: string): Promise<void> {
    if (!this.#records.has(id)) throw new MpvmError('TOKEN_UNKNOWN');
    await this.#remove(id);
  }

  async expire(): Promise<void> {
    for (const { id, expiresMs } of [...this.#records.values()]) if (expiresMs <= this.#now()) await this.#remove(id);
  }

  /** What the token says, when the secret is right and it is for this node. `key`: undefined while it is not known. Throws TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_OTHER_NODE, TOKEN_USED. */
  check(id: string, secret: Uint8Array, node: string, key: string | undefined): TokenRecord {
    const record = this.#records.get(id);
    // The same work for a wrong id as for a wrong secret.
    const right = timingSafeEqual(sha256(secret), Buffer.from(record?.hash ?? '0'.repeat(64), 'hex'));
    if (record === undefined || !right) throw new MpvmError('TOKEN_UNKNOWN');
    if (record.expiresMs <= this.#now()) throw new MpvmError('TOKEN_EXPIRED', { when: new Date(record.expiresMs).toISOString() });
    if (record.node !== '' && record.node !== node) throw new MpvmError('TOKEN_OTHER_NODE', { wanted: record.node, node });
    if (record.usedBy && ((key !== undefined && record.usedBy.key !== key) || record.usedBy.node !== node)) throw new MpvmError('TOKEN_USED', { node: record.usedBy.node });
    return record;
  }

  /** As check(), and takes note of the use: of two that come at once with a token for one machine, one is refused. */
  async use(id: string, secret: Uint8Array, node: string, key: string): Promise<TokenRecord> {
    const asked = this.check(id, secret, node, key);
    const taken = await update<TokenRecord, TokenRecord | undefined>(this.#store, keyOf(id), (now) => {
      if (now === undefined) return { result: undefined };
      if (now.usedBy) return { result: now };
      const value: TokenRecord = { ...now, used: now.used + 1, ...(now.reusable ? {} : { usedBy: { node, key } }) };
      return { value, result: value };
    });
    if (taken?.usedBy && (taken.usedBy.key !== key || taken.usedBy.node !== node)) throw new MpvmError('TOKEN_USED', { node: taken.usedBy.node });
    return taken ?? asked;
  }

  #remove(id: string): Promise<null> {
    return update<TokenRecord, null>(this.#store, keyOf(id), () => ({ value: undefined, result: null }));
  }
}

export function tokenInfo({ id, node, expiresMs, reusable, used }: TokenRecord, address: string): mpvm.node.ITokenInfo {
  return { id, node, expiresMs, reusable, used, address };
}
