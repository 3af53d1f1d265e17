/** A test that cannot run here says why, and is counted as pending. */
import type { Context } from 'mocha';

export function skip(context: Context, reason: string): never {
  const test = context.test ?? context.currentTest;
  if (test) test.title += ` [skipped: ${reason}]`;
  context.skip();
}
