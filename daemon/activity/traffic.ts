/** Asking the tasks of this node whom they have sent to. They answer with the event `traffic`, each what is new since the last time, whoever had asked. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Tasks } from '../contracts.js';

/** A task that computes answers through its agent within a tick; one that is stopped never does. */
const answerMs = 250;

export class TrafficAsker {
  readonly #tasks: Tasks;
  #waitingFor = new Set<number>();
  #answered = (): void => undefined;
  #underWay: Promise<void> | undefined;

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
    tasks.on('traffic', ({ tid }) => {
      this.#waitingFor.delete(tid);
      if (this.#waitingFor.size === 0) this.#answered();
    });
  }

  /** Resolves when all have answered, or have had their time. */
  ask(): Promise<void> {
    this.#underWay ??= this.#askAll().finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  async #askAll(): Promise<void> {
    const tasks = this.#tasks.list().filter(({ isConsole }) => !isConsole);
    this.#waitingFor = new Set(tasks.filter((task) => task.ask({ trafficAsk: {} })).map(({ tid }) => tid));
    if (this.#waitingFor.size === 0) return;
    const patience = new AbortController();
    await Promise.race([new Promise<void>((resolve) => (this.#answered = resolve)), delay(answerMs, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
  }
}
