/** mpvm limit: what moves from a node may take of the network, all together, while they copy memory. Kept with the node. */
import { MpvmError } from '../errors.js';
import { blocked, done, report } from './exit.js';
import { nodeList } from './nodes.js';
import type { Session } from './session.js';
import { printJson, printLines } from './table.js';

const bytesPerMegabit = 1e6 / 8;

export async function limit(session: Session, names: string[], options: { mbps?: number }): Promise<number> {
  const client = await session.control();
  const known = new Set((await nodeList(session)).map(({ name }) => name));
  const lines: { node: string; mbps: number }[] = [];
  let last: MpvmError | undefined;
  for (const node of new Set(names)) {
    try {
      if (!known.has(node)) throw new MpvmError('NODE_UNKNOWN', { node });
      const reply = await client.limit({ node, set: options.mbps !== undefined, bytesPerSecond: (options.mbps ?? 0) * bytesPerMegabit });
      lines.push({ node, mbps: reply.bytesPerSecond / bytesPerMegabit });
    } catch (error) {
      last = report(error, session.json);
    }
  }
  if (session.json) printJson(lines);
  else printLines(lines.map(({ node, mbps }) => `node/${node} ${mbps === 0 ? 'no limit' : `${mbps} Mbit/s`}`));
  if (!last) return done;
  return lines.length > 0 ? blocked : last.exitCode;
}
