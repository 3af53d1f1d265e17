/**
 * An append-only file of records, each with its length and checksums.
 *
 *   file   = magic, record*
 *   record = length u32, crc32(payload) u32, crc32(of the first 8 bytes) u32, payload
 *
 * A record is on the page cache when append() returns: that survives the death of the daemon by
 * any means, which is what the journal is for. There is no fdatasync on this path, so a crash of
 * the *machine* may lose the last records (as it loses the tasks they speak of).
 *
 * What a death in the middle of a write leaves (a last record that is short, or whose payload does
 * not match) is cut off. Anything else that does not check is damage and refuses to open: records
 * after it would be lost in silence.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { errnoOf, MpvmError } from '../errors.js';
import { crc32 } from './crc32.js';

const magic = Buffer.from('MPVMJRN1');
const headerBytes = 12;
/** A mailbox entry of 16 MiB, in base64, and its frame. */
export const recordLimit = 32 << 20;

export interface Recovered {
  records: string[];
  /** Bytes of an unfinished last record that were cut off. */
  torn: number;
}

export class Journal {
  readonly path: string;
  #fd: number;
  #size: number;

  private constructor(path: string, fd: number, size: number) {
    this.path = path;
    this.#fd = fd;
    this.#size = size;
  }

  /** Opens or makes it. Throws JOURNAL_CORRUPT. */
  static open(path: string): { journal: Journal; recovered: Recovered } {
    rmSync(`${path}.new`, { force: true }); // of a snapshot that was not finished
    const fd = openSync(path, 'a+', 0o600);
    try {
      const bytes = readFileSync(fd);
      const { records, end } = parse(bytes, path);
      const journal = new Journal(path, fd, end);
      if (end < bytes.length) ftruncateSync(fd, end);
      if (end === 0) journal.#write(magic);
      return { journal, recovered: { records, torn: bytes.length - end } };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  /** All of it or nothing: throws JOURNAL_WRITE when the file system takes it not. */
  append(payload: string): void {
    this.#write(record(payload));
  }

  /** Replaces the content by these records, in one step: a death leaves the old file or the new one. */
  rewrite(records: Iterable<string>): void {
    const path = `${this.path}.new`;
    let fd: number | undefined;
    try {
      fd = openSync(path, 'ax', 0o600);
      let size = writeFully(fd, magic);
      for (const payload of records) size += writeFully(fd, record(payload));
      renameSync(path, this.path);
      closeSync(this.#fd);
      this.#fd = fd;
      this.#size = size;
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      rmSync(path, { force: true });
      throw this.#writeError(error);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(bytes: Buffer): void {
    try {
      writeFully(this.#fd, bytes);
      this.#size += bytes.length;
    } catch (error) {
      if (fstatSync(this.#fd).size > this.#size) ftruncateSync(this.#fd, this.#size);
      throw this.#writeError(error);
    }
  }

  #writeError(error: unknown): MpvmError {
    return new MpvmError('JOURNAL_WRITE', { path: this.path, detail: errnoOf(error) ?? String(error) }, { cause: error });
  }
}

function writeFully(fd: number, bytes: Buffer): number {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return bytes.length;
}

function record(payload: string): Buffer {
  const length = Buffer.byteLength(payload);
  if (length > recordLimit) throw new RangeError(`a record of ${length} bytes`);
  const bytes = Buffer.allocUnsafe(headerBytes + length);
  bytes.write(payload, headerBytes);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(headerBytes)), 4);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}

/** The records, and where the last whole one ends (0: not even the magic is there). */
function parse(bytes: Buffer, path: string): { records: string[]; end: number } {
  const corrupt = (offset: number, detail: string): MpvmError => new MpvmError('JOURNAL_CORRUPT', { path, offset, detail });
  const records: string[] = [];
  if (bytes.length < magic.length) {
    if (!magic.subarray(0, bytes.length).equals(bytes)) throw corrupt(0, 'this is no journal of mpvm');
    return { records, end: 0 };
  }
  if (!bytes.subarray(0, magic.length).equals(magic)) throw corrupt(0, 'this is no journal of mpvm, or of another version');
  let at = magic.length;
  for (;;) {
    const left = bytes.length - at;
    if (left < headerBytes) break;
    if (crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32LE(at + 8)) {
      if (bytes.subarray(at).every((byte) => byte === 0)) break; // a tail that the file system never filled
      throw corrupt(at, 'the header of a record does not match its checksum');
    }
    const length = bytes.readUInt32LE(at);
    if (length > recordLimit) throw corrupt(at, `a record of ${length} bytes`);
    const next = at + headerBytes + length;
    if (next > bytes.length) break;
    const payload = bytes.subarray(at + headerBytes, next);
    if (crc32(payload) !== bytes.readUInt32LE(at + 4)) {
      if (next === bytes.length) break;
      throw corrupt(at, 'a record does not match its checksum');
    }
    records.push(payload.toString());
    at = next;
  }
  return { records, end: at };
}
