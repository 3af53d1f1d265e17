/** A program run by the VM, with its output and its end at hand. */
import type { mpvm } from '../../daemon/rpc/messages.js';
import { until } from './wait.js';

type Ended = mpvm.control.RunEvent.IEnded;

export class TaskRun {
  tids: number[] = [];
  output = '';
  ended: Ended | undefined;
  failed: mpvm.node.IStatusReply | undefined;
  error: unknown;
  over = false;
  readonly #stream: AsyncIterableIterator<mpvm.control.IRunEvent>;

  private constructor(stream: AsyncIterableIterator<mpvm.control.IRunEvent>) {
    this.#stream = stream;
  }

  static async start(stream: AsyncIterableIterator<mpvm.control.IRunEvent>): Promise<TaskRun> {
    const run = new TaskRun(stream);
    void run.#follow();
    await until('the start of the run', () => run.tids.length > 0 || run.over);
    if (run.tids.length === 0) throw new Error(`the run did not start: ${JSON.stringify(run.failed ?? String(run.error))}`);
    return run;
  }

  get tid(): number {
    return this.tids[0]!;
  }

  async #follow(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const event of this.#stream) {
        if (event.started) this.tids = event.started.tids ?? [];
        if (event.output?.data) this.output += decoder.decode(event.output.data, { stream: true });
        if (event.ended) this.ended ??= event.ended;
        if (event.failed) this.failed = event.failed;
      }
    } catch (error) {
      this.error = error;
    }
    this.over = true;
  }

  async printed(text: string, timeoutMs = 20_000): Promise<void> {
    await until(`"${text}" in the output of t${this.tid.toString(16)}`, () => this.output.includes(text) || this.over, { timeoutMs }).catch((error: unknown) => {
      throw new Error(`${String(error)}; it printed:\n${this.output.slice(-2000)}`);
    });
    if (!this.output.includes(text)) throw new Error(`t${this.tid.toString(16)} ended (${this.#end()}) without printing "${text}":\n${this.output.slice(-2000)}`);
  }

  /** Waits for the end and wants exit code 0. */
  async success(timeoutMs = 60_000): Promise<string> {
    await this.finish(timeoutMs);
    if (this.ended?.code !== 0 || this.ended.signal) throw new Error(`t${this.tid.toString(16)} ended badly (${this.#end()}):\n${this.output.slice(-4000)}`);
    return this.output;
  }

  async finish(timeoutMs = 60_000): Promise<Ended | undefined> {
    await until(`the end of t${this.tid.toString(16)}`, () => this.over, { timeoutMs }).catch((error: unknown) => {
      throw new Error(`${String(error)}; it printed:\n${this.output.slice(-2000)}`);
    });
    return this.ended;
  }

  #end(): string {
    return JSON.stringify(this.ended ?? this.failed ?? String(this.error));
  }

  /** Ends the run; its tasks are killed. */
  async cancel(): Promise<void> {
    await this.#stream.return?.();
  }
}
