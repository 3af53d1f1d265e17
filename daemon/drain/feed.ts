/** What a drain tells: events that every watcher gets, from the first on, and progress, of which only the newest counts. */
import type { mpvm } from '../rpc/messages.js';

type Event = mpvm.node.IDrainEvent;

export class DrainFeed {
  readonly #events: Event[] = [];
  #progress: Event | undefined;
  #version = 0;
  #ended = false;
  #waiting: (() => void)[] = [];

  push(event: Event): void {
    this.#events.push(event);
    this.#wake();
  }
  progress(progress: mpvm.node.DrainEvent.IProgress): void {
    this.#progress = { progress };
    this.#version++;
    this.#wake();
  }
  get latest(): mpvm.node.DrainEvent.IProgress | undefined {
    return this.#progress?.progress ?? undefined;
  }
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *watch(): AsyncGenerator<Event, void> {
    for (let [at, version] = [0, 0]; ; ) {
      if (at < this.#events.length) yield this.#events[at++]!;
      else if (version < this.#version && !this.#ended) {
        version = this.#version;
        yield this.#progress!;
      } else if (this.#ended) return;
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
