/** mpvm kill: a signal to tasks, wherever they run now. */
import { constants } from 'node:os';
import { MpvmError } from '../errors.js';
import { blocked, done, report } from './exit.js';
import type { Session } from './session.js';
import { expectOk } from './status.js';
import { printJson, printLines } from './table.js';
import { formatTid, parseTids } from './tid.js';

function signalNumber(text: string): number {
  const name = text.toUpperCase().replace(/^(SIG)?/, 'SIG');
  const number = /^\d+$/.test(text) ? Number(text) : (constants.signals as Record<string, number>)[name];
  if (number === undefined || number < 1 || number > 64) throw new MpvmError('BAD_REQUEST', { detail: `there is no signal "${text}"; \`kill -l\` lists them` });
  return number;
}

export async function kill(session: Session, texts: string[], options: { signal: string }): Promise<number> {
  const signum = signalNumber(options.signal);
  const client = await session.control();
  const tids = parseTids(texts);
  const sent: string[] = [];
  let last: MpvmError | undefined;
  for (const tid of tids) {
    try {
      expectOk(await client.signal({ tid, signum }));
      sent.push(formatTid(tid));
    } catch (error) {
      last = report(error, session.json);
    }
  }
  if (session.json) printJson({ signalled: sent });
  else printLines(sent.map((tid) => `${tid} signalled`));
  if (!last) return done;
  return sent.length > 0 ? blocked : last.exitCode;
}
