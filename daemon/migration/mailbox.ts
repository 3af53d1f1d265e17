/** Events for one reader, in the order they came; and a value that many watch, each at its own speed. */

export class Mailbox<Event> {
  readonly #events: Event[] = [];
  #wake: (() => void) | undefined;

  post(event: Event): void {
    this.#events.push(event);
    this.#wake?.();
  }

  /** Undefined when nothing has come for so long. */
  async next(timeoutMs: number): Promise<Event | undefined> {
    if (this.#events.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    return this.#events.shift();
  }
}

/** A sequence that is kept whole (it is short) and read by any number of watchers, also late ones. */
export class Feed<Item> {
  readonly #items: Item[] = [];
  #ended = false;
  #error: Error | undefined;
  #waiting: (() => void)[] = [];

  push(item: Item): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#tell();
  }
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#tell();
  }

  async *watch(): AsyncGenerator<Item, void> {
    for (let at = 0; ; ) {
      while (at < this.#items.length) yield this.#items[at++]!;
      if (this.#ended && at >= this.#items.length) break;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#error !== undefined) throw this.#error;
  }

  #tell(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** The newest of a changing value, no more often than every `betweenMs`: what is overwritten meanwhile is missed, never the last. */
export class Latest<Value> {
  readonly #betweenMs: number;
  /** Of watchers that pause: what the end does. */
  readonly #pauses = new Set<() => void>();
  #version = 0;
  #value: Value | undefined;
  #ended = false;
  #waiting: (() => void)[] = [];

  constructor(betweenMs: number) {
    this.#betweenMs = betweenMs;
  }

  set(value: Value): void {
    this.#value = value;
    this.#version++;
    this.#tell();
  }
  end(): void {
    this.#ended = true;
    for (const wake of this.#pauses) wake();
    this.#tell();
  }

  async *watch(): AsyncGenerator<Value, void> {
    for (let seen = 0; ; ) {
      if (this.#version > seen) {
        seen = this.#version;
        yield this.#value as Value;
        if (!this.#ended) await this.#pause();
      } else if (this.#ended) return;
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, this.#betweenMs);
      this.#pauses.add(wake);
    });
  }

  #tell(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
