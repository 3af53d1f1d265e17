/** What tells two files with one name on two machines from each other. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Stats } from 'node:fs';
import { buildId } from '../native/index.js';

/** Files without a build-id are compared by content up to here, by size alone beyond. */
const hashLimit = 256 << 20;
const cacheLimit = 4096;
const cache = new Map<string, string>();

export interface FileIdentity {
  id: string;
  size: number;
}

/** `seen`: what stat says of it. Rejects with the errno of the file. The same id: for a process that has mapped it, the same file. */
export async function identify(path: string, seen: Stats): Promise<FileIdentity> {
  const { dev, ino, size, mtimeMs } = seen;
  const key = `${path}|${dev}|${ino}|${size}|${mtimeMs}`;
  let id = cache.get(key);
  if (id === undefined) {
    id = buildId(path) ?? (size <= hashLimit ? `sha256:${await hash(path)}` : `size:${size}`);
    if (cache.size >= cacheLimit) cache.clear();
    cache.set(key, id);
  }
  return { id, size };
}

async function hash(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) digest.update(chunk as Buffer);
  return digest.digest('hex');
}
