/** mpvm explain: can this task move, and if not, why. Nothing is done to the task. */
import { blocked, done } from './exit.js';
import { bytes, milliseconds, paint } from './format.js';
import type { Session } from './session.js';
import { blockerShape } from './shapes.js';
import type { BlockerShape } from './shapes.js';
import { expectOk } from './status.js';
import { printJson, printLines, table } from './table.js';
import { formatTid, parseTid } from './tid.js';

interface Options {
  to?: string;
  engine: string;
}

export async function explain(session: Session, text: string, options: Options): Promise<number> {
  const tid = parseTid(text);
  const client = await session.control();
  const reply = await client.explain({ tid, to: options.to ?? '', engine: options.engine }, { timeoutMs: 30_000 });
  expectOk(reply.status);
  const all = (reply.blockers).map(blockerShape);
  const hindrances = all.filter((blocker) => !blocker.warning);
  const movable = hindrances.length === 0;
  if (session.json) {
    printJson({
      tid: formatTid(tid),
      to: options.to ?? null,
      movable,
      engine: reply.engine,
      tracking: reply.tracking,
      engineReason: reply.engineReason,
      predictedBytes: reply.predictedBytes,
      predictedMs: (reply.predictedUs) / 1000,
      predictedDowntimeMs: (reply.predictedDowntimeUs) / 1000,
      blockers: all,
    });
    return movable ? done : blocked;
  }
  const where = options.to ? ` to ${options.to}` : '';
  if (movable) {
    printLines([
      `${paint('bold', formatTid(tid))} ${paint('green', `can move${where}`)} with the ${reply.engine || 'native'} engine: about ` +
        `${bytes(reply.predictedBytes)} in ${milliseconds((reply.predictedUs) / 1000)}, standing still for ${milliseconds((reply.predictedDowntimeUs) / 1000)}${reply.tracking ? `; writes are found by ${reply.tracking}` : ''}`,
    ]);
  } else {
    printLines([`${paint('bold', formatTid(tid))} ${paint('red', `cannot move${where}`)}:`]);
  }
  if (movable && reply.engineReason) printLines([`  because ${reply.engineReason}`]);
  if (all.length > 0) printLines(checks(all));
  return movable ? done : blocked;
}

function checks(blockers: BlockerShape[]): string[] {
  return table(
    [
      { title: 'CHECK', cell: (b) => b.code },
      { title: 'RESULT', cell: (b) => (b.warning ? paint('yellow', 'warning') : paint('red', 'blocks')) },
      { title: 'ENGINE', cell: (b) => b.engine || '-' },
      { title: 'AT', cell: (b) => b.side },
      { title: 'CAUSE', cell: (b) => b.cause },
      { title: 'REMEDY', cell: (b) => b.remedy || '-' },
    ],
    blockers,
  );
}
