/** Join tokens: as text, and as the registry keeps them. */
import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { MpvmError } from '../../daemon/errors.js';
import { formatToken, parseToken, secretBytes } from '../../daemon/hosts/token.js';
import { TokenBook } from '../../daemon/hosts/token-book.js';
import { noLog } from '../../daemon/log.js';
import { EmbeddedStore } from '../../daemon/vm/embedded-store.js';
import { scratch } from '../vm/scratch.js';

const code = (wanted: string) => (error: unknown): boolean => error instanceof MpvmError && error.code === wanted;
const example = () => ({ vm: 'v', address: '10.0.0.1', port: 4711, authority: new Uint8Array(randomBytes(32)), expiresMs: 1_800_000_000_000, id: 'abc123', secret: new Uint8Array(randomBytes(secretBytes)), node: '' });

describe('a token as text', () => {
  it('carries all that is needed, through white space too', () => {
    const token = example();
    const text = formatToken(token);
    ok(/^mpvm1\.[\w-]+$/.test(text), text);
    const read = parseToken(`  ${text}\n`);
    deepEqual({ ...read, authority: Buffer.from(read.authority), secret: Buffer.from(read.secret) }, { ...token, authority: Buffer.from(token.authority), secret: Buffer.from(token.secret) });
  });

  it('is refused when a character is missing, added or changed', () => {
    const text = formatToken(example());
    fc.assert(fc.property(fc.nat(text.length - 1), fc.constantFrom('cut', 'twice', 'other'), (at, how) => {
      const other = text.charAt(at) === 'A' ? 'B' : 'A';
      const broken = how === 'cut' ? text.slice(0, at) + text.slice(at + 1) : how === 'twice' ? text.slice(0, at) + text.charAt(at) + text.slice(at) : text.slice(0, at) + other + text.slice(at + 1);
      // The last character of base64 may say the same in two ways.
      if (Buffer.from(broken.slice(6), 'base64url').equals(Buffer.from(text.slice(6), 'base64url')) && broken.startsWith('mpvm1.')) return;
      throws(() => parseToken(broken), code('TOKEN_MALFORMED'));
    }), { numRuns: 500 });
  });

  it('is refused, whatever it is, with one and the same error', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String().map((text) => `mpvm1.${text}`)), (text) => {
      throws(() => parseToken(text), code('TOKEN_MALFORMED'));
    }), { numRuns: 1000 });
  });
});

describe('the registry’s tokens', () => {
  const place = scratch();
  let now = 1_000_000;
  let runs = 0;
  const open = async (path: string): Promise<{ store: EmbeddedStore; book: TokenBook }> => {
    const store = new EmbeddedStore(path, noLog);
    const book = new TokenBook(store, () => now);
    await book.load();
    return { store, book };
  };
  const fresh = (): string => join(place, `journal-${runs++}`);

  it('are for one machine: the key that was first may come again, no other', async () => {
    const { book, store } = await open(fresh());
    const { record, secret } = await book.create({ ttlS: 60, reusable: false, node: '' });
    await book.use(record.id, secret, 'n2', 'key-a');
    await book.use(record.id, secret, 'n2', 'key-a');
    await rejects(book.use(record.id, secret, 'n2', 'key-b'), code('TOKEN_USED'));
    await rejects(book.use(record.id, secret, 'n3', 'key-a'), code('TOKEN_USED'));
    equal(book.list()[0]?.used, 1);
    store.close();
  });

  it('admit one of two machines that come at once', async () => {
    const { book, store } = await open(fresh());
    const { record, secret } = await book.create({ ttlS: 60, reusable: false, node: '' });
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((key) => book.use(record.id, secret, `node-${key}`, key)));
    equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    store.close();
  });

  it('are for many when they were made so', async () => {
    const { book, store } = await open(fresh());
    const { record, secret } = await book.create({ ttlS: 60, reusable: true, node: '' });
    for (const key of ['a', 'b', 'c']) await book.use(record.id, secret, `node-${key}`, key);
    equal(book.list()[0]?.used, 3);
    store.close();
  });

  it('expire, are for the node they name, and need their secret', async () => {
    const { book, store } = await open(fresh());
    const { record, secret } = await book.create({ ttlS: 60, reusable: false, node: 'n7' });
    throws(() => book.check(record.id, randomBytes(secretBytes), 'n7', 'k'), code('TOKEN_UNKNOWN'));
    throws(() => book.check('nobody', secret, 'n7', 'k'), code('TOKEN_UNKNOWN'));
    throws(() => book.check(record.id, secret, 'n8', 'k'), code('TOKEN_OTHER_NODE'));
    now += 61_000;
    throws(() => book.check(record.id, secret, 'n7', 'k'), code('TOKEN_EXPIRED'));
    deepEqual(book.list(), []);
    store.close();
  });

  it('outlive the registry’s daemon, and their secrets are not in its journal', async () => {
    const path = fresh();
    const first = await open(path);
    const { record, secret } = await first.book.create({ ttlS: 60, reusable: false, node: '' });
    await first.book.use(record.id, secret, 'n2', 'key-a');
    first.store.close();
    const text = readFileSync(path, 'latin1');
    for (const form of ['hex', 'base64', 'base64url'] as const) equal(text.includes(secret.toString(form)), false);
    const second = await open(path);
    await rejects(second.book.use(record.id, secret, 'n2', 'key-b'), code('TOKEN_USED'));
    await second.book.revoke(record.id);
    await rejects(second.book.revoke(record.id), code('TOKEN_UNKNOWN'));
    second.store.close();
  });

  it('are limited in number', async () => {
    const { book, store } = await open(fresh());
    for (let made = 0; made < 1000; made++) await book.create({ ttlS: 60, reusable: false, node: '' });
    await rejects(book.create({ ttlS: 60, reusable: false, node: '' }), code('TOKEN_LIMIT'));
    now += 61_000;
    await book.create({ ttlS: 60, reusable: false, node: '' });
    store.close();
  });
});
