/**
 * What a task is made of, read from /proc without stopping it: the manifest that its destination
 * judges, and the reasons why it cannot move that only its source can see.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuFeatures, residentPrivateBytes, vdsoId, xsaveSize } from '../native/index.js';
import type { mpvm } from '../rpc/messages.js';
import { boundTo } from '../schedule/baseline.js';
import { blocker, warning } from './blockers.js';
import type { Blocker } from './blockers.js';
import { identify } from './files.js';
import { parseStackLimit, ProcessView } from './proc.js';
import type { DescriptorInfo, Mapping } from './proc.js';
import { pipesToOthers } from './pipes.js';
import { socketsToOthers } from './sockets.js';
import { inspectThreads, mainThreadHasEnded } from './threads.js';

type Manifest = mpvm.node.IManifest;
type OpenFile = mpvm.node.IOpenFile;

export interface Inventory {
  manifest: Manifest;
  blockers: Blocker[];
}
export interface InventoryOptions {
  /** 0: a child of a task, in which nothing is the library's. */
  tid: number;
  pid: number;
  /** The node's directory of task sockets (with the lists of the libraries' own descriptors) and of output pipes. */
  taskSockets: string;
  output: string;
}

/** Devices that are the same everywhere and keep nothing between two reads. */
const harmlessDevices = new Set(['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom']);

/** Made anew by the restorer, with what was in them. */
const movableObjects = new Set(['anon_inode:[eventfd]', 'anon_inode:[timerfd]', 'anon_inode:[signalfd]', 'anon_inode:[eventpoll]']);
/** Bytes of a deleted file that the engine takes along (descriptors.c). */
const deletedLimit = 64 << 20;

/** A task that accepts connections all the time is caught between accepting one and marking it now and then. */
const sameLooks = 4;
const mostLooks = 20;
const betweenLooksMs = 5;

/** Throws ProcessGone. */
export async function takeInventory(options: InventoryOptions): Promise<Inventory> {
  const view = new ProcessView(options.pid);
  if (mainThreadHasEnded(view)) return { manifest: {}, blockers: [blocker('source', 'MAIN_THREAD_ENDED')] };
  const maps = view.maps();
  const status = view.status();
  const descriptors = await inspectDescriptors(view, options);
  const mapped = await inspectMaps(maps.filter(({ path }) => !path.startsWith(`${options.taskSockets}/`))); // the library's own
  const manifest: Manifest = {
    program: view.link('exe'),
    rssBytes: kib(status.get('VmRSS')),
    privateBytes: residentPrivateBytes(options.pid),
    kernel: release(),
    vdsoId: vdsoId(),
    cpuFeatures: featuresOf(view),
    xsaveBytes: xsaveSize(),
    threads: view.threads().length,
    mapped: mapped.files,
    files: descriptors.files,
    directory: view.link('cwd'),
    uid: Number(status.get('Uid')?.split(/\s+/)[1] ?? -1),
    stackLimit: parseStackLimit(view.read('limits')) ?? 0,
    areas: maps.filter((area) => area.path !== '[vsyscall]').map(({ start, end }) => ({ start, end })),
  };
  const threads = await inspectThreads(view, new ProcessView(process.pid).status());
  return { manifest, blockers: [...inspectProcess(view, status), ...threads, ...descriptors.blockers, ...mapped.blockers] };
}

/** A task that was started with the VM's baseline uses no more; of any other one cannot know. */
function featuresOf(view: ProcessView): string[] {
  const bound = view.read('environ').split('\0').find((entry) => entry.startsWith(`${boundTo}=`));
  return bound === undefined ? cpuFeatures() : bound.slice(boundTo.length + 1).split(' ');
}

const kib = (text: string | undefined): number => Number.parseInt(text ?? '0', 10) * 1024;

// ---------------------------------------------------------------- the process as a whole

function inspectProcess(view: ProcessView, status: Map<string, string>): Blocker[] {
  const found: Blocker[] = [];
  const add = (entry: Blocker): number => found.push(entry);

  const children = view.children();
  if (children.length > 0) add(blocker('source', 'CHILD_PROCESSES', { pids: children.slice(0, 8).join(', ') }));
  if (/^[Tt]/.test(status.get('State') ?? '') && Number(status.get('TracerPid') ?? 0) === 0) add(blocker('source', 'TASK_STOPPED'));
  const self = new ProcessView(process.pid);
  for (const kind of ['pid', 'mnt', 'net', 'ipc', 'user']) {
    if (view.namespace(kind) !== self.namespace(kind)) add(blocker('source', 'NAMESPACE', { kind: `a ${kind}` }));
  }
  return found;
}

// ---------------------------------------------------------------- memory

async function inspectMaps(maps: Mapping[]): Promise<{ files: mpvm.node.IMappedFile[]; blockers: Blocker[] }> {
  const byPath = new Map<string, { shared: boolean; writable: boolean }>();
  const blockers = new Map<string, Blocker>();

  for (const area of maps) {
    const { path } = area;
    if (!path.startsWith('/') || isMemory(area)) continue;
    if (path.startsWith('/SYSV')) blockers.set(path, blocker('source', 'SHARED_MEMORY', { what: `System V segment ${path.slice(5)}` }));
    else if (path === '/anon_hugepage') blockers.set(path, blocker('source', 'SHARED_MEMORY', { what: 'huge pages' }));
    else if (area.deleted) blockers.set(path, blocker('source', 'MAPPED_DELETED', { what: path }));
    else if (isDevice(path)) blockers.set(path, blocker('source', 'MAPPED_DEVICE', { what: path }));
    else {
      const known = byPath.get(path) ?? { shared: false, writable: false };
      byPath.set(path, { shared: known.shared || area.shared, writable: known.writable || (area.shared && area.writable) });
    }
  }
  const files: mpvm.node.IMappedFile[] = [];
  for (const [path, how] of byPath) {
    try {
      // What a shared mapping shows may change as we look; only its presence can be compared.
      // The task has it open: to wait for a thread that asks costs more than to ask.
      const seen = statSync(path);
      const { id, size } = how.shared ? { id: '', size: seen.size } : await identify(path, seen);
      files.push({ path, buildId: id, size, ...how });
      if (how.writable) blockers.set(path, warning('source', 'SHARED_FILE', { what: path }));
    } catch {
      blockers.set(path, blocker('source', 'MAPPED_DELETED', { what: path }));
    }
  }
  return { files, blockers: [...blockers.values()] };
}

/** Memory without a file, whatever the kernel calls it; whether it can move is the engine's to say. */
function isMemory({ path }: Mapping): boolean {
  return path.startsWith('/memfd:') || path === '/dev/zero';
}
function isDevice(path: string): boolean {
  return path.startsWith('/dev/') && !path.startsWith('/dev/shm/');
}

// ---------------------------------------------------------------- descriptors

interface Descriptors {
  files: OpenFile[];
  blockers: Blocker[];
}

/** A connection is the library's own a moment before its list says so: only what stays is the program's. */
async function inspectDescriptors(view: ProcessView, options: InventoryOptions): Promise<Descriptors> {
  let [before, same] = ['', 0];
  for (let look = 1; ; look++) {
    const found = lookAtDescriptors(view, options);
    const doubtful = found.blockers.filter(({ code }) => code === 'OPEN_SOCKET' || code === 'OPEN_KERNEL_OBJECT').map(({ cause }) => cause).join();
    same = doubtful === before ? same + 1 : 1;
    if (doubtful === '' || same === sameLooks || look === mostLooks) return found;
    before = doubtful;
    await delay(betweenLooksMs);
  }
}

function lookAtDescriptors(view: ProcessView, options: InventoryOptions): Descriptors {
  const files: OpenFile[] = [];
  const blockers: Blocker[] = [];
  const library = libraryDescriptors(options);

  const own = view.descriptors().filter(({ fd, target }) => !library?.(fd) && !target.startsWith(`${options.taskSockets}/`));
  const pipes = pipesToOthers(new Set([view.pid]), own);
  const sockets = library === undefined ? new Map<string, string>() : socketsToOthers(view.pid, own);
  if (library === undefined) blockers.push(warning('source', 'LIBRARY_UNKNOWN', { detail: 'its list is not there' }));
  for (const entry of own) {
    if (pipes.has(entry.target)) blockers.push(blocker('source', 'OPEN_PIPE', { fd: entry.fd, what: entry.target }));
    const socket = sockets.get(entry.target);
    if (socket !== undefined) blockers.push(blocker('source', 'OPEN_SOCKET', { fd: entry.fd, what: socket }));
    const found = classify(view.pid, entry, options, library !== undefined);
    if (found === undefined) continue;
    if ('code' in found) blockers.push(found);
    else files.push(found);
    if (entry.leased) blockers.push(blocker('source', 'FILE_LEASE', { fd: entry.fd, what: entry.target }));
    else if (entry.locked) blockers.push(warning('source', 'FILE_LOCK', { fd: entry.fd, what: entry.target }));
  }
  return { files, blockers };
}

/** A file to be opened again, a reason why it cannot move, or nothing to care about. */
function classify(pid: number, entry: DescriptorInfo, options: InventoryOptions, certain: boolean): OpenFile | Blocker | undefined {
  const { fd, target } = entry;
  const refuse = (code: Parameters<typeof blocker>[1]): Blocker => blocker('source', code, { fd, what: target });
  const seen = statDescriptor(pid, fd);

  if (seen === undefined || target.startsWith('/memfd:')) return undefined;
  if (target === 'anon_inode:[io_uring]') return refuse('OPEN_KERNEL_OBJECT');
  if (seen.isSocket() || movableObjects.has(target)) return undefined;
  if (target.startsWith('anon_inode:')) return certain ? refuse('OPEN_KERNEL_OBJECT') : undefined;
  if (seen.isFIFO()) return target.startsWith('pipe:') || target.startsWith(`${options.output}/`) ? undefined : refuse('OPEN_PIPE');
  if (/^\/dev\/(pts\/|tty|console|ptmx)/.test(target)) return refuse('OPEN_TERMINAL');
  if (seen.isCharacterDevice() || seen.isBlockDevice()) {
    return harmlessDevices.has(target) ? { fd, path: target, kind: 'device', flags: entry.flags } : refuse('OPEN_DEVICE');
  }
  if (seen.isDirectory()) return entry.position > 0 || seen.nlink === 0 ? refuse('OPEN_DIRECTORY') : { fd, path: target, kind: 'directory', flags: entry.flags };
  if (seen.nlink === 0) return seen.blocks * 512 > deletedLimit ? refuse('OPEN_DELETED_FILE') : undefined;
  return { fd, path: target, kind: 'file', flags: entry.flags, position: entry.position, size: seen.size, deleted: false };
}

function statDescriptor(pid: number, fd: number): Stats | undefined {
  try {
    return statSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return undefined; // closed meanwhile
  }
}

/** The bitmap that the library keeps of its own descriptors (task.proto, Endpoint). */
export function libraryDescriptors({ tid, taskSockets }: Pick<InventoryOptions, 'tid' | 'taskSockets'>): ((fd: number) => boolean) | undefined {
  if (tid === 0) return () => false;
  try {
    const bits = readFileSync(join(taskSockets, `t${tid.toString(16)}.fds`));
    return (fd) => ((bits[fd >> 3] ?? 0) & (1 << (fd & 7))) !== 0;
  } catch {
    return undefined;
  }
}
