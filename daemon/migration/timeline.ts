/**
 * What a move took, in MPVM's terms (migration cost, obtrusiveness) and QEMU's (setup, downtime,
 * rounds, mbps). Times of the source are CLOCK_REALTIME in microseconds; those that the destination
 * reports are brought to the source's clock.
 */
import type { mpvm } from '../rpc/messages.js';

type Phase = mpvm.node.IPhaseTime;

/** Less is swallowed by the sockets' buffers at once: how long that takes says nothing of the network. */
const leastForARate = 4 << 20;

let anchor = performance.timeOrigin;
/** CLOCK_REALTIME with a resolution that Date does not have; follows when somebody sets the clock. */
export function nowUs(): number {
  const sinceStart = performance.now();
  const wall = Date.now();
  const guess = anchor + sinceStart;
  if (guess < wall) anchor = wall - sinceStart;
  else if (guess >= wall + 1) anchor = wall + 0.999 - sinceStart;
  return Math.round((anchor + sinceStart) * 1000);
}

export class Timeline {
  readonly startedUs = nowUs();
  /** Destination's clock minus ours. */
  clockOffsetUs = 0;
  #phases: { name: string; startUs: number; endUs: number | undefined; bytes: number }[] = [];
  firstByteUs: number | undefined;
  frozenUs: number | undefined;
  sentUs: number | undefined;
  arrivedUs: number | undefined;
  committedUs: number | undefined;
  resumedUs: number | undefined;
  vanishedUs: number | undefined;
  streamUs = 0;
  pageBytes = 0;
  rounds = 0;
  transferred = 0;
  pages = 0;
  remaining = 0;
  expectedDowntimeUs = 0;
  /** mpvm.task.Tracking. */
  tracking: mpvm.task.Tracking | undefined;
  /** Written by the program in the last round. */
  dirtyBytesPerSecond = 0;
  noConvergence = false;
  throttlePercent = 0;
  waiting = false;

  /** A phase begins, at a time that may lie in the past; the one before it ends there. */
  begin(name: string, atUs = nowUs()): void {
    const last = this.#phases.at(-1);
    if (last?.name === name) return;
    if (last && last.endUs === undefined) last.endUs = Math.max(last.startUs, atUs);
    this.#phases.push({ name, startUs: atUs, endUs: undefined, bytes: 0 });
  }
  /** Bytes that went during the phase under way. */
  count(transferred: number): void {
    const last = this.#phases.at(-1);
    if (last) last.bytes += Math.max(0, transferred - this.transferred);
    this.transferred = Math.max(this.transferred, transferred);
  }
  finish(atUs = nowUs()): void {
    const last = this.#phases.at(-1);
    if (last && last.endUs === undefined) last.endUs = Math.max(last.startUs, atUs);
  }
  toLocal(remoteUs: number): number {
    return remoteUs - this.clockOffsetUs;
  }

  report(): Partial<mpvm.node.IMigrationInfo> {
    const since = (at: number | undefined): number => (at === undefined ? 0 : Math.max(0, at - this.startedUs));
    const downtime = this.frozenUs === undefined || this.resumedUs === undefined ? 0 : Math.max(0, this.resumedUs - this.frozenUs);
    return {
      startedMs: Math.floor(this.startedUs / 1000),
      setupUs: since(this.firstByteUs),
      totalUs: since(this.resumedUs),
      downtimeUs: downtime,
      obtrusivenessUs: since(this.vanishedUs),
      rounds: this.rounds,
      transferredBytes: this.transferred,
      pages: this.pages,
      mbps: this.streamUs > 0 && this.pageBytes >= leastForARate ? (this.pageBytes * 8) / this.streamUs : 0,
      remainingBytes: this.remaining,
      expectedDowntimeUs: this.expectedDowntimeUs,
      tracking: this.tracking,
      dirtyBytesPerSecond: this.dirtyBytesPerSecond,
      noConvergence: this.noConvergence,
      throttlePercent: this.throttlePercent,
      waiting: this.waiting,
      phases: this.#phases.map(({ name, startUs, endUs, bytes }): Phase => ({ name, startUs: since(startUs), us: Math.max(0, (endUs ?? nowUs()) - startUs), bytes })),
    };
  }
}

/**
 * Destination's clock minus ours, from a few exchanges: the quickest tells most. What is within its
 * error counts as nothing, so that two daemons of one machine agree exactly.
 */
export async function measureClockOffset(ping: () => Promise<number>): Promise<number> {
  let best = { offset: 0, took: Infinity };
  for (let i = 0; i < 3; i++) {
    const before = nowUs();
    const there = await ping();
    const after = nowUs();
    if (after - before < best.took) best = { offset: there - (before + after) / 2, took: after - before };
  }
  return Math.abs(best.offset) <= best.took ? 0 : Math.round(best.offset);
}
