/** The C programs of test/programs, built once a run against our library. */
import { join } from 'node:path';
import { programs, root } from './paths.js';
import { mustRun } from './process.js';

let built: Promise<unknown> | undefined;

export async function buildPrograms(): Promise<void> {
  built ??= mustRun('make', ['-s', '-C', join(root, 'test/programs')], { timeoutMs: 120_000 });
  await built;
}

/** Path of a test program. */
export function program(name: string): string {
  return join(programs, name);
}
