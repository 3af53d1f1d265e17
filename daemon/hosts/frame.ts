/** The one message in each direction of a joining connection: a 32-bit little-endian length, then a protobuf message. */
import type { Duplex } from 'node:stream';

/** Of a question; an answer holds two certificates and is no longer. */
export const frameLimit = 16 << 10;

export function frameOf(body: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32LE(body.length);
  frame.set(body, 4);
  return frame;
}

/** Reads one and no more. Rejects when the peer ends first, sends something longer, or breaks off. */
export function readFrame(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let have = Buffer.alloc(0);
    const finish = (error: Error | undefined, body?: Buffer): void => {
      stream.off('data', take).off('end', ended).off('error', failed).off('close', ended);
      stream.on('error', () => undefined);
      if (error) reject(error);
      else resolve(body!);
    };
    const take = (chunk: Buffer): void => {
      have = Buffer.concat([have, chunk]);
      if (have.length < 4) return;
      const length = have.readUInt32LE();
      if (length > frameLimit || have.length > 4 + length) finish(new Error('it sent more than one message may hold'));
      else if (have.length === 4 + length) finish(undefined, have.subarray(4));
    };
    const ended = (): void => finish(new Error('it ended the connection'));
    const failed = (error: Error): void => finish(error);
    stream.on('data', take).on('end', ended).on('error', failed).on('close', ended);
  });
}
