/**
 * Frames of proto/task.proto: a 32-bit little-endian length, then that many bytes of protobuf.
 * What comes from a socket is cut into frames without ever holding more than one frame's worth.
 */
import { mpvm } from '../rpc/messages.js';

/** Of a frame's payload; more is a broken or hostile peer. */
export const maxFrame = 16 << 20;
const headerBytes = 4;

export class FrameError extends Error {}

export class FrameReader {
  #chunks: Buffer[] = [];
  #have = 0;
  /** Payload of the frame being read; -1 while its header is. */
  #length = -1;

  /** Takes in what has arrived, hands out the payloads that are complete. Throws FrameError. */
  push(chunk: Buffer): Buffer[] {
    const payloads: Buffer[] = [];
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    for (;;) {
      if (this.#length < 0) {
        if (this.#have < headerBytes) break;
        this.#length = this.#take(headerBytes).readUInt32LE(0);
        if (this.#length > maxFrame) throw new FrameError(`a frame of ${this.#length} bytes (at most ${maxFrame})`);
      }
      if (this.#have < this.#length) break;
      payloads.push(this.#take(this.#length));
      this.#length = -1;
    }
    return payloads;
  }

  #take(count: number): Buffer {
    const first = this.#chunks[0];
    this.#have -= count;
    if (first !== undefined && first.length > count) {
      this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const all = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = all.length > count ? [all.subarray(count)] : [];
    return all.subarray(0, count);
  }
}

/** Throws FrameError when it is no ToDaemon. */
export function decodeFrame(payload: Buffer): mpvm.task.ToDaemon {
  try {
    return mpvm.task.ToDaemon.decode(payload);
  } catch (cause) {
    throw new FrameError('not a ToDaemon message', { cause });
  }
}

export function encodeFrame(frame: mpvm.task.IToTask): Buffer {
  const payload = mpvm.task.ToTask.encode(frame).finish();
  const bytes = Buffer.allocUnsafe(headerBytes + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.set(payload, headerBytes);
  return bytes;
}
