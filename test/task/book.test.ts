/** What a node remembers of its tasks over a restart of its daemon. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noLog } from '../../daemon/log.js';
import { Book, type Kept } from '../../daemon/task/book.js';
import { localMask } from '../../daemon/task/codes.js';

const kept = (tid: number, more: Partial<Kept> = {}): Kept => ({
  tid, pid: 100, startTime: 5, cookie: 'c', output: '/out', moving: '', enrolled: false, arriving: '', record: { tid, program: 'worker', incarnation: 2 ** 52 + 1 }, ...more,
});
const never = (): boolean => false;

describe('the record of the tasks of a node', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mpvm-book-'));
    path = join(folder, 'tasks');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('never gives out a local part twice, over restarts too', () => {
    const seen = new Set<number | undefined>();
    for (let life = 0; life < 5; life++) {
      const book = new Book(path, noLog);
      for (let i = 0; i < 10; i++) seen.add(book.nextLocal(never));
    }
    assert.equal(seen.size, 50);
  });
  it('begins again at 1 after the last one, and leaves out what is in use', () => {
    const book = new Book(path, noLog);
    book.startAt(localMask);
    assert.equal(book.nextLocal(never), localMask);
    assert.equal(book.nextLocal((local) => local < 3), 3);
    assert.equal(book.nextLocal(() => true), undefined);
  });
  it('starts behind what an earlier life may have given out', () => {
    const book = new Book(path, noLog);
    book.startAt(500);
    assert.equal(book.nextLocal(never), 500);
    book.startAt(20);
    assert.equal(book.nextLocal(never), 501);
  });
  it('keeps tasks whole, and forgets those that have ended', () => {
    const book = new Book(path, noLog);
    book.put(kept(1));
    book.put(kept(2));
    book.put(kept(1, { enrolled: true, pid: 7 }));
    book.remove(2);
    const again = new Book(path, noLog).kept;
    assert.equal(again.length, 1);
    assert.deepEqual({ ...again[0], record: undefined }, { ...kept(1, { enrolled: true, pid: 7 }), record: undefined });
    assert.equal(again[0]!.record.program, 'worker');
    assert.equal(again[0]!.record.incarnation, 2 ** 52 + 1);
  });
  it('survives a line that was cut short', () => {
    const book = new Book(path, noLog);
    book.put(kept(1));
    appendFileSync(path, '{"put":{"tid":9,"pid"');
    const again = new Book(path, noLog);
    assert.deepEqual(again.kept.map((task) => task.tid), [1]);
    again.put(kept(2));
    assert.equal(new Book(path, noLog).kept.length, 2);
  });
  it('does not grow with what is past', () => {
    const book = new Book(path, noLog);
    for (let i = 1; i <= 6000; i++) {
      book.put(kept(i));
      book.remove(i);
    }
    assert.ok(readFileSync(path, 'utf8').split('\n').length < 2100);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });
});
