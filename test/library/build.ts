/** The programs of test/library/programs, built when a test first wants one. */
import { mkdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { one } from '../differential/compile.js';
import { build, includeDirectory, libraryDirectory, root } from '../lab/paths.js';

const folder = join(root, 'test/library/programs');
export const into = join(build, 'test/library');
export const source = (name: string): string => join(folder, name);

const compilers: Record<string, string> = { '.c': 'gcc', '.cc': 'g++', '.f90': 'gfortran' };

/** Path of the program. `name` tells builds of one source apart. */
export async function buildOne(file: string, name: string, flags: readonly string[] = []): Promise<string> {
  mkdirSync(into, { recursive: true });
  const extension = extname(file);
  const libraries = [...(extension === '.f90' ? ['-lfpvm3'] : []), '-lgpvm3', '-lpvm3'];
  const files = flags.some((flag) => flag.startsWith('-static')) ? ['libpvm3.a', 'libfpvm3.a'] : ['libpvm3.so.3'];
  const output = join(into, name);
  // pvmfpack takes values of any type, which gfortran allows when asked to.
  const language = extension === '.f90' ? ['-fallow-argument-mismatch', '-w'] : ['-Wall'];
  const all = ['-O1', '-g', ...language, ...flags, `-I${includeDirectory}`, `-L${libraryDirectory}`];
  await one(compilers[extension] ?? 'cc', source(file), output, all, libraries, files.map((library) => join(libraryDirectory, library)));
  return output;
}
