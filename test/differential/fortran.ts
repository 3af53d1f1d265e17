/** The Fortran programs of pvm-examples, and ours in fortran/, for both sides. */
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { includeDirectory, libraryDirectory, root } from '../lab/paths.js';
import { mustRun, run } from '../lab/process.js';
import type { Example } from './examples.js';
import { binaryDirectories, one } from './compile.js';
import type { Binaries } from './compile.js';
import { judgeMissing } from './judge.js';

export const fortranFolder = join(root, 'test/differential/fortran');
const probesFolder = join(fortranFolder, 'probes');
export const fortranProbes = readdirSync(probesFolder).map((name) => name.replace(/\.f$/, '')).sort();

/** The names that the programs spawn each other by. */
const sources = {
  fmaster1: 'examples/master1.f', fslave1: 'examples/slave1.f', fspmd: 'examples/spmd.f', hitc: 'examples/hitc.f',
  hitc_slave: 'examples/hitc_slave.f', fgexample: 'examples/gexample.f', frsg: 'gexamples/frsg.f',
};

export const fortranExamples: Example[] = [
  { title: 'hitc: a pool of tasks', program: 'hitc', drive: { sorted: true } },
  { title: 'fmaster1: a master and its slaves', program: 'fmaster1', drive: { stdin: '3\n', sorted: true } },
  { title: 'fspmd from a shell', program: 'fspmd', drive: {} },
  { title: 'fgexample: groups (5 x 5 on 3)', program: 'fgexample', drive: { stdin: '5\n3\n' } },
  { title: 'fgexample: alone', program: 'fgexample', drive: { stdin: '10\n1\n' } },
  { title: 'frsg: reduce, scatter, gather', program: 'frsg', drive: { stdin: '4\n5\n' } },
  { title: 'frsg: 7 tasks, 12 elements', program: 'frsg', drive: { stdin: '7\n12\n' } },
];

export async function fortranMissing(): Promise<string | undefined> {
  const missing = judgeMissing();
  if (missing) return missing;
  const compiler = await run('gfortran', ['--version']).catch(() => undefined);
  return compiler?.code === 0 ? undefined : 'gfortran not installed';
}

export const fortranFlags = ['-w', '-O1', '-std=legacy'];
const libraries = ['-lfpvm3', '-lgpvm3', '-lpvm3'];
/** Debian's library is static only; ours is linked shared unless its file is named. */
const our = { flags: [`-I${includeDirectory}`, `-L${libraryDirectory}`], inputs: [join(libraryDirectory, 'libfpvm3.so.3'), join(includeDirectory, 'fpvm3.h')] };
const judge = { flags: ['-I/usr/include'] };

async function both(source: string, into: Binaries, name: string): Promise<void> {
  await one('gfortran', source, join(into.judge, name), [...fortranFlags, ...judge.flags], libraries);
  await one('gfortran', source, join(into.ours, name), [...fortranFlags, ...our.flags], libraries, our.inputs);
}

/** Their sources include ../include/fpvm3.h: beside each lies a link to the directory it means. */
export async function buildFortranExamples(): Promise<Binaries> {
  const into = binaryDirectories('fortran-examples');
  for (const [side, include] of [['judge', '/usr/include'], ['ours', includeDirectory]] as const) {
    const place = mkdtempSync(join(tmpdir(), 'mpvm-fortran-'));
    try {
      for (const archive of ['examples', 'gexamples']) await mustRun('tar', ['-xzf', `/usr/share/doc/pvm-examples/${archive}.tar.gz`, '-C', place]);
      symlinkSync(include, join(place, 'include'));
      for (const [name, source] of Object.entries(sources)) {
        const flags = side === 'ours' ? our.flags : [];
        await one('gfortran', join(place, source), join(into[side], name), [...fortranFlags, ...flags], libraries, side === 'ours' ? our.inputs : []);
      }
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }
  return into;
}

export async function buildFortranProbes(): Promise<Binaries> {
  const into = binaryDirectories('fortran-probes');
  for (const name of fortranProbes) await both(join(probesFolder, `${name}.f`), into, name);
  return into;
}

/** A program of fortran/ on top of recorder.c instead of a PVM. */
export async function recorded(source: string, side: 'judge' | 'ours', library: 'static' | 'shared' = 'static'): Promise<string> {
  const into = binaryDirectories('fortran-recorded')[side];
  const [include, directory] = side === 'judge' ? ['/usr/include', '/usr/lib/x86_64-linux-gnu'] : [includeDirectory, libraryDirectory];
  const recorder = join(into, 'recorder.o');
  await mustRun('cc', ['-w', '-O1', `-I${include}`, '-c', join(fortranFolder, 'recorder.c'), '-o', recorder]);
  const file = join(directory, library === 'static' ? 'libfpvm3.a' : 'libfpvm3.so');
  if (!existsSync(file)) throw new Error(`${file} is missing`);
  const program = join(into, `${source}-${library}`);
  // The program's own functions come before those of the libraries that the shared one names.
  await mustRun('gfortran', [...fortranFlags, `-I${include}`, '-rdynamic', join(fortranFolder, source), recorder, file, '-o', program]);
  const { stdout, stderr } = await mustRun(program, [], { env: { ...process.env, LD_LIBRARY_PATH: libraryDirectory } });
  return `${stdout}${stderr}`;
}
