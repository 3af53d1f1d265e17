/** Starting a machine of the lab: an init with process, mount, host name and IPC namespaces of its own in a network namespace. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { MpvmError } from '../errors.js';

export interface Init {
  /** As this process counts. When it ends, all that runs in the machine ends. */
  readonly pid: number;
  /** Who waits for it. */
  readonly holder: ChildProcess;
}

/** `prepare`: a shell command that the machine begins with. */
export async function boot(namespace: string, hostname: string, prepare = 'true'): Promise<Init> {
  // bash takes in orphans; a name that means nothing keeps it from being taken for a process of a VM.
  const script = `hostname ${hostname} && ${prepare} && echo up; while :; do sleep 600 & wait $!; done`;
  const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--uts', '--ipc', 'bash', '-c', script];
  const holder = spawn('ip', ['netns', 'exec', namespace, ...unshare], { stdio: ['ignore', 'pipe', 'ignore'], detached: true, cwd: '/', env: { PATH: process.env['PATH'] } });
  await new Promise<void>((resolve, reject) => {
    const failed = (): void => reject(new MpvmError('LAB_IMPOSSIBLE', { detail: `machine ${hostname} did not start` }));
    holder.stdout.once('data', () => resolve());
    holder.once('error', failed);
    holder.once('exit', failed);
  });
  holder.stdout.destroy();
  const pid = Number(readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim().split(' ')[0]);
  return { pid, holder };
}

/** In front of a command that is to run in the machine, in this working directory. */
export function inside(init: number, directory: string): [string, ...string[]] {
  return ['nsenter', '-t', String(init), '-a', `--wd=${directory}`];
}
