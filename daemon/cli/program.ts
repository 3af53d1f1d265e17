/** Which program a user means, and what of the user's surroundings goes with it. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { wantsBaseline } from '../schedule/baseline.js';

/**
 * A name with a slash is a path from here. Without one PVM looks for it on each node (PVM_PATH);
 * but who types the name of a program that lies in this very directory means that one, if PVM's
 * places are not set.
 */
export function programPath(name: string): string {
  if (name.includes('/')) return resolve(name);
  if (!process.env.PVM_PATH && isProgram(resolve(name))) return resolve(name);
  return name;
}

function isProgram(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.isFile() && (found.mode & 0o111) !== 0;
}

/** What must not come from the shell: it says where a task belongs, and the daemon sets it. */
const ours = /^(PVMSOCK|PVMEPID|PVMCTX|PVMTMASK|PVMTRCBUF|PVMTRCOPT|MPVM_NODE|_|SHLVL|OLDPWD)=/;

export function userEnvironment(cpuBaseline = false): string[] {
  return Object.entries(process.env)
    .map(([name, value]) => `${name}=${value ?? ''}`)
    .filter((entry) => !ours.test(entry))
    .concat(cpuBaseline ? [`${wantsBaseline}=1`] : []);
}
