/**
 * Whether the owner of this machine is at work: a command of the operator's says so (MPVM_OWNER_HOOK
 * in the daemon's environment; it is told the name of the node as MPVM_NODE). It exits with 0 when
 * somebody is, and may print who or since when.
 */
import { execFile } from 'node:child_process';

const limitMs = 2000;
const mostWords = 120;

/** Empty: nobody is, there is no hook, or it did not answer in time. */
export function ownerAtWork(node: string, command = process.env['MPVM_OWNER_HOOK']): Promise<string> {
  if (!command) return Promise.resolve('');
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', command], { env: { ...process.env, MPVM_NODE: node }, timeout: limitMs, encoding: 'utf8', maxBuffer: 65536 }, (error, stdout) => {
      if (error) resolve('');
      else resolve(stdout.split('\n')[0]?.trim().slice(0, mostWords) || 'at work');
    });
  });
}
