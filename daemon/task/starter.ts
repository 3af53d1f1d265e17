/**
 * Starting processes whose output is captured: own session, stdin /dev/null (or what is given),
 * stdout and stderr one pipe, nothing else open. Used for spawned tasks and for restorers.
 */
import { closeSync, openSync } from 'node:fs';
import { processStartTime, startProcess } from '../native/index.js';
import { closeQuietly, OutputPipe } from './output.js';
import type { Environment } from './program.js';

/** Exit code, signal, and the microseconds of processor time that it has used. */
type End = [code: number, signal: number, userUs: number, systemUs: number];

/** A process that this daemon has started and will be told the end of. */
export class Child {
  #listener: ((...end: End) => void) | undefined;
  #end: End | undefined;

  /** One listener; it is called at once when the end has come already. */
  onEnd(listener: (...end: End) => void): void {
    this.#listener = listener;
    if (this.#end) listener(...this.#end);
  }
  ended(...end: End): void {
    this.#end = end;
    this.#listener?.(...end);
  }
}

export interface Started {
  readonly child: Child;
  readonly pid: number;
  readonly startTime: number;
  readonly pipe: OutputPipe;
  /** The pipe's end for the daemon. */
  readonly reader: number;
}

/** Throws a system error; then nothing of it is left. */
export function start(options: { path: string; argv: string[]; directory: string; environment: Environment; output: string; stdin?: number }): Started {
  const { path, argv, directory, environment, stdin } = options;
  const pipe = OutputPipe.create(options.output);
  let reader: number | undefined;
  let writer: number | undefined;
  let none: number | undefined;
  try {
    reader = pipe.reader();
    writer = pipe.writer();
    if (stdin === undefined) none = openSync('/dev/null', 'r');
    const child = new Child();
    const ended = (...end: End): void => child.ended(...end);
    const pid = startProcess({ path, argv, environment, directory, stdin: stdin ?? none!, output: writer, ended });
    return { child, pid, startTime: processStartTime(pid) ?? 0, pipe, reader };
  } catch (error) {
    closeQuietly(reader);
    pipe.unlink();
    throw error;
  } finally {
    for (const fd of [writer, none]) if (fd !== undefined) closeSync(fd);
  }
}
