/** Who takes part, what each needs, and how its programs are started. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensure } from '../../scripts/packages.mjs';
import { Judge } from '../../test/differential/judge.js';
import { Lab } from '../../test/lab/lab.js';
import { build, root } from '../../test/lab/paths.js';
import { run } from '../../test/lab/process.js';
import type { Result } from '../../test/lab/process.js';

const runTimeoutMs = 120_000;
/** More tasks than processors, none of which gives way: their defaults can take minutes. */
const mpiTimeoutMs = 15_000;

export interface Run {
  /** Arguments of the contestant's program. */
  args: string[];
  /** Processes to start, for MPI. */
  tasks: number;
}

export interface Contestant {
  readonly name: string;
  readonly kind: 'pvm' | 'mpi' | 'plain';
  /** plain: how its two processes talk. */
  readonly method?: string;
  run(run: Run): Promise<Result>;
}

/** A set of contestants that one program serves, and the Debian packages it comes from. */
interface Stable {
  program: string;
  packages: string[];
  open: (directory: string) => Promise<{ contestants: Contestant[]; close: () => Promise<void> }>;
}

/** For pvm_spawn's children too. */
export const environment = (env: Record<string, string> = {}): Record<string, string> => ({ ...env, PVM_EXPORT: Object.keys(env).join(':') });

export const programDirectory = (name: string): string => join(build, 'bench/programs', name);
const programOf = (directory: string): string => join(directory, 'bench-messages');

async function openOurs(directory: string): Promise<{ contestants: Contestant[]; close: () => Promise<void> }> {
  const lab = await Lab.start({ nodes: 1, path: [directory] });
  const one = (name: string, env: Record<string, string>): Contestant => ({
    name, kind: 'pvm', run: (one) => lab.shell(programOf(directory), one.args, { timeoutMs: runTimeoutMs, env: environment(env) }),
  });
  return { contestants: [one('mpvm', {}), one('mpvm, no agent', { MPVM_AGENT: 'off' })], close: () => lab.stop() };
}

async function openJudge(directory: string): Promise<{ contestants: Contestant[]; close: () => Promise<void> }> {
  const judge = await Judge.start([directory]);
  const one = (name: string, route: string): Contestant => ({
    name, kind: 'pvm', run: (one) => judge.run(programOf(directory), one.args, { timeoutMs: runTimeoutMs, env: environment({ PVM_BENCH_ROUTE: route }) }),
  });
  return { contestants: [one('PVM direct', 'direct'), one('PVM default', 'default')], close: () => judge.stop() };
}

function openMpi(name: string, launcher: string, options: (tasks: number) => string[]): Stable['open'] {
  return async (directory) => ({
    contestants: [{
      name, kind: 'mpi',
      run: (one) => run(launcher, [...options(one.tasks), '-n', String(one.tasks), programOf(directory), ...one.args], { timeoutMs: mpiTimeoutMs, env: { ...process.env, ...environment() } }),
    }],
    close: async () => undefined,
  });
}

/** Open MPI refuses more processes than processors unless it is told so; root is refused as well. */
const openMpiOptions = (tasks: number): string[] => [...(process.getuid?.() === 0 ? ['--allow-run-as-root'] : []), ...(tasks > 2 ? ['--oversubscribe'] : [])];

async function openPlain(directory: string): Promise<{ contestants: Contestant[]; close: () => Promise<void> }> {
  const one = (name: string, method: string): Contestant => ({
    name, kind: 'plain', method, run: (each) => run(programOf(directory), each.args, { timeoutMs: runTimeoutMs, env: { ...process.env, ...environment() } }),
  });
  return { contestants: [one('C, spinning', 'spin'), one('C, futex', 'futex'), one('C, TCP', 'tcp')], close: async () => undefined };
}

const stables: readonly Stable[] = [
  { program: 'ours', packages: [], open: openOurs },
  { program: 'judge', packages: ['pvm', 'pvm-dev', 'pvm-examples'], open: openJudge },
  { program: 'openmpi', packages: ['openmpi-bin', 'libopenmpi-dev'], open: openMpi('Open MPI', 'mpirun.openmpi', openMpiOptions) },
  { program: 'mpich', packages: ['mpich', 'libmpich-dev'], open: openMpi('MPICH', 'mpirun.mpich', () => []) },
  { program: 'plain', packages: [], open: openPlain },
];

/** In what a user may have installed elsewhere nothing is changed: these packages live beside each other. */
export async function buildProgram(name: string, packages: string[], log: (line: string) => void): Promise<string | undefined> {
  const missing = await ensure(packages, { required: false, log });
  if (missing.length > 0) return `not installed: apt-get install ${missing.join(' ')}`;
  const made = await run('make', ['-s', '-C', join(root, 'bench/messages/programs'), name], { timeoutMs: 120_000 });
  return made.code === 0 ? undefined : `its program cannot be built: ${made.stderr.trim().split('\n').pop() ?? ''}`;
}

export interface Field {
  contestants: Contestant[];
  /** Who is not there, and why. */
  absent: Map<string, string>;
  close: () => Promise<void>;
}

/** The programs run from copies: a build meanwhile does not disturb them. */
export async function openField(directory: string, log: (line: string) => void): Promise<Field> {
  const contestants: Contestant[] = [], absent = new Map<string, string>(), closers: (() => Promise<void>)[] = [];
  for (const { program, packages, open } of stables) {
    const reason = await buildProgram(program, packages, log);
    if (reason !== undefined) {
      absent.set(program, reason);
      continue;
    }
    const copy = join(directory, program);
    mkdirSync(copy, { recursive: true });
    copyFileSync(programOf(programDirectory(program)), programOf(copy));
    const stable = await open(copy);
    contestants.push(...stable.contestants);
    closers.push(stable.close);
  }
  return { contestants, absent, close: async () => { for (const close of closers) await close(); } };
}
