/**
 * What a task's library tells whoever looks: how long its program has waited in it. The library
 * writes it into the file beside its socket (struct pvmi_pulse in libpvm/src/plane/plane.h), which
 * costs it nothing; reading it wakes nobody.
 */
import { closeSync, openSync, readSync } from 'node:fs';

const at = 1024;
const size = 32;
const version = 1;

/** Since the task began at this node. */
export interface Pulse {
  /** At this moment. */
  waiting: boolean;
  /** Of the waits that are over: asleep, and awake on the processor. */
  sleptSeconds: number;
  spunSeconds: number;
}

export function parsePulse(bytes: Buffer): Pulse | undefined {
  if (bytes.length < size || bytes.readUInt32LE(0) !== version) return undefined;
  const seconds = (offset: number): number => Number(bytes.readBigUInt64LE(offset)) / (Math.max(1, Number(bytes.readBigUInt64LE(8))) * 1e6);
  return { waiting: bytes.readUInt32LE(4) !== 0, sleptSeconds: seconds(16), spunSeconds: seconds(24) };
}

/** Undefined when the task has none: it has not enrolled, or has another version of the library. */
export function readPulse(path: string): Pulse | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const bytes = Buffer.alloc(size);
    return readSync(file, bytes, 0, size, at) === size ? parsePulse(bytes) : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
