/** A generator that can be run again: MPVM_TEST_SEED sets the seed, which every user prints. */

export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed = Number(process.env.MPVM_TEST_SEED ?? Date.now() % 1_000_000_007)) {
    this.seed = seed;
    this.#state = seed >>> 0 || 1;
  }
  /** 0 <= n < limit (mulberry32) */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * limit);
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
