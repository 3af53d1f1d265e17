/**
 * mpvm run: start a program, show its output, wait, and end as it did. Ctrl-C ends its tasks: the
 * daemon kills them when this call is cancelled.
 */
import { constants } from 'node:os';
import { MpvmError, hasCode } from '../errors.js';
import { expectUsable } from './nodes.js';
import { programPath, userEnvironment } from './program.js';
import type { Session } from './session.js';
import { spawnError } from './spawn.js';
import { expectOk } from './status.js';
import { formatTid } from './tid.js';

interface Options {
  count: number;
  node?: string;
  cpuBaseline?: boolean;
}

export async function run(session: Session, program: string, argv: string[], options: Options): Promise<number> {
  const client = await session.control();
  if (options.node !== undefined) await expectUsable(session, options.node);
  const abort = new AbortController();
  let interrupted: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted ??= signal;
      abort.abort();
    });
  }
  const request = {
    program: programPath(program),
    argv,
    count: options.count,
    node: options.node ?? '',
    environment: userEnvironment(options.cpuBaseline),
    directory: process.cwd(),
  };
  const codes: number[] = [];
  const print = printer(options.count > 1);
  try {
    for await (const event of client.run(request, { signal: abort.signal })) {
      if (event.started) started(session, program, event.started.tids ?? [], options.count);
      else if (event.output) print.output(event.output.tid ?? 0, event.output.data ?? new Uint8Array());
      else if (event.ended) codes.push(exitCode(event.ended.code ?? 0, event.ended.signal ?? ''));
      else if (event.failed) expectOk(event.failed);
    }
  } catch (error) {
    if (!interrupted || !hasCode(error, 'CANCELLED')) {
      // PVM's own answer for a program that none of its places has.
      if (error instanceof MpvmError && error.code === 'SPAWN_FAILED' && / -7\b/.test(error.message)) throw spawnError(program, -7);
      throw error;
    }
  } finally {
    print.end();
  }
  if (interrupted) return 128 + constants.signals[interrupted];
  return Math.max(0, ...codes);
}

function started(session: Session, program: string, tids: number[], count: number): void {
  if (session.json) process.stderr.write(`${JSON.stringify({ tids: tids.map(formatTid) })}\n`);
  if (tids.length < count) process.stderr.write(`mpvm: started ${tids.length} of ${count} tasks of ${program}\n`);
}

/** As a shell says it: 128 + the signal that ended it. */
function exitCode(code: number, signal: string): number {
  const number = constants.signals[signal as NodeJS.Signals] as number | undefined;
  return number === undefined ? code : 128 + number;
}

/** One task: its bytes as they are. Several: whole lines, each with the task's id, as PVM prints them. */
function printer(prefixed: boolean) {
  const rest = new Map<number, Buffer>();
  const line = (tid: number, bytes: Buffer): void => {
    process.stdout.write(`[${formatTid(tid)}] `);
    process.stdout.write(bytes);
  };
  return {
    output(tid: number, data: Uint8Array): void {
      if (!prefixed) {
        process.stdout.write(data);
        return;
      }
      let bytes = Buffer.concat([rest.get(tid) ?? Buffer.alloc(0), data]);
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
        line(tid, bytes.subarray(0, end + 1));
        bytes = bytes.subarray(end + 1);
      }
      rest.set(tid, Buffer.from(bytes));
    },
    end(): void {
      for (const [tid, bytes] of rest) if (bytes.length > 0) line(tid, Buffer.concat([bytes, Buffer.from('\n')]));
    },
  };
}
