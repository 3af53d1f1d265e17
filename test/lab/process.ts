/** Child processes: run to the end with a deadline, or kept with their output at hand. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

export interface RunOptions {
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Text for stdin; without it stdin is /dev/null. */
  input?: string;
  /** Stdin stays open: whoever started it writes to child.stdin. */
  talk?: boolean;
  /** After so long the process group is killed and the result says timedOut. */
  timeoutMs?: number;
  /** More output than this ends the process: a program that prints without end must not fill the memory. */
  outputLimit?: number;
}
export interface Result {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
  stdout = '';
  stderr = '';
  #timedOut = false;
  readonly #listeners = new Set<() => void>();

  constructor(file: string, args: readonly string[], options: RunOptions = {}) {
    const limit = options.outputLimit ?? 16 << 20;
    // A group of its own: what it starts can be ended with it.
    this.child = spawn(file, args, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      detached: true,
      stdio: [options.input === undefined && !options.talk ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => {
      this.#timedOut = true;
      this.kill('SIGKILL');
    }, options.timeoutMs ?? 30_000);
    const take = (name: 'stdout' | 'stderr') => (chunk: string) => {
      this[name] += chunk;
      if (this[name].length > limit) this.kill('SIGKILL');
      for (const listener of this.#listeners) listener();
    };
    this.child.stdout?.setEncoding('utf8').on('data', take('stdout'));
    this.child.stderr?.setEncoding('utf8').on('data', take('stderr'));
    this.child.stdin?.on('error', () => undefined);
    if (options.input !== undefined) this.child.stdin?.end(options.input);
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      this.child.on('exit', () => {
        // A grandchild may hold the pipes for ever: what has come half a second later is the output.
        setTimeout(() => {
          this.child.stdout?.destroy();
          this.child.stderr?.destroy();
        }, 500).unref();
      });
      this.child.on('close', (code, signal) => {
        clearTimeout(timer);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, timedOut: this.#timedOut });
        for (const listener of this.#listeners) listener();
      });
    });
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    try {
      if (this.child.pid) process.kill(-this.child.pid, signal);
    } catch {
      // it has ended already
    }
  }

  /** Waits until stdout holds `text`; rejects when the process ends without it. */
  printed(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const there = this.stdout.includes(text);
        const over = this.child.exitCode !== null || this.child.signalCode !== null;
        if (!there && !over) return;
        if (!there && !this.child.stdout?.closed) return;
        this.#listeners.delete(look);
        if (there) resolve();
        else reject(new Error(`ended (${this.child.exitCode ?? this.child.signalCode}) without printing "${text}":\n${this.stdout}${this.stderr}`));
      };
      this.#listeners.add(look);
      look();
    });
  }
}

export async function run(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Result> {
  return await new Running(file, args, options).ended;
}

/** For what must work before a test can begin. */
export async function mustRun(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Result> {
  const result = await run(file, args, options);
  if (result.code !== 0) {
    throw new Error(`${file} ${args.join(' ')}: ${result.timedOut ? 'timed out' : `exit ${result.code ?? result.signal}`}\n${result.stdout}${result.stderr}`);
  }
  return result;
}
