/**
 * npm run bench -- SUBJECT [options]
 *
 * A subject is a folder beside this file; its index.ts exports run(args) and returns the exit code.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Subject {
  run(args: readonly string[]): Promise<number>;
}

const here = import.meta.dirname;
const subjects = readdirSync(here).filter((name) => existsSync(join(here, name, 'index.ts')));
const [name = '', ...args] = process.argv.slice(2);
if (subjects.includes(name)) {
  const subject = (await import(pathToFileURL(join(here, name, 'index.ts')).href)) as Subject;
  process.exitCode = await subject.run(args);
} else {
  console.error(`usage: npm run bench -- ${subjects.join('|')} [options]`);
  process.exitCode = 2;
}
