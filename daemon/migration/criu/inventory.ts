/**
 * What CRIU can take along and what not, of a task and its children. Most is as the native engine
 * sees it (inventory.ts); here is what differs.
 */
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeFolders } from '../engine.js';
import { blocker } from '../blockers.js';
import type { Blocker } from '../blockers.js';
import { libraryDescriptors, takeInventory } from '../inventory.js';
import type { Inventory } from '../inventory.js';
import { pipesToOthers } from '../pipes.js';
import { ProcessGone, ProcessView } from '../proc.js';
import type { DescriptorInfo } from '../proc.js';
import { processTree } from './tree.js';

/** What the native engine has to refuse and CRIU need not; sockets, pipes and kernel objects are looked at again below. */
const taken = new Set(['CHILD_PROCESSES', 'OPEN_SOCKET', 'OPEN_PIPE', 'OPEN_KERNEL_OBJECT', 'OPEN_DIRECTORY', 'OPEN_DELETED_FILE', 'MAPPED_DELETED', 'NAMESPACE']);
const takenObjects = new Set(['inotify', '[fanotify]', 'anon_inode:inotify', 'anon_inode:[fanotify]', 'anon_inode:[pidfd]', 'anon_inode:[eventfd]', 'anon_inode:[timerfd]', 'anon_inode:[signalfd]', 'anon_inode:[eventpoll]']);
const nestName = 'mpvm-nest';
/** A connection is the library's own a moment before its list says so. */
const looks = 4;
const betweenLooksMs = 5;

/** Throws ProcessGone. */
export async function criuInventory(task: { tid: number; pid: number }, node: NodeFolders): Promise<Inventory> {
  const { manifest, blockers } = await takeInventory({ ...task, ...node });
  const found = blockers.filter(({ code }) => !taken.has(code ?? ''));
  const pids = processTree(task.pid);
  for (const pid of pids.slice(1)) await addChild(pid, node, manifest, found);
  found.push(...inspectNamespaces(pids));
  found.push(...(await inspectDescriptors(task.tid, pids, node)));
  return { manifest, blockers: found };
}

/** What a child holds counts as the task's: one that is gone holds nothing. */
async function addChild(pid: number, node: NodeFolders, manifest: Inventory['manifest'], found: Blocker[]): Promise<void> {
  try {
    const child = await takeInventory({ tid: 0, pid, ...node });
    manifest.privateBytes = (manifest.privateBytes ?? 0) + (child.manifest.privateBytes ?? 0);
    manifest.rssBytes = (manifest.rssBytes ?? 0) + (child.manifest.rssBytes ?? 0);
    manifest.mapped = unique([...(manifest.mapped ?? []), ...(child.manifest.mapped ?? [])]);
    manifest.files = unique([...(manifest.files ?? []), ...(child.manifest.files ?? [])]);
    const hindering = child.blockers.filter(({ code, warning }) => !warning && !taken.has(code ?? '') && code !== 'THREAD_UNSTOPPABLE');
    found.push(...hindering.map(({ cause, remedy }) => blocker('source', 'CHILD_HOLDS', { pid, cause: cause ?? '', remedy: remedy ?? '' })));
  } catch (error) {
    if (!(error instanceof ProcessGone)) throw error;
  }
}

function unique<Entry extends { path?: string | null }>(entries: Entry[]): Entry[] {
  return [...new Map(entries.map((entry) => [entry.path, entry])).values()];
}

/** Those of a nest of ours it brings along; in any others only all of us together could be. */
function inspectNamespaces(pids: readonly number[]): Blocker[] {
  const self = new ProcessView(process.pid);
  const kinds = inNest(pids[0] ?? 0) ? ['net', 'ipc', 'user'] : ['pid', 'mnt', 'net', 'ipc', 'user'];
  return pids.flatMap((pid) => {
    const view = new ProcessView(pid);
    const other = kinds.find((kind) => optional(() => view.namespace(kind)) !== self.namespace(kind) && optional(() => view.namespace(kind)) !== undefined);
    return other ? [blocker('source', 'NAMESPACE', { kind: `a ${other}` })] : [];
  });
}
export function inNest(pid: number): boolean {
  const parent = optional(() => /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return parent !== undefined && optional(() => readFileSync(`/proc/${parent}/comm`, 'utf8').trim()) === nestName;
}

// ---------------------------------------------------------------- descriptors

async function inspectDescriptors(tid: number, pids: readonly number[], node: NodeFolders): Promise<Blocker[]> {
  for (let look = 1; ; look++) {
    const found = lookAtDescriptors(tid, pids, node);
    if (found.length === 0 || look === looks) return found;
    await delay(betweenLooksMs);
  }
}

function lookAtDescriptors(tid: number, pids: readonly number[], node: NodeFolders): Blocker[] {
  const library = libraryDescriptors({ tid, taskSockets: node.taskSockets });
  const held = pids.flatMap((pid, index) =>
    (optional(() => new ProcessView(pid).descriptors()) ?? []).filter(({ fd }) => index > 0 || !library?.(fd)).map((entry) => ({ pid, ...entry })));
  const pipes = pipesToOthers(new Set(pids), held);
  const unix = unixSockets(pids[0] ?? 0);
  return held.flatMap((entry) => {
    const { fd, target, pid } = entry;
    if (pipes.has(target)) return [blocker('source', 'OPEN_PIPE', { fd, what: target })];
    if (target.startsWith('socket:')) return unix.has(target) || library === undefined ? [] : [blocker('source', 'INET_SOCKET', { fd, pid, what: target })];
    if (target.startsWith('anon_inode:') && !takenObjects.has(target)) return library === undefined ? [] : [blocker('source', 'OPEN_KERNEL_OBJECT', { fd, what: target })];
    return isNamedPipe(entry, node) ? [blocker('source', 'OPEN_PIPE', { fd, what: target })] : [];
  });
}

/** A named pipe that is not the one whose output the daemon takes: its other end stays. */
function isNamedPipe({ target, fd, pid }: DescriptorInfo & { pid: number }, node: NodeFolders): boolean {
  if (!target.startsWith('/') || target.startsWith(`${node.output}/`)) return false;
  return optional(() => statSync(`/proc/${pid}/fd/${fd}`).isFIFO()) ?? false;
}

/** `socket:[inode]` of the unix sockets in the network namespace of a process. */
function unixSockets(pid: number): Set<string> {
  const lines = (optional(() => readFileSync(`/proc/${pid}/net/unix`, 'utf8')) ?? '').split('\n').slice(1);
  return new Set(lines.map((line) => `socket:[${line.trim().split(/\s+/)[6] ?? ''}]`));
}

/** Undefined when what was looked at has gone. */
function optional<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
