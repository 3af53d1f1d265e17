/** mpvm lab: what becomes of the cables of a lab (mpvm up --lab). */
import { MpvmError } from '../errors.js';
import { Lab } from '../lab/lab.js';
import { plural } from './format.js';
import type { Session } from './session.js';
import { printJson } from './table.js';

const verbs: Readonly<Record<string, { plugged: boolean; said: string }>> = {
  cut: { plugged: false, said: 'pulled' },
  mend: { plugged: true, said: 'put back' },
};

export async function lab(session: Session, verb: string, names: string[]): Promise<number> {
  const deed = verbs[verb];
  if (!deed) throw new MpvmError('BAD_REQUEST', { detail: `mpvm lab knows ${Object.keys(verbs).join(' and ')}, not ${verb}` });
  const found = Lab.of(session.directory);
  if (!found) throw new MpvmError('NO_LAB', { name: session.name });
  // Their directories are here, also of nodes that nobody reaches at the moment.
  for (const node of names) if (!session.localNodes().includes(node)) throw new MpvmError('NODE_UNKNOWN', { node });
  for (const node of names) found.plug(node, deed.plugged);
  if (session.json) printJson({ nodes: names, plugged: deed.plugged });
  else process.stdout.write(`${plural(names.length, 'cable')} ${deed.said}: ${names.join(', ')}\n`);
  return await Promise.resolve(0);
}
