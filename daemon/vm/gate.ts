/**
 * Tasks of a group that wait for each other, as the registry counts them. PVM's rule: an arrival
 * counts, whatever becomes of the task afterwards; so the dead keep their place.
 */
/** The answer to a call about a group. */
export interface GroupResult {
  status: number;
  value?: number;
  tids?: number[];
  frozen?: boolean;
  page?: number;
  enter?: boolean;
  groups?: GroupState[];
}
export interface GroupState {
  name: string;
  /** By instance. */
  tids: number[];
  /** How many the barrier, or the freeze, that somebody waits in needs; 0: nobody does. */
  barrier: number;
  freeze: number;
  waiting: number[];
}

interface Arrival {
  /** Which call of the task it is; undefined: not known, it came on a page. */
  request?: string;
  /** Nobody hears it: the task is dead, or its link is broken and it will ask again. */
  answer?: (result: GroupResult) => void;
  /**
   * False: it was waiting on a page that has been withdrawn (as far as its mark tells), and will
   * come here by itself. Until then it counts only if it is dead.
   */
  counted: boolean;
}

export class Gate {
  readonly kind: 'barrier' | 'freeze';
  readonly count: number;
  readonly #arrivals = new Map<number, Arrival>();

  constructor(kind: Gate['kind'], count: number) {
    this.kind = kind;
    this.count = count;
  }

  /** Not yet come by itself. */
  expect(tid: number, counted: boolean): void {
    if (!this.#arrivals.has(tid)) this.#arrivals.set(tid, { counted });
  }

  /** Resolves with the verdict. A call that is repeated takes the place of what it was before. */
  arrive(tid: number, request: string): Promise<GroupResult> {
    return new Promise((answer) => this.#arrivals.set(tid, { request, answer, counted: true }));
  }

  /** In the order in which they have come. */
  tids(): Iterable<number> {
    return this.#arrivals.keys();
  }
  has(tid: number): boolean {
    return this.#arrivals.has(tid);
  }
  /** Waits, as far as is known, and has not been let go. */
  expected(tid: number): boolean {
    return this.#arrivals.get(tid)?.counted === false;
  }
  /** It has no place here any more. */
  forget(tid: number, result: GroupResult): void {
    this.#arrivals.get(tid)?.answer?.(result);
    this.#arrivals.delete(tid);
  }

  /** Its caller is gone; it counts on. */
  detach(tid: number, request: string, result: GroupResult): void {
    const arrival = this.#arrivals.get(tid);
    if (arrival?.request !== request) return;
    arrival.answer?.(result);
    arrival.answer = undefined;
  }

  /** The task has ended; it keeps its place. */
  died(tid: number, result: GroupResult): void {
    const arrival = this.#arrivals.get(tid);
    if (!arrival) return;
    arrival.answer?.(result);
    arrival.answer = undefined;
    arrival.counted = true;
  }

  get empty(): boolean {
    return this.#arrivals.size === 0;
  }
  get complete(): boolean {
    let counted = 0;
    for (const arrival of this.#arrivals.values()) if (arrival.counted) counted++;
    return counted >= this.count;
  }

  /** tid and call of those that are let go when it opens. */
  *counted(): Generator<[tid: number, request: string | undefined]> {
    for (const [tid, { counted, request }] of this.#arrivals) if (counted) yield [tid, request];
  }

  /** Everybody who waits is told; whoever was only expected is not. */
  tell(resultFor: (tid: number) => GroupResult): void {
    for (const [tid, { answer }] of this.#arrivals) answer?.(resultFor(tid));
  }
}
