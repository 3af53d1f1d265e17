/**
 * How commands end: 0 done, 1 failed, 2 wrong use, 3 partly done or blocked, 4 timed out; and the
 * one place that prints an error.
 */
import { asMpvmError } from '../errors.js';
import type { MpvmError } from '../errors.js';

export const done = 0;
export const failed = 1;
export const wrongUse = 2;
export const blocked = 3;
export const timedOut = 4;

/** Leaves when everything written has reached its reader: a pipe may be slower than we are. */
export function exitWith(code: number): void {
  process.exitCode = code;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

/** One line: what happened; what to do about it. */
export function errorLine(error: MpvmError): string {
  return error.remedy ? `${error.message}; ${error.remedy}` : error.message;
}

/** To the user, on stderr; programs get an object with a code they can rely on. */
export function report(thrown: unknown, json: boolean): MpvmError {
  const error = asMpvmError(thrown);
  const plain = { error: { code: error.code, text: error.message, remedy: error.remedy } };
  process.stderr.write(json ? `${JSON.stringify(plain)}\n` : `mpvm: ${errorLine(error)}\n`);
  if (error.code === 'INTERNAL' && process.env.MPVM_DEBUG && error.cause instanceof Error) {
    process.stderr.write(`${error.cause.stack ?? ''}\n`);
  }
  return error;
}

export function reportAndExit(thrown: unknown, json: boolean): void {
  exitWith(report(thrown, json).exitCode);
}

// A reader that leaves (mpvm ps | head -1) ends us, without a word.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    throw error;
  });
}
