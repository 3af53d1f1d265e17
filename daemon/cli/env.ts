/** mpvm env: shell lines that point compilers, programs and PVM's own variables at this libpvm and VM. */
import { join } from 'node:path';
import { projectRoot } from '../native/index.js';
import type { Session } from './session.js';
import { printJson, printLines } from './table.js';

/** For a path variable: ours first, then what was there, without doubles. */
function prepend(variable: string, path: string): string {
  const rest = (process.env[variable] ?? '').split(':').filter((entry) => entry !== '' && entry !== path);
  return [path, ...rest].join(':');
}

export function env(session: Session): Promise<number> {
  const root = projectRoot();
  const lib = join(root, 'build/lib');
  const values: Record<string, string> = {
    PKG_CONFIG_PATH: prepend('PKG_CONFIG_PATH', join(root, 'build/pkgconfig')),
    LD_LIBRARY_PATH: prepend('LD_LIBRARY_PATH', lib),
    PATH: prepend('PATH', join(root, 'bin')),
    // Makefiles of PVM programs find headers and libraries through these two.
    PVM_ROOT: join(root, 'build/pvm3'),
    PVM_ARCH: 'LINUX64',
    MPVM_NAME: session.name,
    MPVM_DIR: session.base,
  };
  if (session.json) {
    printJson(values);
    return Promise.resolve(0);
  }
  const quote = (text: string): string => (/^[\w/.:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
  printLines([
    ...Object.entries(values).map(([name, value]) => `export ${name}=${quote(value)}`),
    '# Where pvm_spawn looks for programs; set it before `mpvm up`, daemons keep what they were started with:',
    `# export PVM_PATH="${process.env.PVM_PATH ?? '$PWD:$PVM_ROOT/bin/$PVM_ARCH'}"`,
  ]);
  return Promise.resolve(0);
}
