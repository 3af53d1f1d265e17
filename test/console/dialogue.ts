/** A console at the other end of a pipe: a line is sent when the prompt has been seen, as a person would. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { within } from '../lab/wait.js';

/** A line to type, or a text to wait for among what comes by itself. */
export type Step = string | { await: string | RegExp };

export interface Spoken {
  stdout: string;
  stderr: string;
  code: number | null;
  signal: NodeJS.Signals | null;
}

const prompt = 'pvm> ';
const patienceMs = 20_000;

export class Dialogue {
  readonly child: ChildProcess;
  readonly #ended: Promise<Spoken>;
  #stdout = '';
  #stderr = '';
  /** What was there when the last line was sent. */
  #seen = 0;
  #over = false;
  readonly #listeners = new Set<() => void>();

  constructor(file: string, args: readonly string[], options: { env: Record<string, string | undefined>; cwd: string }) {
    this.child = spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    const look = (): void => this.#listeners.forEach((listener) => listener());
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      look();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      look();
    });
    this.child.stdin!.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        this.#over = true;
        look();
        resolve({ stdout: this.#stdout, stderr: this.#stderr, code, signal });
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** What it has printed since the last line was sent. */
  get since(): string {
    return this.#stdout.slice(this.#seen);
  }

  async #until(what: string, there: () => boolean): Promise<void> {
    let listener: (() => void) | undefined;
    const seen = new Promise<void>((resolve, reject) => {
      listener = (): void => {
        if (there()) resolve();
        else if (this.#over) reject(new Error(`the console ended before ${what}:\n${this.#stdout}${this.#stderr}`));
      };
      this.#listeners.add(listener);
      listener();
    });
    try {
      await within(`${what} after\n${this.#stdout}${this.#stderr}`, patienceMs, seen);
    } finally {
      if (listener) this.#listeners.delete(listener);
    }
  }

  prompted(): Promise<void> {
    return this.#until('its prompt', () => this.since.includes(prompt));
  }
  printed(text: string | RegExp): Promise<void> {
    return this.#until(String(text), () => (typeof text === 'string' ? this.since.includes(text) : text.test(this.since)));
  }
  /** Types a line once it is asked for one. Returns what was printed until it asks for the next. TASK is the last task id it has printed. */
  async say(line: string): Promise<string> {
    await this.prompted();
    const task = [...this.#stdout.matchAll(/^t[0-9a-f]+$/gm)].at(-1)?.[0] ?? '';
    this.#seen = this.#stdout.length;
    this.child.stdin!.write(`${line.replaceAll('TASK', task)}\n`);
    await this.prompted();
    return this.since.slice(0, this.since.lastIndexOf(prompt));
  }
  /** A line that ends the console. */
  async last(line: string): Promise<Spoken> {
    await this.prompted();
    this.child.stdin!.write(`${line}\n`);
    return this.end();
  }
  /** The end of its input. */
  end(): Promise<Spoken> {
    this.child.stdin!.end();
    return within('the end of the console', patienceMs, this.#ended);
  }
  kill(): void {
    this.child.kill('SIGKILL');
  }
}

export async function converse(file: string, steps: readonly Step[], options: { env: Record<string, string | undefined>; cwd: string; args?: readonly string[] }): Promise<Spoken> {
  const dialogue = new Dialogue(file, options.args ?? [], options);
  try {
    for (const step of steps) {
      if (typeof step === 'string') await dialogue.say(step);
      else await dialogue.printed(step.await);
    }
    await dialogue.prompted();
    return await dialogue.end();
  } finally {
    dialogue.kill();
  }
}
