/** A program that is told something on a line and answers with a line. */
import type { Running } from './process.js';
import { until } from './wait.js';

export class Conversation {
  readonly running: Running;
  #read = 0;

  /** Of a program whose stdin is kept open (RunOptions.talk). */
  constructor(running: Running) {
    this.running = running;
  }

  async ask(line: string, timeoutMs = 30_000): Promise<string> {
    this.running.child.stdin?.write(`${line}\n`);
    const answer = await until(`an answer to "${line}"`, () => {
      const end = this.running.stdout.indexOf('\n', this.#read);
      if (end < 0 && this.running.child.exitCode !== null) throw new Error(`the program has ended: ${this.running.stderr}`);
      return end < 0 ? undefined : { text: this.running.stdout.slice(this.#read, end), end };
    }, { timeoutMs });
    this.#read = answer.end + 1;
    return answer.text;
  }

  async end(): Promise<void> {
    this.running.child.stdin?.end();
    await this.running.ended;
  }
}
