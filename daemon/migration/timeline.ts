/**
 * What a move took, in MPVM's terms (migration cost, obtrusiveness) and QEMU's (setup, downtime,
 * rounds, mbps). Times of the source are CLOCK_REALTIME in microseconds; those that the destination
 * reports are brought to the source's clock.
 */
import type { mpvm } from '../rpc/messages.js';

type Phase = mpvm.node.IPhaseTime;

/** Less is swallowed by the sockets' buffers at once: how long that takes says nothing of the network. */
const leastForARate = 4 << 20;

/** Clocks drift apart: what was learnt of one is good for so long. */
const clockMemoryUs = 60e6;

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

/** One exchange of words: when the question went out and the answer came in (our clock), when it came and the answer went out there (theirs). */
export interface Exchange {
  askedUs: number;
  receivedUs: number;
  answeredUs: number;
  heardUs: number;
}

/**
 * Other clocks minus ours, from what is exchanged with them anyway. The quickest exchange of the last
 * minute tells most. What is within its error counts as nothing, so that two daemons of one machine
 * agree exactly.
 */
export class ClockOffsets {
  readonly #best = new Map<string, { offsetUs: number; errorUs: number; atUs: number }>();

  /** Microseconds. */
  learn(whose: string, { askedUs, receivedUs, answeredUs, heardUs }: Exchange): number {
    const offsetUs = (receivedUs - askedUs + answeredUs - heardUs) / 2;
    const errorUs = Math.max(0, heardUs - askedUs - (answeredUs - receivedUs)) / 2;
    let best = this.#best.get(whose);
    const contradicts = best !== undefined && Math.abs(best.offsetUs - offsetUs) > best.errorUs + errorUs;
    if (best === undefined || contradicts || errorUs <= best.errorUs || heardUs - best.atUs > clockMemoryUs) this.#best.set(whose, (best = { offsetUs, errorUs, atUs: heardUs }));
    return Math.abs(best.offsetUs) <= best.errorUs ? 0 : Math.round(best.offsetUs);
  }
}
