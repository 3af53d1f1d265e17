/** One run of examples/heat in a VM: its output, read as it comes. */
import { MpvmError } from '../errors.js';
import type { ControlClient } from '../rpc/clients.js';
import type { DemoView } from './demo-view.js';
import { userEnvironment } from './program.js';
import { expectOk } from './status.js';

export interface Heat {
  program: string;
  size: number;
  workers: number;
  steps: number;
}
export interface HeatResult {
  checksum: string;
  /** From the start to the last task's end. */
  ms: number;
  /** While it computed: without starting and stopping. */
  msPerStep: number;
}

export class HeatRun {
  readonly #heat: Heat;
  readonly #view: DemoView | undefined;
  readonly #result: Promise<HeatResult>;
  /** Step that the program has said it has reached. */
  #step = 0;
  #workers: string[] = [];
  #over = false;
  #checksum = '';
  #first: { step: number; at: number } | undefined;
  #last: { step: number; at: number } | undefined;
  #code: number | undefined;
  #said = '';
  #wake: (() => void)[] = [];

  constructor(client: ControlClient, heat: Heat, view: DemoView | undefined, node: string) {
    this.#heat = heat;
    this.#view = view;
    this.#result = this.#follow(client, node);
    // Whoever waits for it gets the error; until then it is nobody's.
    this.#result.catch(() => undefined);
  }

  finish(): Promise<HeatResult> {
    return this.#result;
  }

  /** The workers' tids, as soon as they run. */
  async workers(): Promise<string[]> {
    await this.#until(() => this.#workers.length > 0);
    return this.#workers;
  }

  /** Resolves when so much of the work is done. */
  async reached(share: number): Promise<void> {
    await this.#until(() => this.#step >= share * this.#heat.steps);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#over) {
        await this.#result;
        throw new MpvmError('DEMO_FAILED', { detail: 'the program ended before all moves were made; try a longer --seconds' });
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  async #follow(client: ControlClient, node: string): Promise<HeatResult> {
    const started = performance.now();
    const { program, size, workers, steps } = this.#heat;
    const progress = Math.max(1, Math.round(steps / 100));
    const argv = ['-n', size, '-s', steps, '-w', workers, '-p', progress].map(String);
    try {
      let rest = '';
      for await (const event of client.run({ program, argv, count: 1, node, environment: userEnvironment(), directory: process.cwd() })) {
        if (event.output) {
          const lines = (rest + Buffer.from(event.output.data ?? new Uint8Array()).toString()).split('\n');
          rest = lines.pop() ?? '';
          lines.forEach((line) => this.#line(line));
        } else if (event.ended) this.#code = event.ended.signal ? 128 : (event.ended.code ?? 0);
        else if (event.failed) expectOk(event.failed);
      }
    } finally {
      this.#over = true;
      this.#notify();
    }
    if (this.#code !== 0 || !this.#checksum) {
      throw new MpvmError('DEMO_FAILED', { detail: `heat ended with code ${this.#code ?? '?'}${this.#said ? `: ${this.#said}` : ' and no answer'}` });
    }
    return { checksum: this.#checksum, ms: performance.now() - started, msPerStep: this.#msPerStep() };
  }

  #line(line: string): void {
    const step = /^heat: step (\d+) of/.exec(line);
    const workers = /workers: (t.*)$/.exec(line);
    const checksum = /^heat: checksum ([0-9a-f]{16})$/.exec(line);
    if (step) {
      this.#step = Number(step[1]);
      this.#last = { step: this.#step, at: performance.now() };
      this.#first ??= this.#last;
      this.#view?.progress(this.#step, this.#heat.steps);
    } else if (workers?.[1]) {
      this.#workers = workers[1].split(' ');
      this.#view?.log(`workers ${this.#workers.join(' ')}`);
    } else if (checksum?.[1]) this.#checksum = checksum[1];
    else if (!line.startsWith('heat: done')) this.#said = line;
    this.#notify();
  }

  #msPerStep(): number {
    if (!this.#first || !this.#last || this.#last.step === this.#first.step) return 1;
    return (this.#last.at - this.#first.at) / (this.#last.step - this.#first.step);
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    waiting.forEach((wake) => wake());
  }
}
