/** Compiles a C source for both sides, with the same flags, when it or a header is newer. */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { build, includeDirectory } from '../lab/paths.js';
import { mustRun } from '../lab/process.js';
import { ourFlags } from './contest.js';

export interface Binaries {
  readonly judge: string;
  readonly ours: string;
}

/** Where the programs of one suite go. */
export function binaryDirectories(suite: string): Binaries {
  const directories = { judge: join(build, 'test/differential', suite, 'judge'), ours: join(build, 'test/differential', suite, 'ours') };
  for (const path of Object.values(directories)) mkdirSync(path, { recursive: true });
  return directories;
}

const age = (path: string): number => (existsSync(path) ? statSync(path).mtimeMs : 0);

export interface CompileOptions {
  flags: readonly string[];
  /** Sources whose change matters too. */
  headers?: readonly string[];
  name?: string;
  /** Further sources of the same program. */
  extra?: readonly string[];
  libraries?: readonly string[];
  /** `cc` unless given. */
  compiler?: string;
}

export async function compile(source: string, into: Binaries, options: CompileOptions): Promise<void> {
  const name = options.name ?? basename(source, extname(source));
  const libraries = [...(options.libraries ?? ['-lgpvm3', '-lpvm3']), '-lm'];
  const header = join(includeDirectory, 'pvm3.h');
  if (!existsSync(header)) throw new Error(`${header} is missing: run \`npm run setup\``);
  const extra = [...(options.extra ?? [])];
  const inputs = [...(options.headers ?? []), ...extra];
  const compiler = options.compiler ?? 'cc';
  await one(compiler, source, join(into.judge, name), [...options.flags, ...extra], libraries, inputs);
  await one(compiler, source, join(into.ours, name), [...options.flags, ...ourFlags, ...extra], libraries, [...inputs, header]);
}

/** Compiles and links one program when an input is newer than it. */
export async function one(compiler: string, source: string, output: string, flags: readonly string[], libraries: readonly string[], inputs: readonly string[] = []): Promise<void> {
  const newest = Math.max(...[source, ...inputs].map(age));
  if (age(output) > newest) return;
  const draft = `${output}.${process.pid}`;
  await mustRun(compiler, [...flags, source, '-o', draft, ...libraries], { timeoutMs: 60_000 });
  renameSync(draft, output);
}
