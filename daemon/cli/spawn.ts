/** mpvm spawn: start a program and print the ids of its tasks. */
import { MpvmError } from '../errors.js';
import { blocked, done } from './exit.js';
import { pvmError } from './pvm-codes.js';
import type { Session } from './session.js';
import { expectOk } from './status.js';
import { printJson, printLines } from './table.js';
import { formatTid } from './tid.js';
import { expectUsable } from './nodes.js';
import { programPath, userEnvironment } from './program.js';

interface Options {
  count: number;
  node?: string;
  cpuBaseline?: boolean;
  engine?: string;
}

export async function spawn(session: Session, program: string, argv: string[], options: Options): Promise<number> {
  const client = await session.control();
  if (options.node !== undefined) await expectUsable(session, options.node);
  const reply = await client.spawn(
    {
      program: programPath(program),
      argv,
      count: options.count,
      node: options.node ?? '',
      engine: options.engine ?? 'auto',
      environment: userEnvironment(options.cpuBaseline),
      directory: process.cwd(),
    },
    { timeoutMs: 30_000 },
  );
  const started = reply.tids.filter((tid) => tid > 0);
  const codes = reply.tids.filter((tid) => tid < 0);
  if (started.length === 0) {
    expectOk(reply.status);
    throw spawnError(program, codes[0] ?? 0);
  }
  if (session.json) printJson({ tids: started.map(formatTid), errors: codes.map(pvmError) });
  else printLines(started.map(formatTid));
  if (codes.length === 0) return done;
  if (!session.json) process.stderr.write(`mpvm: started ${started.length} of ${options.count}; ${spawnError(program, codes[0] ?? 0).message}\n`);
  return blocked;
}

export function spawnError(program: string, code: number): MpvmError {
  if (code === -7) return new MpvmError('NO_PROGRAM', { program });
  return new MpvmError('SPAWN_FAILED', { program, detail: pvmError(code) });
}
