/**
 * Starting a virtual machine from the console, as PVM's console starts pvmd: with the words that
 * pvmd itself takes, which mean nothing when one is running.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '../cli/session.js';
import { startNodes } from '../cli/up.js';
import { errnoOf, MpvmError } from '../errors.js';
import { projectRoot } from '../native/index.js';

export interface StartOptions {
  /** -nNAME: what the first host is called, and the address it is reached at; empty: as `mpvm up` chooses. */
  readonly host: string;
  readonly hostFile: string | undefined;
  /** -dMASK: what pvmd would write into its log. Any makes the daemon's log detailed. */
  readonly debug: number;
}

export function readOptions(words: readonly string[]): StartOptions {
  let host = '';
  let debug = 0;
  const files: string[] = [];
  for (const word of words) {
    if (word.startsWith('-n')) host = word.slice(2);
    else if (word.startsWith('-d')) debug = Number(word.slice(2)) || 0;
    else files.push(word);
  }
  if (files.length > 1) throw new MpvmError('BAD_REQUEST', { detail: `one host file at most: ${files.join(', ')}` });
  return { host, debug, hostFile: files[0] };
}

/** True when one was running before. */
export async function startIfDown(session: Session, options: StartOptions): Promise<boolean> {
  if (await session.controlIfUp()) return true;
  if (options.debug !== 0) process.env['MPVM_LOG'] = 'debug';
  const text = hostLines(options);
  if (text === '') await startNodes(session, 1, () => undefined);
  else await withHosts(session, text);
  return false;
}

/** The first host is named by a line of a host file, too. */
function hostLines({ host, hostFile }: StartOptions): string {
  const own = host === '' ? '' : `${host}\n`;
  if (hostFile === undefined) return own;
  try {
    return own + readFileSync(hostFile, 'utf8');
  } catch (error) {
    throw new MpvmError('BAD_REQUEST', { detail: `the host file ${hostFile} cannot be read: ${errnoOf(error) ?? String(error)}` });
  }
}

/** By `mpvm up`, which says on stderr which hosts have not come: the others do. */
async function withHosts(session: Session, text: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'mpvm-hosts-'));
  try {
    const file = join(directory, 'hostfile');
    writeFileSync(file, text);
    const words = [join(projectRoot(), 'bin/mpvm'), 'up', '--hostfile', file, '--name', session.name];
    await new Promise<void>((resolve, reject) => {
      const child = spawn(process.execPath, words, { env: { ...process.env, MPVM_DIR: session.base }, stdio: ['ignore', 'ignore', 'inherit'] });
      child.once('error', reject);
      child.once('close', () => resolve());
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  await session.control(); // throws NO_VM
}
