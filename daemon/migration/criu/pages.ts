/**
 * The stream of pages, from the criu that dumps straight to the criu that serves: a TCP connection
 * that our daemons open and authenticate with the one-time secret of the move, and then hand over.
 * No page passes through here.
 *
 *   server: 16 bytes, random · client: 1 byte, the round, and HMAC-SHA256(secret, random, round) · server: 1 byte
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { MpvmError } from '../../errors.js';
import { streamForOthers } from '../../native/index.js';

const challengeBytes = 16;
const proofBytes = 32;
const limitMs = 10_000;
/** Connections that have not proven anything yet. */
const strangersLimit = 8;

const proof = (secret: Uint8Array, challenge: Uint8Array, round: number): Buffer =>
  createHmac('sha256', secret).update(challenge).update(Buffer.of(round)).digest();

/** A connection that nobody here reads from any more; `close` when the program that got it has started. */
export interface PageStream {
  readonly descriptor: number;
  close(): void;
}

function forOthers(socket: Socket): PageStream {
  const handle = (socket as unknown as { _handle?: { fd: number; readStop(): void } | null })._handle;
  if (!handle || handle.fd < 0) throw new MpvmError('STREAM_BROKEN', { detail: 'it ended as it began' });
  handle.readStop(); // a paused socket still fills its buffer
  streamForOthers(handle.fd);
  return { descriptor: handle.fd, close: () => socket.destroy() };
}

/** Exactly so many bytes, and none of what may follow. */
function read(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const broken = (): void => reject(new MpvmError('STREAM_BROKEN', { detail: 'the other end has hung up' }));
    const look = (): void => {
      const found = socket.read(bytes) as Buffer | null;
      if (found === null || found.length < bytes) return;
      socket.off('readable', look).off('close', broken);
      resolve(found);
    };
    socket.on('readable', look).once('close', broken);
    look();
  });
}

/** Throws STREAM_BROKEN. */
export async function openPages(address: string, port: number, secret: Uint8Array, round: number): Promise<PageStream> {
  const socket = connect({ host: address, port });
  socket.setTimeout(limitMs, () => socket.destroy());
  socket.on('error', () => undefined); // 'close' follows
  const challenge = await read(socket, challengeBytes);
  socket.write(Buffer.concat([Buffer.of(round), proof(secret, challenge, round)]));
  await read(socket, 1);
  socket.setTimeout(0);
  return forOthers(socket);
}

/** Listens for the streams of one move. `stream` is called for each round, by whoever knows the secret. */
export class PageListener {
  readonly #server: Server;
  readonly #secret: Buffer;
  readonly #sockets = new Set<Socket>();
  readonly #stream: (round: number, stream: PageStream) => void;

  private constructor(secret: Buffer, stream: (round: number, stream: PageStream) => void) {
    this.#secret = secret;
    this.#stream = stream;
    this.#server = createServer((socket) => void this.#greet(socket));
  }

  /** Resolves when it listens. */
  static async open(address: string, secret: Buffer, stream: (round: number, stream: PageStream) => void): Promise<PageListener> {
    const listener = new PageListener(secret, stream);
    await new Promise<void>((resolve, reject) => listener.#server.once('error', reject).listen({ host: address, port: 0 }, resolve));
    return listener;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async #greet(socket: Socket): Promise<void> {
    socket.on('error', () => undefined);
    if (this.#sockets.size >= strangersLimit) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.setTimeout(limitMs, () => socket.destroy());
    try {
      const challenge = randomBytes(challengeBytes);
      socket.write(challenge);
      const answer = await read(socket, 1 + proofBytes);
      const round = answer[0]!;
      if (!timingSafeEqual(answer.subarray(1), proof(this.#secret, challenge, round))) throw new Error('a stranger');
      socket.setTimeout(0);
      // Its bytes may follow at once: from here on the program that serves it reads.
      const stream = forOthers(socket);
      socket.write(Buffer.of(1), () => this.#stream(round, stream));
    } catch {
      socket.destroy();
    }
    this.#sockets.delete(socket);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
