/**
 * Starting a virtual machine from the console, as PVM's console starts pvmd: with the words that
 * pvmd itself takes, which mean nothing when one is running.
 */
import type { Session } from '../cli/session.js';
import { startNodes } from '../cli/up.js';
import { MpvmError } from '../errors.js';

export interface StartOptions {
  /** -nNAME: what the first host is called; empty: as `mpvm up` names it. */
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
  if (options.hostFile !== undefined) throw new MpvmError('NOT_BUILT', { what: 'pvm HOSTFILE' });
  await startNodes(session, 1, () => undefined);
  return false;
}
