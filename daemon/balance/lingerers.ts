/**
 * Tasks of this node that run at low priority while its owner is at work. Who they are, and what their
 * priority was, is written down: the daemon after this one can give it back.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { hasCapability } from '../capabilities.js';
import type { Tasks } from '../contracts.js';
import { MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { tidText } from '../schedule/snapshot.js';

const lowest = 19;

/** A priority that could not be raised again would stay with the task for life, wherever it went. */
export function mayRaise(status = read('/proc/self/status'), limits = read('/proc/self/limits')): boolean {
  // RLIMIT_NICE of 20 allows nice 0.
  return hasCapability('SYS_NICE', status) || Number(/^Max nice priority\s+(\d+)/m.exec(limits)?.[1] ?? 0) >= 20;
}

export class Lingerers {
  readonly possible = mayRaise();
  readonly #path: string;
  readonly #tasks: Tasks;
  readonly #log: Logger;
  /** By tid: its process, and the nice value that it had. */
  readonly #known: Map<number, { pid: number; nice: number }>;

  constructor(path: string, tasks: Tasks, log: Logger) {
    this.#path = path;
    this.#tasks = tasks;
    this.#log = log;
    this.#known = new Map(parse(read(path)));
  }

  has(tid: number): boolean {
    return this.#known.has(tid) && this.#known.get(tid)?.pid === this.#tasks.get(tid)?.pid;
  }

  /** Throws TASK_UNKNOWN, CANNOT_LINGER. Saying it twice does no harm. */
  begin(tid: number): void {
    const task = this.#tasks.get(tid);
    if (!task || task.state !== 'running') throw new MpvmError('TASK_UNKNOWN', { tid: tidText(tid) });
    if (!this.possible) throw new MpvmError('CANNOT_LINGER');
    if (!this.has(tid)) this.#known.set(tid, { pid: task.pid, nice: getPriority(task.pid) });
    this.#write();
    renice(task.pid, lowest);
    this.#log.info({ tid: tidText(tid) }, 'a task lingers at low priority');
  }

  /** Before it moves, too: a priority goes along with its process. */
  end(tid: number): void {
    const before = this.#known.get(tid);
    if (!before) return;
    const here = this.has(tid);
    this.#known.delete(tid);
    this.#write();
    if (!here) return; // ended since
    renice(before.pid, before.nice);
    this.#log.info({ tid: tidText(tid) }, 'a task has its priority back');
  }

  #write(): void {
    for (const [tid] of this.#known) if (!this.has(tid)) this.#known.delete(tid);
    writeFileSync(this.#path, JSON.stringify([...this.#known]), { mode: 0o600 });
  }
}

/** Each thread has a priority of its own, and hands it on to those it starts: looked at until there are no new ones. */
function renice(pid: number, nice: number): void {
  for (let left = 3; left > 0 && reniceThreads(pid, nice); left--);
}

function reniceThreads(pid: number, nice: number): boolean {
  let changed = false;
  for (const thread of threadsOf(pid)) {
    try {
      if (getPriority(thread) === nice) continue;
      setPriority(thread, nice);
      changed = true;
    } catch {
      // It has just ended.
    }
  }
  return changed;
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function parse(text: string): [number, { pid: number; nice: number }][] {
  try {
    return JSON.parse(text) as [number, { pid: number; nice: number }][];
  } catch {
    return []; // nobody has lingered here
  }
}
