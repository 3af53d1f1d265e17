/**
 * Image directories: 0700, in memory where there is a tmpfs, removed when their move is over. Their
 * names say which node made them, so that its next daemon removes what this one could not.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { NodeClient } from '../../contracts.js';
import type { NodePaths } from '../../paths.js';

const memoryFolder = '/dev/shm';
const tmpfs = 0x01021994;
const partBytes = 1 << 20;

export class ImageFolders {
  readonly #base: string;
  readonly #prefix: string;

  constructor(paths: Pick<NodePaths, 'node'>) {
    this.#base = inMemory() ? memoryFolder : paths.node;
    this.#prefix = `criu-${process.getuid?.() ?? 0}-${basename(dirname(paths.node))}-${basename(paths.node)}-${createHash('sha256').update(paths.node).digest('hex').slice(0, 8)}-`;
  }

  make(): string {
    return mkdtempSync(join(this.#base, this.#prefix));
  }
  /** Of a daemon that was killed. */
  removeOld(): void {
    for (const name of readdirSync(this.#base)) if (name.startsWith(this.#prefix)) removeFolder(join(this.#base, name));
  }
}

function inMemory(): boolean {
  try {
    return statfsSync(memoryFolder).type === tmpfs;
  } catch {
    return false;
  }
}

export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** What is in it, in bytes. */
export function folderBytes(path: string): number {
  return readdirSync(path, { withFileTypes: true }).reduce((sum, entry) => sum + (entry.isDirectory() ? folderBytes(join(path, entry.name)) : statSync(join(path, entry.name)).size), 0);
}

/** All images but the pages, which go by their own stream. Returns their bytes. */
export async function sendImages(folder: string, id: string, peer: Pick<NodeClient, 'putImage'>): Promise<number> {
  let sent = 0;
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.img')) continue;
    const file = await open(join(folder, name), 'r');
    try {
      for (let offset = 0; ; ) {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(partBytes), 0, partBytes, offset);
        if (bytesRead > 0 || offset === 0) await peer.putImage({ id, name, offset, data: buffer.subarray(0, bytesRead) });
        offset += bytesRead;
        sent += bytesRead;
        if (bytesRead < partBytes) break;
      }
    } finally {
      await file.close();
    }
  }
  return sent;
}

export interface DumpStatistics {
  pagesWritten: number;
  /** Microseconds: writing pages. */
  writeUs: number;
}

/** Of `stats-dump`: eight bytes of magic, a length, and a StatsEntry (criu's images/stats.proto); zeros when there is none. */
export async function dumpStatistics(folder: string): Promise<DumpStatistics> {
  const bytes = await readFile(join(folder, 'stats-dump')).catch(() => undefined);
  const dump = bytes && fields(bytes.subarray(12)).get(1);
  if (!(dump instanceof Uint8Array)) return { pagesWritten: 0, writeUs: 0 };
  const numbers = fields(dump);
  const number = (field: number): number => Number(numbers.get(field) ?? 0);
  return { writeUs: number(4), pagesWritten: number(7) };
}

/** The last value of each field of a protobuf message that has only numbers and messages in it. */
function fields(bytes: Uint8Array): Map<number, number | Uint8Array> {
  const found = new Map<number, number | Uint8Array>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if ((tag & 7) === 0) found.set(tag >> 3, value);
    else if ((tag & 7) === 2) found.set(tag >> 3, bytes.subarray(at, (at += value)));
    else break;
  }
  return found;
}
