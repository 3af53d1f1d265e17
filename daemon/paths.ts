/**
 * Where things lie on disk: `${MPVM_DIR:-/tmp/mpvm-UID}/VM/NODE/` (docs/ARCHITECTURE.md, "Node
 * directory"). Everything below is private (0700) and removed when the VM goes down.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, MpvmError } from './errors.js';

type Environment = Record<string, string | undefined>;

/** sun_path holds 108 bytes with the closing NUL. */
const socketPathLimit = 107;
/** Room for the name of a task's own socket below `t/`. */
const taskSocketName = 24;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export interface NodePaths {
  /** MPVM_DIR */
  readonly base: string;
  /** base/VM */
  readonly vm: string;
  /** base/VM/local: link to the node that programs started from a shell enrol with. */
  readonly localLink: string;
  /** base/VM/ca: the certificate authority of the VM, on the machine that made it. */
  readonly authority: string;
  /** base/VM/NODE */
  readonly node: string;
  readonly taskSocket: string;
  readonly controlSocket: string;
  readonly nodeFile: string;
  /** What a hostfile says of it. */
  readonly settings: string;
  /** Its HTTP port, while there is one. */
  readonly http: string;
  readonly lockFile: string;
  readonly log: string;
  readonly journal: string;
  /** What balancing has decided, and with which numbers (the registry's node). */
  readonly decisions: string;
  /** The watch that goes on without its caller. */
  readonly watch: string;
  /** Tasks that run at low priority while the owner of this machine is at work. */
  readonly lingerers: string;
  readonly tls: string;
  /** What the node knows of its tasks, for the daemon after this one. */
  readonly tasks: string;
  /** The tasks' own sockets. */
  readonly taskSockets: string;
  /** The tasks' output pipes. */
  readonly output: string;
}

export function defaultBase(): string {
  return `/tmp/mpvm-${process.getuid?.() ?? 0}`;
}
export function baseDirectory(environment: Environment = process.env): string {
  return environment.MPVM_DIR || defaultBase();
}
export function vmName(environment: Environment = process.env): string {
  return environment.MPVM_NAME || 'default';
}
/** The node a command or program of this machine talks to: a name, or the `local` link. */
export function localNodeName(environment: Environment = process.env): string {
  return environment.MPVM_NODE || 'local';
}

/** Only computes; throws BAD_NAME. `node` may be "local", the link. */
export function nodePaths(base: string, vm: string, node: string): NodePaths {
  checkName(vm, 'VM');
  checkName(node, 'node');
  const vmDirectory = join(base, vm);
  const directory = join(vmDirectory, node);
  return {
    base,
    vm: vmDirectory,
    localLink: join(vmDirectory, 'local'),
    authority: join(vmDirectory, 'ca'),
    node: directory,
    taskSocket: join(directory, 'task.sock'),
    controlSocket: join(directory, 'control.sock'),
    nodeFile: join(directory, 'node.json'),
    settings: join(directory, 'settings.json'),
    http: join(directory, 'http.json'),
    lockFile: join(directory, 'lock'),
    log: join(directory, 'mpvmd.log'),
    journal: join(directory, 'journal'),
    decisions: join(directory, 'balance.log'),
    watch: join(directory, 'balance.json'),
    lingerers: join(directory, 'lingerers.json'),
    tls: join(directory, 'tls'),
    tasks: join(directory, 'tasks'),
    taskSockets: join(directory, 't'),
    output: join(directory, 'out'),
  };
}

export function checkName(name: string, what: 'VM' | 'node'): void {
  if (!namePattern.test(name)) throw new MpvmError('BAD_NAME', { name, what });
}

/** Refuses a directory whose sockets Linux could not bind. */
export function checkSocketPaths(paths: NodePaths): void {
  const longest = [paths.controlSocket, join(paths.taskSockets, 'x'.repeat(taskSocketName))];
  for (const path of longest) {
    const length = Buffer.byteLength(path);
    if (length > socketPathLimit) throw new MpvmError('PATH_TOO_LONG', { path, length, limit: socketPathLimit });
  }
}

/** Makes it, or takes it if it is a real directory, ours, and closed to others. */
export function privateDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700, recursive: true });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw new MpvmError('DIRECTORY_NOT_PRIVATE', { path, why: `cannot be made (${errnoOf(error) ?? String(error)})` });
  }
  const found = lstatSync(path);
  const refuse = (why: string): never => {
    throw new MpvmError('DIRECTORY_NOT_PRIVATE', { path, why });
  };
  if (found.isSymbolicLink() || !found.isDirectory()) refuse('is not a directory');
  if (found.uid !== process.getuid?.()) refuse(`belongs to user ${found.uid}`);
  if ((found.mode & 0o077) !== 0) refuse(`is open to other users (mode ${(found.mode & 0o777).toString(8)})`);
}
