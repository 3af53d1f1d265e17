/** What the threads of a task are like, as /proc shows them, and which of them would keep it from moving. */
import { setTimeout as delay } from 'node:timers/promises';
import { blocker } from './blockers.js';
import type { Blocker } from './blockers.js';
import type { ProcessView } from './proc.js';

/** What the library calls its agent; every other thread is the program's. */
const agentThreadName = 'mpvm-agent';

/** The engine stops threads with glibc's second signal of its own. No program blocks it for long. */
const parkingSignal = 33;
/** The library's agent is born with all signals blocked, and on a busy machine does not get to give itself its name at once. */
const looks = 100;
const betweenLooksMs = 20;

/** The number by which all name the process is its first thread's; when that has ended nobody can arrive in its place. */
export function mainThreadHasEnded(view: ProcessView): boolean {
  return /^[ZX]/.test(view.threadStatus(view.pid).get('State') ?? '') && view.threads().length > 1;
}

/** `ours`: the status of a process that is as the task ought to be. */
export async function inspectThreads(view: ProcessView, ours: Map<string, string>): Promise<Blocker[]> {
  const found: Blocker[] = [];
  const main = view.threadStatus(view.pid);

  for (const { tid } of view.threads()) {
    const status = view.threadStatus(tid);
    if (status.size === 0) continue; // ended meanwhile
    const tracer = Number(status.get('TracerPid') ?? 0);
    if (tracer !== 0) found.push(blocker('source', 'TRACED', { pid: tracer }));
    // In a container all of us have its filters; what counts are those that the task has put upon itself.
    else if (['Seccomp', 'Seccomp_filters'].some((key) => (status.get(key) ?? '0') !== (ours.get(key) ?? '0'))) found.push(blocker('source', 'SECCOMP'));
    for (const key of ['Uid', 'Gid', 'Groups']) {
      if (status.get(key) !== main.get(key)) found.push(blocker('source', 'THREAD_DIFFERS', { tid, what: key.toLowerCase() }));
    }
    if (found.length > 0) return found;
  }
  for (const tid of await unstoppable(view)) found.push(blocker('source', 'THREAD_UNSTOPPABLE', { tid }));
  return found;
}

/** Threads that block even glibc's signals whenever one looks. For a moment any may: while it is born, makes another, or ends. */
async function unstoppable(view: ProcessView): Promise<number[]> {
  const blocksIt = (tid: number): boolean => (BigInt(`0x${view.threadStatus(tid).get('SigBlk') ?? '0'}`) & (1n << BigInt(parkingSignal - 1))) !== 0n;
  let candidates = view.threads().filter(({ name }) => name !== agentThreadName).map(({ tid }) => tid).filter(blocksIt);

  for (let look = 1; look < looks && candidates.length > 0; look++) {
    await delay(betweenLooksMs);
    const named = new Set(view.threads().filter(({ name }) => name !== agentThreadName).map(({ tid }) => tid));
    candidates = candidates.filter((tid) => named.has(tid) && blocksIt(tid));
  }
  return candidates;
}
