/** Can this node take in a task with that manifest? Everything that could prevent it, checked before anything is touched. */
import { constants, existsSync, readFileSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { arch } from 'node:os';
import { errnoOf } from '../errors.js';
import { cpuFeatures, vdsoId, xsaveSize } from '../native/index.js';
import type { mpvm } from '../rpc/messages.js';
import { blocker, warning } from './blockers.js';
import type { Engine } from './engine.js';
import type { Blocker } from './blockers.js';
import { identify } from './files.js';

type Manifest = mpvm.node.IManifest;

/** Kept free beside what a task brings: page tables, the restorer, everybody else's growth. */
const memoryMargin = 64 << 20;
const accessMode = 3; // O_ACCMODE
const writeOnly = 1;

export interface JudgeOptions {
  node: string;
  restorer: string;
  engine: Engine;
  /** Bytes promised to tasks that are arriving just now. */
  reserved: number;
}

export async function judge(manifest: Manifest, options: JudgeOptions): Promise<Blocker[]> {
  const files = [...(manifest.mapped ?? []).map((file) => judgeMapped(file, options.node)), ...(manifest.files ?? []).map((file) => judgeOpen(file, options.node))];
  const engine = options.engine.missing().then((entry) => entry && { ...entry, side: 'destination' });
  const found = await Promise.all([engine, ...files, judgeDirectory(manifest.directory ?? '/', options.node)]);
  return [...judgeMachine(manifest, options), ...found.filter((entry) => entry !== undefined)];
}

function judgeMachine(manifest: Manifest, { node, restorer, reserved, engine }: JudgeOptions): Blocker[] {
  const found: Blocker[] = [];
  const add = (...entry: Parameters<typeof blocker>): number => found.push(blocker(...entry));

  const native = engine.name === 'native';
  if (native && !existsSync(restorer)) add('destination', 'NOT_PREPARED', { what: `${restorer} on node ${node}` });
  if (arch() !== 'x64') add('destination', 'ARCHITECTURE_DIFFERS', { node, theirs: arch(), ours: 'x64' });
  const have = new Set(cpuFeatures());
  const missing = (manifest.cpuFeatures ?? []).filter((feature) => !have.has(feature));
  if (missing.length > 0) add('destination', 'CPU_FEATURES', { node, missing: missing.slice(0, 12).join(' ') });
  const state = manifest.xsaveBytes ?? 0;
  if (state > xsaveSize()) add('destination', 'CPU_STATE', { node, theirs: xsaveSize(), ours: state });
  if (native && manifest.vdsoId !== vdsoId()) add('destination', 'VDSO_DIFFERS', { node });
  const uid = process.geteuid?.() ?? -1;
  if (manifest.uid !== uid) add('destination', 'USER_DIFFERS', { node, theirs: uid, ours: manifest.uid });
  // CRIU's image lies in memory beside the process that is made of it.
  const needed = (manifest.privateBytes ?? 0) * (native ? 1 : 2) + memoryMargin;
  const free = availableMemory() - reserved;
  if (needed > free) add('destination', 'MEMORY_SHORT', { node, free: Math.max(0, free) >> 20, needed: Math.ceil(needed / (1 << 20)) });
  return found;
}

export function availableMemory(): number {
  return Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
}

async function judgeMapped(file: mpvm.node.IMappedFile, node: string): Promise<Blocker | undefined> {
  const path = file.path ?? '';
  try {
    const rights = file.shared && file.writable ? constants.R_OK | constants.W_OK : constants.R_OK;
    const [seen] = await Promise.all([stat(path), access(path, rights)]);
    if (file.shared) {
      const { size } = seen;
      return size >= (file.size ?? 0) ? undefined : blocker('destination', 'FILE_DIFFERS', { path, node, detail: `${size} bytes, the task has mapped ${file.size}` });
    }
    const { id } = await identify(path, seen);
    return id === file.buildId ? undefined : blocker('destination', 'FILE_DIFFERS', { path, node, detail: `${short(id)} here, ${short(file.buildId ?? '')} at the source` });
  } catch (error) {
    return unreachable(path, node, error);
  }
}

async function judgeOpen(file: mpvm.node.IOpenFile, node: string): Promise<Blocker | undefined> {
  const path = file.path ?? '';
  const mode = (file.flags ?? 0) & accessMode;
  try {
    const rights = mode === 0 ? constants.R_OK : mode === writeOnly ? constants.W_OK : constants.R_OK | constants.W_OK;
    const [found] = await Promise.all([stat(path), access(path, rights)]);
    if (file.kind !== 'file') return undefined;
    if (!found.isFile()) return blocker('destination', 'FILE_DIFFERS', { path, node, detail: 'it is no regular file' });
    const details = { path, node, detail: `${found.size} bytes, ${file.size} at the source` };
    if (found.size < (file.position ?? 0)) return blocker('destination', 'FILE_DIFFERS', details);
    return mode === 0 && found.size !== file.size ? warning('destination', 'FILE_DIFFERS', details) : undefined;
  } catch (error) {
    return unreachable(path, node, error);
  }
}

async function judgeDirectory(path: string, node: string): Promise<Blocker | undefined> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? undefined : blocker('destination', 'DIRECTORY_MISSING', { path, node });
  } catch {
    return blocker('destination', 'DIRECTORY_MISSING', { path, node });
  }
}

function unreachable(path: string, node: string, error: unknown): Blocker {
  const errno = errnoOf(error) ?? String(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR'
    ? blocker('destination', 'FILE_MISSING', { path, node })
    : blocker('destination', 'FILE_FORBIDDEN', { path, node, detail: errno });
}

const short = (id: string): string => (id.length > 20 ? `${id.slice(0, 20)}…` : id);
