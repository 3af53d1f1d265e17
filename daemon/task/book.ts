/**
 * What this node must still know when its daemon has died and been started again: the counter of
 * its tids, and its tasks with their processes. Appended line by line, written anew when most of
 * it is past. Not synced: it has to survive the daemon, not the machine (no task does).
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { mpvm } from '../rpc/messages.js';
import { errnoOf } from '../errors.js';
import type { Logger } from '../log.js';
import { localMask } from './codes.js';

/** A task as it is kept. */
export interface Kept {
  tid: number;
  pid: number;
  startTime: number;
  /** PVMEPID or the restorer's; empty for a program started from a shell. */
  cookie: string;
  /** Path of its output pipe, or empty. */
  output: string;
  /** The migration under way from here, or empty. */
  moving: string;
  /** It has enrolled at least once. */
  enrolled: boolean;
  /** A restorer that waits for the commit of this migration. */
  arriving: string;
  record: mpvm.node.ITaskRecord;
}

/** A task that has gone to `node`, which waits to hear that its output from here is through. */
export interface Draining {
  tid: number;
  epoch: number;
  node: string;
}

type Line = { counter: number } | { draining: Draining } | { drained: string } | { put: Omit<Kept, 'record'> & { record: string } } | { gone: number };

const rewriteAfter = 2000;

export class Book {
  readonly #path: string;
  readonly #log: Logger;
  readonly #tasks = new Map<number, string>();
  readonly #draining = new Map<string, Draining>();
  /** Open for appending, once something has been appended. */
  #file: number | undefined;
  #counter = 0;
  #lines = 0;
  /** The last line may be there in part, or not at all: nothing may be put behind it. */
  #torn = false;

  /** Reads what an earlier daemon left; `kept` are its tasks. */
  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
    for (const line of this.#read()) this.#apply(line);
    this.#rewrite();
  }

  get kept(): Kept[] {
    return [...this.#tasks.values()].map((text) => {
      const { put } = JSON.parse(text) as { put: Omit<Kept, 'record'> & { record: string } };
      return { ...put, record: mpvm.node.TaskRecord.decode(Buffer.from(put.record, 'base64')) };
    });
  }

  get lastLocal(): number {
    return this.#counter;
  }
  /** Local parts below `first` may have been given out by an earlier life of this node that left no record here. */
  startAt(first: number): void {
    if (this.#counter >= first - 1) return;
    this.#counter = Math.min(first - 1, localMask);
    this.#append(JSON.stringify({ counter: this.#counter } satisfies Line));
  }

  /** The next local part: 1, 2, … and after the last one 1 again, but never one that `used` knows. */
  nextLocal(used: (local: number) => boolean): number | undefined {
    for (let tries = 0; tries < localMask; tries++) {
      this.#counter = this.#counter >= localMask ? 1 : this.#counter + 1;
      if (used(this.#counter)) continue;
      this.#append(JSON.stringify({ counter: this.#counter } satisfies Line));
      return this.#counter;
    }
    return undefined;
  }

  put(task: Kept): void {
    const record = Buffer.from(mpvm.node.TaskRecord.encode(task.record).finish()).toString('base64');
    const text = JSON.stringify({ put: { ...task, record } } satisfies Line);
    if (this.#tasks.get(task.tid) === text) return;
    this.#tasks.set(task.tid, text);
    this.#append(text);
  }

  remove(tid: number): void {
    if (this.#tasks.delete(tid)) this.#append(JSON.stringify({ gone: tid } satisfies Line));
  }

  draining(what: Draining): void {
    this.#draining.set(`${what.tid}.${what.epoch}`, what);
    this.#append(JSON.stringify({ draining: what } satisfies Line));
  }
  drained(tid: number, epoch: number): void {
    const key = `${tid}.${epoch}`;
    if (this.#draining.delete(key)) this.#append(JSON.stringify({ drained: key } satisfies Line));
  }
  get notDrained(): Draining[] {
    return [...this.#draining.values()];
  }

  /** All tasks of this node have ended for good. */
  erase(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    rmSync(this.#path, { force: true });
  }

  #append(text: string): void {
    if (this.#torn || ++this.#lines > rewriteAfter + 4 * this.#tasks.size) return this.#rewrite();
    this.#write(() => {
      this.#file ??= openSync(this.#path, 'a', 0o600);
      const line = Buffer.from(`${text}\n`);
      if (writeSync(this.#file, line) < line.length) throw Object.assign(new Error('written in part'), { code: 'ENOSPC' });
    });
  }

  #rewrite(): void {
    const draining = [...this.#draining.values()].map((what) => JSON.stringify({ draining: what } satisfies Line));
    const lines = [JSON.stringify({ counter: this.#counter } satisfies Line), ...this.#tasks.values(), ...draining];
    this.#lines = lines.length;
    this.#write(() => {
      writeFileSync(`${this.#path}.new`, `${lines.join('\n')}\n`, { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
      if (this.#file !== undefined) closeSync(this.#file);
      this.#file = undefined;
      this.#torn = false;
    });
  }

  /** A full disk must not stop the tasks; it costs them a restart of the daemon. */
  #write(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#torn = true;
      this.#log.error({ path: this.#path, errno: errnoOf(error) }, 'the record of this node’s tasks cannot be written');
    }
  }

  #read(): Line[] {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
    const lines: Line[] = [];
    for (const line of text.split('\n')) {
      if (line === '') continue;
      try {
        lines.push(JSON.parse(line) as Line);
      } catch {
        // The last line of a daemon that was killed while it wrote: what it said had not happened yet.
        this.#log.warn({ path: this.#path }, 'a line of the record of tasks is damaged');
      }
    }
    return lines;
  }

  #apply(line: Line): void {
    if ('counter' in line) this.#counter = line.counter;
    else if ('put' in line) this.#tasks.set(line.put.tid, JSON.stringify(line));
    else if ('draining' in line) this.#draining.set(`${line.draining.tid}.${line.draining.epoch}`, line.draining);
    else if ('drained' in line) this.#draining.delete(line.drained);
    else this.#tasks.delete(line.gone);
  }
}
