/** Where the lines of a job go: to the one at the console, or into a file. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import type { Front } from './front.js';
import type { JobSink } from './jobs.js';

export function consoleSink(front: Front): JobSink {
  return { line: (text) => front.news(text), close: () => undefined };
}

const texts: Record<string, string> = {
  EEXIST: 'File exists',
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EISDIR: 'Is a directory',
  ENOSPC: 'No space left on device',
};
export const fileError = (path: string, error: unknown): string => `${path}: ${texts[errnoOf(error) ?? ''] ?? errnoOf(error) ?? String(error)}\n`;

/** A new file, or the end of one. Throws system errors, EEXIST among them; later ones are said, and the rest is lost. */
export function fileSink(path: string, append: boolean, complain: (text: string) => void): JobSink {
  let file: number | undefined = openSync(path, append ? 'a' : 'wx', 0o600);
  let broken = false;
  return {
    line(text) {
      if (broken) return;
      try {
        file ??= openSync(path, 'a', 0o600); // a task that was heard of late
        writeSync(file, text);
      } catch (error) {
        broken = true;
        complain(fileError(path, error));
      }
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
