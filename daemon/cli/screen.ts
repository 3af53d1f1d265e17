/**
 * Long work as it happens. On a terminal a block at the bottom is drawn again and again while
 * lines scroll above it; elsewhere only the lines are printed, one an event.
 */
import { width } from './format.js';

export class Screen {
  readonly live: boolean;
  readonly #stream: NodeJS.WriteStream;
  #drawn = 0;
  #block: string[] = [];

  constructor(stream: NodeJS.WriteStream = process.stdout, wanted = true) {
    this.#stream = stream;
    this.live = wanted && stream.isTTY && process.env.TERM !== 'dumb';
  }

  /** An event: stays on the screen. */
  log(line: string): void {
    this.#stream.write(`${this.#erase()}${line}\n${this.#paint()}`);
  }

  /** The state of things: replaces what was drawn before. Nothing where there is no terminal. */
  draw(lines: string[]): void {
    if (!this.live) return;
    this.#block = lines;
    this.#stream.write(this.#erase() + this.#paint());
  }

  /** Takes the block away. */
  clear(): void {
    this.#block = [];
    this.#stream.write(this.#erase());
  }

  #erase(): string {
    const lines = this.#drawn;
    this.#drawn = 0;
    return lines === 0 ? '' : `\r\x1b[${lines}A\x1b[J`;
  }

  #paint(): string {
    if (!this.live || this.#block.length === 0) return '';
    // A line that wraps would be two to the terminal and one to us.
    const columns = this.#stream.columns || 80;
    const lines = this.#block.slice(0, Math.max(1, (this.#stream.rows || 24) - 2)).map((line) => (width(line) > columns ? clip(line, columns) : line));
    this.#drawn = lines.length;
    return lines.map((line) => `${line}\n`).join('');
  }
}

/** Cuts to so many visible characters and ends any colour. */
function clip(line: string, columns: number): string {
  let visible = 0;
  let result = '';
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    if (part.startsWith('\x1b')) {
      result += part;
      continue;
    }
    const room = columns - visible;
    const text = Array.from(part).slice(0, room).join('');
    visible += Array.from(text).length;
    result += text;
  }
  return `${result}\x1b[0m`;
}
