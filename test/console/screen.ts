/** A program in a terminal of its own (tmux): keys in, and what the screen shows. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mustRun, run } from '../lab/process.js';
import { until } from '../lab/wait.js';

/** Why there can be no terminal here, or undefined. */
export function terminalMissing(): string | undefined {
  return existsSync('/usr/bin/tmux') ? undefined : "Debian's tmux not installed";
}

export class Screen {
  readonly #socket = `mpvm-${randomBytes(6).toString('hex')}`;
  readonly #env: Record<string, string | undefined>;

  private constructor(env: Record<string, string | undefined>) {
    this.#env = { ...env, TERM: 'xterm', TMUX: undefined };
  }

  /** A shell. */
  static async open(options: { env: Record<string, string | undefined>; cwd: string }): Promise<Screen> {
    const screen = new Screen({ ...options.env, PS1: 'shell> ', HISTFILE: undefined });
    await screen.#tmux('-f', '/dev/null', 'new-session', '-d', '-s', 't', '-x', '100', '-y', '40', '-c', options.cwd, '/bin/bash', '--norc', '--noprofile');
    try {
      await screen.shows('shell>');
    } catch (error) {
      await screen.close();
      throw error;
    }
    return screen;
  }

  async #tmux(...args: string[]): Promise<string> {
    return (await mustRun('tmux', ['-L', this.#socket, ...args], { env: this.#env })).stdout;
  }

  /** Types text. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-t', 't', '-l', text);
  }
  /** Presses keys by their names: Enter, Tab, Up, C-c. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', '-t', 't', ...keys);
  }
  async enter(line: string): Promise<void> {
    await this.type(line);
    await this.press('Enter');
  }

  /** Lines on the screen, without what is empty below. */
  async lines(): Promise<string[]> {
    return (await this.#tmux('capture-pane', '-p', '-t', 't')).trimEnd().split('\n').map((line) => line.trimEnd());
  }
  async shows(what: string | ((lines: string[]) => boolean)): Promise<string[]> {
    let seen: string[] = [];
    try {
      return await until(`the screen to show ${String(what)}`, async () => {
        seen = await this.lines();
        return (typeof what === 'string' ? seen.some((line) => line.includes(what)) : what(seen)) && seen;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}; it shows\n${seen.join('\n')}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await run('tmux', ['-L', this.#socket, 'kill-server'], { env: this.#env });
  }
}
