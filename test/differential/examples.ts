/** The C programs of Debian's pvm-examples, and how each is driven. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '../lab/process.js';
import { binaryDirectories, compile } from './compile.js';
import type { Binaries } from './compile.js';
import type { Drive } from './compare.js';

/** As old as they are: K&R C, implicit declarations; the macros are those of PVM's configuration for Linux. */
const flags = ['-w', '-std=gnu89', '-O1', '-DHASSTDLIB', '-DSYSVSTR', '-DSYSERRISCONST', '-DNOGETDTBLSIZ'];
const archives = ['/usr/share/doc/pvm-examples/examples.tar.gz', '/usr/share/doc/pvm-examples/gexamples.tar.gz'];

const fromExamples = [
  'hello', 'hello_other', 'master1', 'slave1', 'spmd', 'timing', 'timing_slave', 'gexample', 'inherita', 'inheritb', 'inherit1',
  'inherit2', 'inherit3', 'mbox', 'rme', 'task_end', 'mhf_server', 'mhf_tickle', 'bwtest',
];
/** They share taskf.c. */
const withTaskf = ['task0', 'task1', 'lmbi', 'gmbi'];
const fromGexamples = ['ge', 'gexamp', 'gs', 'joinleave', 'thb', 'tjf', 'tjl', 'tnb', 'trsg', 'tst'];

/** Unpacks the archives into a directory that goes when the programs are built. */
export async function buildExamples(): Promise<Binaries> {
  const into = binaryDirectories('examples');
  const sources = mkdtempSync(join(tmpdir(), 'mpvm-examples-'));
  try {
    for (const archive of archives) await mustRun('tar', ['-xzmf', archive, '-C', sources]);
    const one = (folder: string, name: string, extra: string[] = []): Promise<void> =>
      compile(join(sources, folder, `${name}.c`), into, { flags, extra });
    for (const name of fromExamples) await one('examples', name);
    for (const name of withTaskf) await one('examples', name, [join(sources, 'examples/taskf.c')]);
    for (const name of fromGexamples) await one('gexamples', name);
    // Calls exit() without an argument, which only an undeclared function allows.
    await compile(join(sources, 'examples/starter.c'), into, { flags: ['-w', '-std=gnu89', '-fno-builtin'] });
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
  return into;
}

const numbers: readonly (readonly [RegExp, string])[] = [[/\s+\d+(\.\d+)?/g, ' #']];

/** A member that is quick has left the group when a slow one checks it. */
const early: readonly [RegExp, string] = [/gid \d+ doesn't match up!\n/g, ''];

export interface Example {
  title: string;
  program: string;
  drive: Drive;
}

/** Those that run by themselves, from a shell, to an end that is the same every time. */
export const examples: Example[] = [
  { title: 'hello: spawns, receives, unpacks a string', program: 'hello', drive: {} },
  { title: 'spmd from a shell: its own only sibling', program: 'spmd', drive: {} },
  { title: 'timing: an echo slave, messages up to 1 MB, pvm_kill', program: 'timing', drive: { replace: numbers } },
  { title: 'gexample: groups, freezing, reduction (5 x 5 on 3)', program: 'gexample', drive: { stdin: '5\n3\n' } },
  { title: 'gexample: 60 x 60 on 7', program: 'gexample', drive: { stdin: '60\n7\n' } },
  { title: 'gexample: more tasks than rows', program: 'gexample', drive: { stdin: '2\n5\n' } },
  { title: 'gexample: alone', program: 'gexample', drive: { stdin: '10\n1\n' } },
  { title: 'trsg: reduce, scatter, gather', program: 'trsg', drive: { stdin: '4\n5\n' } },
  { title: 'trsg: 9 tasks, 20 elements', program: 'trsg', drive: { stdin: '9\n20\n' } },
  { title: 'inherita inherit1: a child inherits the context', program: 'inherita', drive: { args: ['inherit1'] } },
  { title: 'inherita inherit3: and so does the child of a child', program: 'inherita', drive: { args: ['inherit3'] } },
  { title: 'inherita without a program', program: 'inherita', drive: {} },
  { title: 'inherita with one that does not exist', program: 'inherita', drive: { args: ['no_such_program'] } },
  { title: 'inheritb: two contexts', program: 'inheritb', drive: {} },
  { title: 'joinleave: 500 times in and out of a group', program: 'joinleave', drive: { args: ['500'], timeoutMs: 40_000 } },
  { title: 'ge 4: barrier, broadcast, instances', program: 'ge', drive: { args: ['4'], sorted: true, replace: [early] } },
  { title: 'ge without an argument', program: 'ge', drive: {} },
  { title: 'gexamp 4', program: 'gexamp', drive: { args: ['4'] } },
  { title: 'gs 4: pvm_gsize until all have joined', program: 'gs', drive: { args: ['4'], unique: true, replace: [[/waiting on kids to join\n/g, '']], paths: [] } },
  { title: 'thb 4: 32 groups, barrier, broadcast', program: 'thb', drive: { args: ['4'] } },
  { title: 'tjf: one group more than there once was room for', program: 'tjf', drive: {} },
  { title: 'tjl: in and out of 32 groups', program: 'tjl', drive: {} },
  { title: 'tst: two groups', program: 'tst', drive: { anyCode: true } },
  { title: 'mbox: leaves a message and finds it', program: 'mbox', drive: {} },
  { title: 'mbox default: a whole run through the mailbox', program: 'mbox', drive: { args: ['default'], sorted: true } },
  { title: 'mbox default33: the names of PVM 3.3 on top of it', program: 'mbox', drive: { args: ['default33'] } },
  { title: 'mbox query: nothing was left by those before', program: 'mbox', drive: { args: ['query'] } },
  { title: 'lmbi 3 pm e: persistent entries', program: 'lmbi', drive: { args: ['3', 'pm', 'e'], replace: [[/t[0-9a-f]{5,}lmbi/g, '<name>']] } },
  { title: 'task1: nobody offers the service', program: 'task1', drive: { args: ['svc', '0', 'd'] } },
  { title: 'rme: no such entry', program: 'rme', drive: { args: ['svc', '0'] } },
  { title: 'starter: collects the output of its children', program: 'starter', drive: { args: ['-n', '2', 'hello'], sorted: true, anyCode: true } },
];
