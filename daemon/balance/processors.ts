/** Who wants processors on this machine, as /proc tells it. Pure parsers, and readers that return undefined instead of throwing. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
};

/** The same for all nodes (containers too) that share the processors of one kernel. */
export function machineId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

/** "0.20 0.18 0.12 3/1234 5678": threads that run or wait for a processor at this moment, without the one that asks. */
export function parseRunnable(loadavg: string): number | undefined {
  const field = / (\d+)\/\d+ /.exec(loadavg)?.[1];
  return field === undefined ? undefined : Math.max(0, Number(field) - 1);
}
export function runnableNow(): number | undefined {
  return parseRunnable(read('/proc/loadavg') ?? '');
}

/** "some avg10=12.34 …": as a share of 1. */
export function parsePressure(text: string): number {
  return Number(/^some avg10=([\d.]+)/m.exec(text)?.[1] ?? 0) / 100;
}
export function pressure(): number {
  return parsePressure(read('/proc/pressure/cpu') ?? '');
}

/** What a process has had of processors, and waited for them, in its life. */
export interface Usage {
  ranSeconds: number;
  waitedSeconds: number;
  threads: number;
  /** How often the main thread has given its processor up to sleep. */
  sleeps?: number;
}

/** "ran waited slices", in nanoseconds; a kernel without the statistics says zeros. */
export function parseSchedstat(text: string): { ranSeconds: number; waitedSeconds: number } | undefined {
  const [ran, waited] = text.split(' ').map(Number);
  return ran !== undefined && waited !== undefined && Number.isFinite(ran) && Number.isFinite(waited) ? { ranSeconds: ran / 1e9, waitedSeconds: waited / 1e9 } : undefined;
}

/** The library's agent is a second thread of every task; more are the program's. */
const usualThreads = 2;

export function usage(pid: number): Usage | undefined {
  const main = parseSchedstat(read(`/proc/${pid}/schedstat`) ?? '');
  const stat = read(`/proc/${pid}/stat`);
  if (!main || !stat) return undefined;
  const threads = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[17]);
  if (threads <= usualThreads) return { ...main, threads: 1, sleeps: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? NaN) };
  const sum = { ranSeconds: 0, waitedSeconds: 0, threads: Math.max(1, threads - 1) };
  for (const thread of threadsOf(pid)) {
    const one = parseSchedstat(read(`/proc/${pid}/task/${thread}/schedstat`) ?? '');
    sum.ranSeconds += one?.ranSeconds ?? 0;
    sum.waitedSeconds += one?.waitedSeconds ?? 0;
  }
  return sum;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Below this share of a window nothing can be said from what it ran and slept. */
const tooLittle = 1e-3;

/**
 * Processors that it would keep busy if it never waited for one. Of a window it ran, waited and
 * slept; without the waiting it would have run for so much of what is left.
 */
export function demand(before: Usage, after: Usage, seconds: number): { demand: number; runnable: number; ran: number } {
  const threads = Math.max(1, after.threads);
  const ran = Math.max(0, after.ranSeconds - before.ranSeconds) / seconds;
  const waited = Math.max(0, after.waitedSeconds - before.waitedSeconds) / seconds;
  const slept = Math.max(0, threads - ran - waited);
  // A wait is counted when it is over: who has not slept, but waits since long, would seem to sleep.
  if (threads === 1 && ran > 0 && after.sleeps !== undefined && after.sleeps === before.sleeps) return { demand: 1, runnable: 1, ran };
  const whole = ran + slept;
  // One that only waited wants all it can get.
  const share = whole > tooLittle ? ran / whole : waited > tooLittle ? 1 : 0;
  return { demand: threads * Math.min(1, share), runnable: ran + waited, ran };
}

/** Private and resident: what a move has to carry, cheaply (shared pages of files are not counted). */
export function privateBytes(pid: number): number {
  const [, resident, shared] = (read(`/proc/${pid}/statm`) ?? '').split(' ').map(Number);
  return Math.max(0, ((resident ?? 0) - (shared ?? 0)) * 4096) || 0;
}

/**
 * Processors that this daemon and its tasks may have: fewer than the machine's where a container, a service's limit
 * or taskset holds them to a part of it.
 */
export function capacity(processors: number): number {
  return Math.min(processors, allowed(read('/proc/self/status') ?? '') ?? processors, quota());
}

/** "Cpus_allowed:	ff,00000003": as a count. */
export function allowed(status: string): number | undefined {
  const mask = /^Cpus_allowed:\s*([0-9a-f,]+)/m.exec(status)?.[1]?.replaceAll(',', '');
  if (mask === undefined) return undefined;
  let count = 0;
  for (let left = BigInt(`0x${mask}`); left > 0n; left >>= 1n) count += Number(left & 1n);
  return count || undefined;
}

/** Of the control groups that this process is in, the narrowest. */
function quota(groups = read('/proc/self/cgroup') ?? ''): number {
  let least = Infinity;
  for (const line of groups.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined || !(controllers === '' || controllers!.split(',').includes('cpu'))) continue;
    const root = controllers === '' ? '/sys/fs/cgroup' : '/sys/fs/cgroup/cpu';
    for (let folder = path; folder !== '/' && folder !== '.'; folder = dirname(folder)) least = Math.min(least, quotaOf(join(root, folder), controllers === ''));
  }
  return least;
}

function quotaOf(folder: string, unified: boolean): number {
  if (unified) return parseQuota(read(join(folder, 'cpu.max')) ?? '');
  return parseQuota(`${read(join(folder, 'cpu.cfs_quota_us')) ?? ''} ${read(join(folder, 'cpu.cfs_period_us')) ?? ''}`);
}

/** "50000 100000": microseconds of each period; "max" or -1: no limit. */
export function parseQuota(text: string): number {
  const [runs, period] = text.trim().split(/\s+/).map(Number);
  return runs !== undefined && period !== undefined && runs > 0 && period > 0 ? runs / period : Infinity;
}
