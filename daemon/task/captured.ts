/**
 * A process that this daemon started (or found again) with its output captured. It outlives the
 * task where the program goes on after pvm_exit, and ends after it where the task moves away.
 */
import { tidText } from './codes.js';
import type { Core } from './core.js';
import type { Outlet, Source } from './outlet.js';
import { closeQuietly, OutputPipe } from './output.js';
import type { TaskProcess } from './process.js';

export class Captured implements Source {
  readonly process: TaskProcess;
  readonly pipe: OutputPipe;
  readonly #core: Core;
  readonly #outlet: Outlet;
  readonly #source: Source;
  readonly #over: () => void;
  #departed = false;
  /** Of a task that arrives: before the commit it is nothing that its collector may hear of. */
  #mute = false;
  #discarded = false;
  /** It is being read. */
  #begun: Promise<void> = Promise.resolve();
  /** The last record has been handed on. */
  #told: Promise<void> = Promise.resolve();

  /** `over`: the process has ended and nothing is left of its output. */
  constructor(core: Core, outlet: Outlet, source: Source, process: TaskProcess, pipe: OutputPipe, over: () => void) {
    this.#core = core;
    this.#outlet = outlet;
    this.#source = source;
    this.process = process;
    this.pipe = pipe;
    this.#over = over;
  }

  get tid(): number {
    return this.#source.tid;
  }
  get record(): Source['record'] {
    return this.#source.record;
  }

  /** Begins to read; after `gate` when there is one. */
  start(reader: number, gate?: Promise<void>, mute = false): void {
    this.#mute = mute;
    const begin = (): void => {
      if (this.#discarded) return closeQuietly(reader);
      this.pipe.read(
        reader,
        (data) => this.#outlet.data(this, data),
        () => {
          if (!this.#departed && !this.#mute) this.#told = this.#outlet.ended(this).catch((error: unknown) => this.#trouble(error));
        },
      );
    };
    if (gate === undefined) begin();
    else this.#begun = gate.then(begin, begin);
  }

  /** The task is here now. */
  adopted(): void {
    this.#mute = false;
    if (this.process.exit) void this.exited();
  }
  /** The task does not come. */
  discard(): void {
    this.#discarded = true;
    this.pipe.close();
    if (this.process.exit) void this.exited();
  }

  /** Its process has ended: what is left is read, then the collector is told. */
  async exited(): Promise<void> {
    if (this.#mute && !this.#discarded) return; // whose end it is shows at the commit
    try {
      await this.#begun;
      await this.pipe.drained();
      await this.#told;
      if (!this.#departed && !this.#discarded && this.process.exit) await this.#outlet.exited(this, this.process.exit);
    } catch (error) {
      this.#trouble(error);
    }
    this.pipe.unlink();
    this.#over();
  }

  /** The task goes on at another node, which waits with new output until it hears that the old is through. */
  async departed(destination: string, epoch: number): Promise<void> {
    this.#departed = true;
    await this.#begun;
    await this.pipe.drained();
    await this.#outlet.drained(this.tid, epoch, destination);
  }

  static abandon(pipe: OutputPipe, ...fds: (number | undefined)[]): void {
    closeQuietly(...fds);
    pipe.unlink();
  }

  #trouble(error: unknown): void {
    this.#core.log.error({ tid: tidText(this.tid), err: error }, 'output could not be handed on');
  }
}
