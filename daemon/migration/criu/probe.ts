/** Is there a criu here that works, and may we use it? Asked by trying, never by version. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { hasCapability } from '../../capabilities.js';
import { MpvmError } from '../../errors.js';
import { projectRoot } from '../../native/index.js';
import { programs } from '../../programs.js';

export interface Criu {
  readonly command: string;
  readonly version: string;
  /** The kernel tells which pages have been written to (soft-dirty): memory can be copied while the program runs. */
  readonly preDump: boolean;
}

/** A no is asked again after so long: somebody may have installed it. */
const noIsTrueMs = 10_000;
const limitMs = 20_000;
/** CAP_SYS_ADMIN: namespaces, and what criu reads. CAP_CHECKPOINT_RESTORE: process numbers. */
const needed = ['SYS_ADMIN', 'CHECKPOINT_RESTORE'] as const;

export const nestPath = (): string => process.env['MPVM_NEST'] ?? join(projectRoot(), 'build', 'bin', 'mpvm-nest');
export const criuCommand = (): string => process.env['MPVM_CRIU'] || 'criu';

let answer: { at: number; criu: Promise<Criu | MpvmError> } | undefined;

/** The criu of this machine, or why there is none to use. `node`: for the text. */
export async function findCriu(node: string = hostname()): Promise<Criu | MpvmError> {
  const known = answer && (await answer.criu);
  if (answer && known && (!(known instanceof MpvmError) || Date.now() - answer.at < noIsTrueMs)) return known;
  answer = { at: Date.now(), criu: probe(node) };
  return answer.criu;
}

/** The same, but throws what speaks against it. */
export async function criuHere(node: string): Promise<Criu> {
  const found = await findCriu(node);
  if (found instanceof MpvmError) throw found;
  return found;
}

async function probe(node: string): Promise<Criu | MpvmError> {
  const lacking = missingCapabilities();
  if (lacking.length > 0) return new MpvmError('CRIU_FORBIDDEN', { node, uid: process.geteuid?.() ?? '?', lacking: lacking.join(' and ') });
  if (!existsSync(nestPath())) return new MpvmError('NOT_PREPARED', { what: nestPath() });
  const command = criuCommand();
  const [version, check, dirtyTracking] = await Promise.all([ask(command, '--version'), ask(command, 'check'), ask(command, 'check', '--feature', 'mem_dirty_track')]);
  if (check.absent) return new MpvmError('CRIU_MISSING', { node });
  if (!check.good) return new MpvmError('CRIU_UNUSABLE', { node, detail: check.complaint });
  return { command, version: /Version: (\S+)/.exec(version.text)?.[1] ?? '?', preDump: dirtyTracking.good };
}

function missingCapabilities(): string[] {
  return needed.filter((name) => !hasCapability(name)).map((name) => `CAP_${name}`);
}

async function ask(command: string, ...args: string[]): Promise<{ good: boolean; absent: boolean; text: string; complaint: string }> {
  const { execa } = await programs();
  const result = await execa(command, args, { reject: false, stdin: 'ignore', all: true, timeout: limitMs, cwd: '/' });
  const text = result.all ?? '';
  const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const complaint = lines.find((line) => line.includes('Error')) ?? lines.at(-1) ?? `exit ${result.exitCode ?? result.signal ?? '?'}`;
  return { good: result.exitCode === 0, absent: result.code === 'ENOENT' || result.code === 'EACCES', text, complaint };
}
