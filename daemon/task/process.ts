/**
 * Processes as the daemon sees them: identified by pid and start time, never by pid alone, and
 * watched to their end whether they are children of this daemon or not.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { killExactly } from '../native/index.js';
import type { Child } from './starter.js';

export interface Exit {
  code: number;
  signal: string | null;
  /** Processor time used, on this node, where it is known: of processes that this daemon has started. */
  userUs?: number;
  systemUs?: number;
}

/** Undefined when there is no such process, or a zombie is all that is left of it. */
export function startTimeOf(pid: number): number | undefined {
  const fields = statFields(pid);
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
}

/** From /proc: what it occupies, and what it has computed. Zeros for a process that is gone. */
export function usageOf(pid: number): { rssBytes: number; cpuMs: number } {
  const fields = statFields(pid);
  if (fields === undefined) return { rssBytes: 0, cpuMs: 0 };
  // utime and stime in ticks of 10 ms (USER_HZ is 100 on every Linux), rss in pages.
  return { rssBytes: Number(fields[21]) * 4096, cpuMs: (Number(fields[11]) + Number(fields[12])) * 10 };
}

/** The fields of /proc/PID/stat from the state (field 3) on. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

export function signalName(number: number): string {
  const entry = Object.entries(constants.signals).find(([, value]) => value === number);
  return entry?.[0] ?? `SIG${number}`;
}

/** As a shell reports an end: 128 + n for signal n. */
export function shellCode(exit: Exit): number {
  if (exit.signal === null) return exit.code;
  return 128 + ((constants.signals as Record<string, number>)[exit.signal] ?? 0);
}

/** How often a process that is nobody's child here is looked at; sooner after a hint. */
const pollMs = [1, 5, 20, 100, 1000];

export class TaskProcess {
  /** Set when it has ended. */
  exit: Exit | undefined;
  readonly #listeners: ((exit: Exit) => void)[];
  readonly #isChild: boolean;
  #pid: number;
  #startTime: number;
  #timer: NodeJS.Timeout | undefined;
  #step = pollMs.length - 1;

  /** `ended` is called once. Without a child its end is found by looking. */
  constructor(pid: number, startTime: number, child: Child | undefined, ended: (exit: Exit) => void) {
    this.#pid = pid;
    this.#startTime = startTime;
    this.#listeners = [ended];
    this.#isChild = child !== undefined;
    if (child) child.onEnd((code, signal, userUs, systemUs) => this.#end({ code, signal: signal === 0 ? null : signalName(signal), userUs, systemUs }));
    else this.#schedule();
  }

  get pid(): number {
    return this.#pid;
  }
  get startTime(): number {
    return this.#startTime;
  }
  /** The process that was started has made another one, and ends as that ends. */
  standsFor(pid: number, startTime: number): void {
    this.#pid = pid;
    this.#startTime = startTime;
  }

  /** Called once, at the next turn when it has ended already. */
  onEnd(listener: (exit: Exit) => void): void {
    const { exit } = this;
    if (exit) setImmediate(() => listener(exit));
    else this.#listeners.push(listener);
  }

  /** Its link has closed: it may just have ended. */
  hint(): void {
    if (this.#isChild || this.exit) return;
    this.#step = 0;
    this.#schedule();
  }

  get alive(): boolean {
    return this.exit === undefined && startTimeOf(this.pid) === this.startTime;
  }

  /** `group`: also what it has started, as Ctrl-C at a terminal does. */
  signal(signum: number, group = false): boolean {
    if (this.exit !== undefined) return false;
    try {
      return killExactly(this.pid, this.startTime, signum, group);
    } catch {
      return false; // not a signal, or not ours to send: as kill(2) would say, and PVM does not
    }
  }

  /** Looks no more. */
  forget(): void {
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), pollMs[this.#step]);
    this.#timer.unref();
  }

  #look(): void {
    if (this.exit) return;
    if (!this.alive) return this.#end({ code: 0, signal: null });
    if (this.#step < pollMs.length - 1) this.#step++;
    this.#schedule();
  }

  #end(exit: Exit): void {
    if (this.exit) return;
    this.exit = exit;
    clearTimeout(this.#timer);
    for (const listener of this.#listeners.splice(0)) listener(exit);
  }
}
