/** Debian's PVM 3.4.6, started for a test in a directory of its own: its behaviour is the specification. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { killAll, processesOf } from '../lab/leftovers.js';
import { mustRun, run, Running } from '../lab/process.js';
import type { Result, RunOptions } from '../lab/process.js';
import { until } from '../lab/wait.js';

/** Why the judge cannot sit on this machine, or undefined. */
export function judgeMissing(): string | undefined {
  const needed = { '/usr/bin/pvmd': 'pvm', '/usr/include/pvm3.h': 'pvm-dev', '/usr/share/doc/pvm-examples/examples.tar.gz': 'pvm-examples' };
  const gone = Object.entries(needed).filter(([path]) => !existsSync(path)).map(([, name]) => name);
  return gone.length > 0 ? `Debian's ${gone.join(', ')} not installed` : undefined;
}

/** One of the two PVMs a program is run on. */
export interface Side {
  readonly name: string;
  readonly env: Record<string, string | undefined>;
  run(file: string, args?: readonly string[], options?: RunOptions): Promise<Result>;
  start(file: string, args?: readonly string[], options?: RunOptions): Running;
}

export class Judge implements Side {
  readonly name = 'PVM 3.4.6';
  readonly directory: string;
  readonly env: Record<string, string>;

  private constructor(path: readonly string[]) {
    this.directory = mkdtempSync(join(tmpdir(), 'mpvm-judge-'));
    const own = Object.fromEntries(Object.entries(process.env).filter(([name, value]) => value !== undefined && !/^M?PVM|^LD_/.test(name))) as Record<string, string>;
    this.env = {
      ...own,
      HOME: this.directory, // no ~/.pvmrc
      PVM_ROOT: '/usr/lib/pvm3',
      PVM_ARCH: 'LINUX64',
      PVM_TMP: this.directory,
      PVM_ALLOW_ROOT: '1',
      PVM_PATH: [...path, join(this.directory, 'bin')].join(delimiter),
    };
  }

  /** `path`: where pvm_spawn finds programs. */
  static async start(path: readonly string[]): Promise<Judge> {
    const judge = new Judge(path);
    // The group server is the one program of Debian's that has to be found beside those under test.
    mkdirSync(join(judge.directory, 'bin'));
    symlinkSync('/usr/bin/pvmgs', join(judge.directory, 'bin/pvmgs'));
    // The console starts the daemon and leaves it behind.
    await mustRun('/usr/bin/pvm', ['-nlocalhost'], { env: judge.env, input: 'quit\n', timeoutMs: 20_000 });
    await until('the address of the judge', () => existsSync(join(judge.directory, `pvmd.${process.getuid?.() ?? 0}`)));
    return judge;
  }

  run(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Result> {
    return run(file, args, { cwd: this.directory, ...options, env: { ...this.env, ...options.env } });
  }
  start(file: string, args: readonly string[] = [], options: RunOptions = {}): Running {
    return new Running(file, args, { cwd: this.directory, ...options, env: { ...this.env, ...options.env } });
  }

  async stop(): Promise<void> {
    await run('/usr/bin/pvm', [], { env: this.env, input: 'halt\n', timeoutMs: 10_000 }); // the console is killed with it
    await until('the end of the judge', () => {
      const remains = processesOf(this.directory);
      killAll(remains);
      return remains.length === 0;
    });
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** What tasks printed that nobody collected. */
  log(): string {
    const path = join(this.directory, `pvml.${process.getuid?.() ?? 0}`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }
}
