/**
 * What the daemon asks of the machine and cannot ask in JavaScript: the node-addon-api module of
 * native/checkpoint/addon, typed by hand, and the cheap readings of /proc that go with it.
 * Failures are Errors with `code` set to the errno's name.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PeerCredentials {
  pid: number;
  uid: number;
  gid: number;
}

interface Addon {
  unixSocket(inode: number): { named: boolean; peer?: number } | null;
  peerCredentials(fd: number): PeerCredentials;
  buildId(path: string): string | null;
  vdsoId(): string;
  xsaveSize(): number;
  pidfdOpen(pid: number): number;
  pidfdKill(pidfd: number, signal: number, group: boolean): boolean;
  compareFiles(pidA: number, fdA: number, pidB: number, fdB: number): boolean;
  closeDescriptor(fd: number): void;
  makeFifo(path: string, mode: number): void;
  socketPair(): [number, number];
  streamForOthers(fd: number): void;
  listenForOthers(address: string): { fd: number; port: number };
  groupPageMake(path: string, page: number, counts: boolean, tids: number[]): void;
  groupPageWithdraw(path: string): { count: number; waiting: number[] };
  startProcess(path: string, args: string[], environment: string[], directory: string, stdin: number, stdout: number, stderr: number, ended: (code: number, signal: number, userUs: number, systemUs: number) => void): number;
}

/** The checkout's (or package's) root: the nearest folder above this file with a package.json. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    try {
      readFileSync(join(folder, 'package.json'));
      return folder;
    } catch {
      const above = dirname(folder);
      if (above === folder) throw new Error('no package.json above daemon/native: where is mpvm installed?');
      folder = above;
    }
  }
}

let loaded: Addon | undefined;
function addon(): Addon {
  if (loaded) return loaded;
  const path = process.env['MPVM_NATIVE'] ?? join(projectRoot(), 'build', 'native', 'mpvm_native.node');
  try {
    loaded = createRequire(import.meta.url)(path) as Addon;
  } catch (cause) {
    throw new Error(`the native module ${path} cannot be loaded; build it with: npm run setup`, { cause });
  }
  return loaded;
}

/** Who is at the other end of a unix socket. Throws ENOTCONN when nobody is. */
export const peerCredentials = (fd: number): PeerCredentials => addon().peerCredentials(fd);
/** A unix socket by its inode: has it a name, and who is its peer (0: closed; undefined: not connected)? Null when it is none. */
export const unixSocket = (inode: number): { named: boolean; peer?: number } | null => addon().unixSocket(inode);
/** The GNU build-id of an ELF file, hex; null when it is no 64-bit ELF or has none. */
export const buildId = (path: string): string | null => addon().buildId(path);
/** Identity of this kernel's vDSO: its bytes, and the pages it and its data take. */
export const vdsoId = (): string => addon().vdsoId();
/** Bytes of extended processor state in a signal frame. */
export const xsaveSize = (): number => addon().xsaveSize();
/** A new named pipe. Throws EEXIST when something has that name. */
export const makeFifo = (path: string, mode: number): void => addon().makeFifo(path, mode);
/** Two connected unix sockets, closed in every program that is started unless they are given to it. */
export const socketPair = (): [number, number] => addon().socketPair();
/** Makes a TCP connection one that a program can use which waits for each read and write. */
export const streamForOthers = (fd: number): void => addon().streamForOthers(fd);
/** A TCP socket that listens at this IPv4 address, for a program that is given it. Throws the errno's name. */
export const listenForOthers = (address: string): { fd: number; port: number } => addon().listenForOthers(address);
/** A file that tasks of this node map: a group's members (tids by instance, 0 for none) and the count of its barrier. Throws EEXIST. */
export const groupPageMake = (path: string, page: number, counts: boolean, tids: number[]): void => addon().groupPageMake(path, page, counts, tids);
/** The page is true no more; wakes who waits on it. The barrier that had begun: its count (0: none) and who waits in it. Throws ENOENT. */
export const groupPageWithdraw = (path: string): { count: number; waiting: number[] } => addon().groupPageWithdraw(path);
/** A program in a session of its own, with three descriptors and no others; returns its pid. `ended` is called once. Throws, with the errno's name, when it cannot be started. */
export function startProcess(program: {
  path: string; argv: readonly string[]; environment: Readonly<Record<string, string | undefined>>; directory: string; stdin: number; output: number;
  ended: (code: number, signal: number, userUs: number, systemUs: number) => void;
}): number {
  const environment = Object.entries(program.environment).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return addon().startProcess(program.path, [...program.argv], environment, program.directory, program.stdin, program.output, program.output, program.ended);
}
/** Do two descriptors share one open file? */
export const compareFiles = (pidA: number, fdA: number, pidB: number, fdB: number): boolean =>
  addon().compareFiles(pidA, fdA, pidB, fdB);

/** Signals the process that had this pid when it started at `startTime`; false when it has ended. `group`: with the process group that it leads, if it does. */
export function killExactly(pid: number, startTime: number, signal: number, group = false): boolean {
  let fd: number;
  try {
    fd = addon().pidfdOpen(pid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
  try {
    if (processStartTime(pid) !== startTime) return false;
    return (group && killGroup(pid, fd, signal)) || addon().pidfdKill(fd, signal, false);
  } finally {
    addon().closeDescriptor(fd);
  }
}

/** False: it leads no group, or has ended. */
function killGroup(pid: number, fd: number, signal: number): boolean {
  try {
    return addon().pidfdKill(fd, signal, true);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
  try {
    return process.kill(-pid, signal); // before Linux 6.9: it was alive a moment ago, and its number is its group's
  } catch {
    return false;
  }
}

/** When a process started, in clock ticks since boot: with the pid, a name that is never reused. Undefined when it is gone. */
export function processStartTime(pid: number): number | undefined {
  const text = readOptional(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name, field 2, may hold anything: count from its closing parenthesis.
  const field = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  return field === undefined ? undefined : Number(field);
}

/** The number by which a process knows itself: another one than ours in a PID namespace of its own. Undefined when it is gone. */
export function innerPid(pid: number): number | undefined {
  const text = readOptional(`/proc/${pid}/status`);
  const numbers = /^NSpid:\s*(.*)$/m.exec(text ?? '')?.[1]?.split(/\s+/) ?? [];
  return text === undefined ? undefined : Number(numbers.at(-1) ?? pid);
}

/** False once it has ended, also while its parent has not yet looked. */
export function processRuns(pid: number): boolean {
  const text = readOptional(`/proc/${pid}/stat`);
  return text !== undefined && !/^[ZX]/.test(text.slice(text.lastIndexOf(')') + 2));
}

/** Bytes that only this process holds: what a move has to carry. Constant time, unlike smaps. */
export function residentPrivateBytes(pid: number): number {
  const text = readOptional(`/proc/${pid}/status`);
  if (text === undefined) return 0;
  return (['RssAnon', 'RssShmem', 'VmSwap'] as const)
    .map((key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024)
    .reduce((sum, value) => sum + value, 0);
}

// What a program can see of the processor by itself and may have chosen its code by. The kernel's
// other flags (mitigations, virtualisation, power) say nothing about user code.
const USER_VISIBLE =
  /^(fpu|cx8|cx16|cmov|mmx|fxsr|sse\d?|sse4_[12]|ssse3|sse4a|pni|pclmulqdq|popcnt|aes|movbe|rdrand|rdseed|f16c|fma|fma4|xop|avx.*|bmi[12]|abm|lahf_lm|adx|sha_ni|sha\d+|erms|fsrm|fsrs|fzrm|fsgsbase|rdpid|rdtscp|gfni|vaes|vpclmulqdq|clflushopt|clwb|clzero|movdiri|movdir64b|xsave.*|xgetbv1|invpcid_user|prefetchw|3dnowprefetch|lm|syscall|pku|ospke|amx_.*|hle|rtm|waitpkg|serialize|cldemote|ibt|user_shstk|lwp|tbm|mwaitx)$/;

let features: string[] | undefined;
/** Instruction-set features of this machine that a process may depend on, sorted; those of $MPVM_CPU_WITHOUT count as absent. */
export function cpuFeatures(): string[] {
  if (features) return features;
  const hidden = new Set((process.env['MPVM_CPU_WITHOUT'] ?? '').split(/\s+/));
  const flags = /^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  features = flags
    .split(/\s+/)
    .filter((flag) => USER_VISIBLE.test(flag) && !hidden.has(flag))
    .sort();
  return features;
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
