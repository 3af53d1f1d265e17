/**
 * A clock for judging whether others are late. It stands still while this process itself did not
 * run (stopped, starved, or asleep with the machine): heartbeats that arrived meanwhile wait in
 * its sockets, and their senders must not pay for it.
 */
const tickMs = 100;
/** A tick may be this late before the judge counts as having been away. */
const toleranceMs = 150;

export class JudgeClock {
  #now = 0;
  #lastTick: number;
  readonly #time: () => number;
  readonly #timer: NodeJS.Timeout | undefined;

  /** For tests: `time` in milliseconds; then tick() is called by hand. */
  constructor(time?: () => number) {
    this.#time = time ?? (() => performance.now());
    this.#lastTick = this.#time();
    if (time === undefined) this.#timer = setInterval(() => this.tick(), tickMs).unref();
  }

  /** Milliseconds in which this process was awake. */
  now(): number {
    return this.#now;
  }

  tick(): void {
    const time = this.#time();
    const elapsed = time - this.#lastTick;
    this.#lastTick = time;
    this.#now += Math.min(elapsed, tickMs + toleranceMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
