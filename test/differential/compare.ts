/** Two results, masked: exit code, stdout, stderr. */
import assert from 'node:assert/strict';
import { normalise } from './normalise.js';
import type { Mask } from './normalise.js';
import type { Result } from '../lab/process.js';
import type { Side } from './judge.js';

export interface Drive extends Mask {
  args?: readonly string[];
  stdin?: string;
  timeoutMs?: number;
  /** Its exit code is undefined, by a main() that returns nothing. */
  anyCode?: boolean;
  /** What it says on stderr depends on the order of events. */
  anyStderr?: boolean;
}

function shown(result: Result, drive: Drive, paths: readonly string[]): string {
  const mask = { ...drive, paths: [...(drive.paths ?? []), ...paths] };
  const end = result.timedOut ? 'timed out' : drive.anyCode && result.code !== null ? 'exit <any>' : `exit ${result.code ?? result.signal}`;
  return [end, normalise(result.stdout, mask), ...(drive.anyStderr ? [] : ['-- stderr', normalise(result.stderr, mask)])].join('\n');
}

export async function compareOn(judge: Side, ours: Side, files: { judge: string; ours: string }, drive: Drive, paths: readonly string[] = []): Promise<string> {
  const options = { input: drive.stdin, timeoutMs: drive.timeoutMs ?? 20_000 };
  const expected = await judge.run(files.judge, drive.args, options);
  assert.equal(expected.timedOut, false, `the judge itself does not finish:\n${expected.stdout.slice(-500)}${expected.stderr.slice(-500)}`);
  const got = await ours.run(files.ours, drive.args, options);
  const text = shown(expected, drive, paths);
  assert.equal(shown(got, drive, paths), text, `${ours.name} differs from ${judge.name}`);
  return text;
}
