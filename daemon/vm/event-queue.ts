/** From push() to for-await: what one subscriber still has to be told. */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #events: T[] = [];
  #ended = false;
  #wake: (() => void) | undefined;
  readonly #limit: number;

  /** Ends with the signal. A subscriber that falls `limit` behind is cut off: it joins again and gets a snapshot. */
  constructor(signal: AbortSignal, limit = 100_000) {
    this.#limit = limit;
    if (signal.aborted) this.end();
    else signal.addEventListener('abort', () => this.end(), { once: true });
  }

  push(event: T): void {
    if (this.#ended) return;
    this.#events.push(event);
    if (this.#events.length > this.#limit) this.end();
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      while (this.#events.length > 0 && this.#events.length <= this.#limit) yield this.#events.shift()!;
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
