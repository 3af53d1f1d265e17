/** Sockets of a task: unix pairs whose both ends are its own move with it, and such that nobody knows of yet. */
import { readFileSync } from 'node:fs';
import { unixSocket } from '../native/index.js';
import { heldByOthers } from './pipes.js';
import type { DescriptorInfo } from './proc.js';

/** Tables of sockets that have an address; the inode is the tenth field. */
const tables = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6', 'udplite', 'udplite6'];
const inodeField = 9;

/** The targets (`socket:[inode]`) of sockets that keep the task here, and why. What only the engine can see it names itself. */
export function socketsToOthers(pid: number, descriptors: readonly DescriptorInfo[]): Map<string, string> {
  const targets = new Set(descriptors.map(({ target }) => target).filter((target) => target.startsWith('socket:[')));
  const found = new Map<string, string>();
  if (targets.size === 0) return found;

  const addressed = socketsWithAddress(pid);
  for (const target of targets) {
    const why = addressed.has(inodeOf(target)) ? 'it has an address of this machine' : whyUnixStays(inodeOf(target), targets);
    if (why !== undefined) found.set(target, why);
  }
  const rest = new Set([...targets].filter((target) => !found.has(target)));
  for (const target of rest.size > 0 ? heldByOthers(new Set([pid]), rest) : []) found.set(target, 'another process has it, too');
  return found;
}

const inodeOf = (target: string): number => Number(target.slice('socket:['.length, -1));

function whyUnixStays(inode: number, own: ReadonlySet<string>): string | undefined {
  try {
    const seen = unixSocket(inode);
    if (seen === null) return undefined; // of another family, without an address
    if (seen.named) return 'it has a name that others know';
    return seen.peer !== undefined && seen.peer !== 0 && !own.has(`socket:[${seen.peer}]`) ? "its other end is not the task's" : undefined;
  } catch (error) {
    return `this kernel does not tell whose peer it is: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function socketsWithAddress(pid: number): Set<number> {
  const inodes = new Set<number>();
  for (const table of tables) {
    for (const line of readTable(`/proc/${pid}/net/${table}`).split('\n').slice(1)) inodes.add(Number(line.trim().split(/\s+/)[inodeField] ?? 0));
  }
  return inodes;
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // this kernel has no such family
  }
}
