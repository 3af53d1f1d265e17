import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { hasCode } from '../../daemon/errors.js';
import { noLog } from '../../daemon/log.js';
import { EmbeddedStore } from '../../daemon/vm/embedded-store.js';
import { Journal } from '../../daemon/vm/journal.js';
import { scratch } from './scratch.js';

function written(path: string, records: string[]): Buffer {
  const { journal } = Journal.open(path);
  for (const record of records) journal.append(record);
  journal.close();
  return readFileSync(path);
}
function recovered(path: string): string[] {
  const { journal, recovered: found } = Journal.open(path);
  journal.close();
  return found.records;
}

describe('the journal', () => {
  const directory = scratch();
  let count = 0;
  const fresh = (): string => join(directory, `journal${++count}`);
  const records = ['first', '', 'ünïcode', 'x'.repeat(300), '{"last":1}'];

  it('gives back what was appended, in order', () => {
    fc.assert(fc.property(fc.array(fc.string()), (texts) => {
      const path = fresh();
      written(path, texts);
      assert.deepEqual(recovered(path), texts);
    }), { numRuns: 50 });
  });

  it('cut off at any byte, gives back a prefix, and takes new records after it', () => {
    const path = fresh();
    const whole = written(path, records);
    for (let length = whole.length; length >= 0; length--) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      const { journal, recovered: found } = Journal.open(path);
      assert.deepEqual(found.records, records.slice(0, found.records.length), `cut at ${length}`);
      journal.append('after');
      journal.close();
      assert.deepEqual(recovered(path), [...found.records, 'after'], `cut at ${length}`);
    }
  });

  it('with any byte before the last record changed, refuses to open and says where', () => {
    const path = fresh();
    const whole = written(path, records);
    const lastRecord = whole.length - Buffer.byteLength(records.at(-1) ?? '') - 12;
    for (let at = 0; at < lastRecord; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = damaged[at]! ^ 0x41;
      writeFileSync(path, damaged);
      assert.throws(() => Journal.open(path), (error: unknown) => hasCode(error, 'JOURNAL_CORRUPT') && error.message.includes(path) && error.remedy !== '', `byte ${at}`);
      assert.deepEqual(readFileSync(path), damaged, 'what is damaged must be left as it is');
    }
  });

  it('takes a tail that was never filled for an unfinished record', () => {
    const path = fresh();
    writeFileSync(path, Buffer.concat([written(path, records), Buffer.alloc(4096)]));
    assert.deepEqual(recovered(path), records);
  });

  it('refuses a file that is something else', () => {
    const path = fresh();
    writeFileSync(path, 'root:x:0:0:root:/root:/bin/bash\n');
    assert.throws(() => Journal.open(path), (error: unknown) => hasCode(error, 'JOURNAL_CORRUPT'));
  });
});

describe('the embedded store', () => {
  const directory = scratch();

  it('changes a key only from the version that was read, and keeps that over a restart', async () => {
    const path = join(directory, 'cas');
    const store = new EmbeddedStore(path, noLog);
    assert.equal(await store.compareAndSet('k', 0, 'one'), true);
    assert.equal(await store.compareAndSet('k', 0, 'two'), false);
    const read = await store.get('k');
    assert.equal(await store.compareAndSet('k', read!.version, 'two'), true);
    assert.equal(await store.compareAndSet('k', read!.version, 'three'), false);
    store.close();
    const again = new EmbeddedStore(path, noLog);
    assert.equal((await again.get('k'))?.value, 'two');
    again.close();
  });

  it('never takes a key that was deleted and made anew for the old one', async () => {
    const store = new EmbeddedStore(join(directory, 'aba'), noLog);
    await store.compareAndSet('k', 0, 'same');
    const old = await store.get('k');
    await store.compareAndSet('k', old!.version, undefined);
    await store.compareAndSet('k', 0, 'same');
    assert.equal(await store.compareAndSet('k', old!.version, 'stale'), false);
    store.close();
  });

  it('holds after any history, also rewritten, what a map would hold', async () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'a/c'), value: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }) });
    let run = 0;
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const path = join(directory, `history${++run}`);
      const model = new Map<string, unknown>();
      const seen: unknown[] = [];
      let store = new EmbeddedStore(path, noLog);
      store.watch('a', (change) => seen.push(change));
      const expected: unknown[] = [];
      for (const { key, value } of steps) {
        const version = (await store.get(key))?.version ?? 0;
        assert.equal(await store.compareAndSet(key, version, value), true);
        if (key.startsWith('a') && (value !== undefined || version !== 0)) expected.push({ key, value });
        if (value === undefined) model.delete(key);
        else model.set(key, value);
      }
      assert.deepEqual(seen, expected);
      store.close();
      store = new EmbeddedStore(path, noLog);
      const held = [...(await store.list(''))].map(([key, { value }]) => [key, value] as const);
      assert.deepEqual(new Map(held), model);
      store.close();
    }), { numRuns: 40 });
  });

  it('does not grow without end', async () => {
    const path = join(directory, 'bounded');
    const store = new EmbeddedStore(path, noLog);
    const value = 'x'.repeat(1000);
    for (let index = 0; index < 5000; index++) await store.compareAndSet('k', (await store.get('k'))?.version ?? 0, `${value}${index}`);
    store.close();
    assert.ok(statSync(path).size < 2 << 20);
    const again = new EmbeddedStore(path, noLog);
    assert.equal((await again.get('k'))?.value, `${value}4999`);
    again.close();
  });
});
