/**
 * Commands from a pipe or a file, as PVM's console treats them: the prompt, then the line itself
 * once it has come, then its result. What happens by itself is taken in while no line is left.
 */
import { prompt } from './front.js';
import type { Front, Line } from './front.js';

/** More than this does not wait until the commands that have come are done. */
const deferredLimit = 1 << 20;

export class Pipe implements Front {
  readonly echoes = false;
  readonly #input: NodeJS.ReadableStream;
  readonly #lines: Line[] = [];
  #rest = '';
  #ended = false;
  #idle = false;
  #deferred: (() => void)[] = [];
  #deferredBytes = 0;
  #wake: (() => void) | undefined;

  constructor(input: NodeJS.ReadableStream) {
    this.#input = input;
    input.setEncoding('utf8');
    input.on('data', (chunk: string) => this.#take(chunk));
    input.on('end', () => this.#end());
    input.on('error', () => this.#end());
  }

  async next(): Promise<Line | undefined> {
    this.write(prompt);
    if (this.#lines.length === 0 && !this.#ended) {
      this.#idle = true;
      this.#catchUp();
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#idle = false;
    }
    const line = this.#lines.shift();
    if (line === undefined) this.#catchUp();
    return line;
  }

  #take(chunk: string): void {
    const parts = (this.#rest + chunk).split('\n');
    this.#rest = parts.pop() ?? '';
    this.#lines.push(...parts.map((text) => ({ text, complete: true })));
    if (parts.length > 0) this.#wake?.();
  }

  #end(): void {
    if (this.#rest !== '') this.#lines.push({ text: this.#rest, complete: false });
    this.#rest = '';
    this.#ended = true;
    this.#wake?.();
  }

  write(text: string): void {
    process.stdout.write(text);
  }
  complain(text: string): void {
    process.stderr.write(text);
  }

  news(text: string | Buffer): void {
    process.stdout.write(text);
  }

  defer(bytes: number, work: () => void): void {
    this.#deferred.push(work);
    this.#deferredBytes += bytes;
    if (this.#idle || this.#deferredBytes > deferredLimit) this.#catchUp();
  }
  #catchUp(): void {
    this.#deferredBytes = 0;
    for (const work of this.#deferred.splice(0)) work();
  }

  lend<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  close(): void {
    this.#input.pause();
  }
}
