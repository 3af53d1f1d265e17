/**
 * A person at a terminal: editing, history and completion by node:readline. News are shown above
 * the line that is being typed.
 */
import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline';
import type { Interface } from 'node:readline';
import { prompt } from './front.js';
import type { Front, Line } from './front.js';

/** What could stand for the last word of a line. */
export type Completer = (line: string) => Promise<{ candidates: string[]; word: string }>;

export class Terminal implements Front {
  readonly echoes = true;
  readonly #reader: Interface;
  readonly #lines: string[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  /** The prompt is shown. */
  #asking = false;
  #lent = false;
  #deferred: (() => void)[] = [];

  constructor(complete: Completer) {
    this.#reader = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      prompt,
      removeHistoryDuplicates: true,
      completer: (line: string, callback: (error: Error | null, result: [string[], string]) => void) => {
        complete(line).then(
          ({ candidates, word }) => callback(null, [candidates, word]),
          () => callback(null, [[], line]),
        );
      },
    });
    this.#reader.on('line', (line) => {
      this.#lines.push(line);
      this.#wake?.();
    });
    this.#reader.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
    this.#reader.on('SIGINT', () => this.#discard());
  }

  async next(): Promise<Line | undefined> {
    if (this.#lines.length === 0 && !this.#ended) {
      this.#asking = true;
      this.#reader.prompt();
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#asking = false;
    }
    const text = this.#lines.shift();
    return text === undefined ? undefined : { text, complete: true };
  }

  /** Ctrl-C: what has been typed is forgotten. */
  #discard(): void {
    this.#reader.write(null, { ctrl: true, name: 'e' });
    this.#reader.write(null, { ctrl: true, name: 'u' });
    process.stdout.write('^C\n');
    if (this.#asking) this.#reader.prompt();
  }

  write(text: string): void {
    process.stdout.write(text);
  }
  complain(text: string): void {
    process.stderr.write(text);
  }

  news(text: string | Buffer): void {
    if (this.#asking) this.#above(text);
    else process.stdout.write(text);
  }

  defer(_bytes: number, work: () => void): void {
    if (this.#lent) this.#deferred.push(work);
    else work();
  }

  #above(text: string | Buffer): void {
    const { rows } = this.#reader.getCursorPos();
    moveCursor(process.stdout, 0, -rows);
    cursorTo(process.stdout, 0);
    clearScreenDown(process.stdout);
    process.stdout.write(text);
    // The reader would go up to where its line began.
    (this.#reader as { prevRows?: number }).prevRows = 0;
    this.#reader.prompt(true);
  }

  async lend<T>(work: () => Promise<T>): Promise<T> {
    this.#lent = true;
    this.#reader.pause();
    process.stdin.setRawMode(false);
    try {
      return await work();
    } finally {
      process.stdin.setRawMode(true);
      this.#reader.resume();
      this.#lent = false;
      for (const deferred of this.#deferred.splice(0)) deferred();
    }
  }

  close(): void {
    this.#reader.close();
  }
}
