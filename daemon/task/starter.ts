/**
 * Starting processes whose output is captured: own session, stdin /dev/null, stdout and stderr
 * one pipe, nothing else open. Used for spawned tasks and for restorers.
 */
import { spawn as startProcess, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { processStartTime } from '../native/index.js';
import { closeQuietly, OutputPipe } from './output.js';
import type { Environment } from './program.js';

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly startTime: number;
  readonly pipe: OutputPipe;
  /** The pipe's end for the daemon. */
  readonly reader: number;
}

/** The program does not run; nothing of it is left. Node tells why a moment later. */
export class StartFailure extends Error {
  readonly why: Promise<Error>;
  constructor(path: string, why: Promise<Error>) {
    super(`${path} cannot be started`);
    this.why = why;
  }
}

/** Throws StartFailure or a system error. */
export function start(options: { path: string; argv: string[]; directory: string; environment: Environment; output: string }): Started {
  const pipe = OutputPipe.create(options.output);
  let reader: number | undefined;
  let writer: number | undefined;
  let none: number | undefined;
  try {
    reader = pipe.reader();
    writer = pipe.writer();
    none = openSync('/dev/null', 'r');
    const child = startProcess(options.path, options.argv, {
      cwd: options.directory,
      env: options.environment,
      detached: true,
      stdio: [none, writer, writer],
    });
    const failed = new Promise<Error>((resolve) => child.once('error', resolve));
    if (child.pid === undefined) throw new StartFailure(options.path, failed);
    child.on('error', () => undefined);
    const startTime = processStartTime(child.pid) ?? 0;
    return { child, pid: child.pid, startTime, pipe, reader };
  } catch (error) {
    closeQuietly(reader);
    pipe.unlink();
    throw error;
  } finally {
    for (const fd of [writer, none]) if (fd !== undefined) closeSync(fd);
  }
}
