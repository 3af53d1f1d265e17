/** Where things are in a checkout. */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const build = join(root, 'build');
export const command = join(root, 'bin/mpvm');
/** Our library, its header, and the programs of test/programs linked with it. */
export const libraryDirectory = join(build, 'lib');
export const includeDirectory = join(build, 'include');
export const programs = join(build, 'test/programs');
