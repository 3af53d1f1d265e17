/** Running criu: where (beside us, or in the namespaces of a process), with which descriptors, and what it says when it fails. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MpvmError } from '../../errors.js';
import { programs } from '../../programs.js';
import type { Criu } from './probe.js';

export interface CriuJob {
  criu: Criu;
  /** dump, restore … */
  verb: string;
  args: readonly string[];
  /** Of its images, and of its log. */
  folder: string;
  /** They become 3, 4 … of its own. */
  descriptors?: readonly number[];
  /** In the PID and mount namespaces of this process. */
  inside?: number | undefined;
  /** Criu leaves this process stopped; it goes on as soon as criu has ended, whether this daemon lives or not. */
  letGoOn?: number | undefined;
  /** For the text of an error. */
  node: string;
}

export interface RunningCriu {
  /** Throws CRIU_FAILED with what its log says last. */
  readonly ended: Promise<void>;
  kill(): void;
  readonly pid: number | undefined;
}

/** What goes wrong when criu tries something that this machine does not let it have, and goes on without. */
const harmless = /RLIMIT_NOFILE|Hardware breakpoints/;

export async function startCriu({ criu, verb, args, folder, descriptors = [], inside, letGoOn, node }: CriuJob): Promise<RunningCriu> {
  const log = `${verb}.log`;
  const words = [criu.command, verb, '--images-dir', folder, '--log-file', log, '-v2', '--manage-cgroups=ignore', ...args];
  const entered = inside === undefined ? words : ['nsenter', '--target', String(inside), '--pid', '--mount', '--', ...words];
  const all = letGoOn === undefined ? entered : ['sh', '-c', '"$@"; status=$?; kill -CONT "$0"; exit $status', String(letGoOn), ...entered];
  const { execa } = await programs();
  const child = execa(all[0]!, all.slice(1), {
    reject: false,
    // A daemon that ends does not take criu along: it could leave the task in the middle of something.
    cleanup: false,
    detached: true,
    // Its types know descriptors up to 9 only.
    stdio: ['ignore', 'ignore', 'ignore', ...(descriptors as 3[])],
    cwd: '/',
  });
  const failed = (why: string): MpvmError => new MpvmError('CRIU_FAILED', { what: verb, node, detail: complaint(join(folder, log)) || why });
  return {
    pid: child.pid,
    kill() {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL'); // a group of its own
      } catch {
        // it has ended
      }
    },
    ended: child.then(({ exitCode, signal, shortMessage }) => {
      if (exitCode === 0) return;
      throw failed(signal ? `it was ended by ${signal}` : exitCode === undefined ? (shortMessage ?? 'it did not start') : `it ended with code ${exitCode}`);
    }),
  };
}

/** The first errors name the cause; those after them, who had to give up because of it. */
function complaint(log: string): string {
  try {
    const errors = readFileSync(log, 'utf8').split('\n').filter((line) => line.includes('Error') && !harmless.test(line));
    return errors.slice(0, 2).map((line) => line.replace(/^\([\d.]+\)\s*(\d+:\s*)?Error\s*\([^)]*\):\s*/, '').trim()).join('; ');
  } catch {
    return '';
  }
}
