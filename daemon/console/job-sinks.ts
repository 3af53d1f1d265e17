/** Where the lines of a job go: to the one at the console, or into a file. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Front } from './front.js';
import type { JobSink } from './jobs.js';

export function consoleSink(front: Front): JobSink {
  return { line: (text) => front.news(text), close: () => undefined };
}

/** A new file, or the end of one. Throws system errors, EEXIST among them. */
export function fileSink(path: string, append: boolean): JobSink {
  let file: number | undefined = openSync(path, append ? 'a' : 'wx', 0o600);
  return {
    line(text) {
      file ??= openSync(path, 'a', 0o600); // a task that was heard of late
      writeSync(file, text);
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
