/** mpvm cordon, mpvm uncordon: may new tasks start or arrive on a node? Saying it twice does no harm. */
import { userInfo } from 'node:os';
import { MpvmError } from '../errors.js';
import { blocked, done, report } from './exit.js';
import { nodeList } from './nodes.js';
import type { Session } from './session.js';
import { expectOk } from './status.js';
import { printJson, printLines } from './table.js';

export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}

export function cordon(session: Session, names: string[], options: { reason?: string }): Promise<number> {
  return setCordon(session, names, true, options.reason ?? '');
}
export function uncordon(session: Session, names: string[]): Promise<number> {
  return setCordon(session, names, false, '');
}

async function setCordon(session: Session, names: string[], cordoned: boolean, reason: string): Promise<number> {
  const verb = cordoned ? 'cordoned' : 'uncordoned';
  const client = await session.control();
  const before = new Map((await nodeList(session)).map((node) => [node.name, node]));
  const lines: { node: string; cordoned: boolean; changed: boolean }[] = [];
  let last: MpvmError | undefined;
  for (const node of new Set(names)) {
    try {
      const known = before.get(node);
      if (!known) throw new MpvmError('NODE_UNKNOWN', { node });
      const changed = known.cordoned !== cordoned || (cordoned && reason !== '' && reason !== known.cordonReason);
      if (changed) expectOk(await client.cordon({ node, cordoned, reason, user: userName() }));
      lines.push({ node, cordoned, changed });
    } catch (error) {
      last = report(error, session.json);
    }
  }
  if (session.json) printJson(lines);
  else printLines(lines.map(({ node, changed }) => `node/${node} ${changed ? '' : 'already '}${verb}`));
  if (!last) return done;
  return lines.length > 0 ? blocked : last.exitCode;
}
