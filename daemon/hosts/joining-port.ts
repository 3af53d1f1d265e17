/**
 * The one port of a VM that strangers may speak to: TLS, where only the server shows a certificate. It is open
 * only while there are tokens, takes one short question from each connection, and holds little for
 * anybody: few connections, the oldest making room for the newest, and none for long.
 */
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import { asMpvmError, errnoOf, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { mpvm } from '../rpc/messages.js';
import type { Identity } from '../rpc/certificates.js';
import { frameOf, readFrame } from './frame.js';

export interface JoiningPortOptions {
  identity: Identity;
  address: string;
  /** Throws what the one who asked is to be told. */
  admit(question: mpvm.node.JoinQuestion): Promise<mpvm.node.IJoinAnswer>;
  log: Logger;
}

export const connectionLimit = 32;
/** Of a connection, from its first packet to its last. */
const connectionMs = 10_000;
const handshakeMs = 5000;
/** Strangers must not fill the log either. */
const logPauseMs = 1000;

export class JoiningPort {
  readonly #options: JoiningPortOptions;
  readonly #log: Logger;
  /** Oldest first. */
  readonly #connections = new Set<Socket>();
  #server: Server | undefined;
  #loggedAt = 0;
  #unlogged = 0;

  constructor(options: JoiningPortOptions) {
    this.#options = options;
    this.#log = options.log;
  }

  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Opens it at `wanted`, or at any port when that is in use. Resolves to the port. */
  async open(wanted: number): Promise<number> {
    try {
      await this.#listen(wanted);
    } catch (error) {
      if (wanted === 0 || errnoOf(error) !== 'EADDRINUSE') throw error;
      this.#log.warn({ port: wanted }, 'the joining port is in use by another program: tokens from before lead nowhere now');
      await this.#listen(0);
    }
    return this.port;
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#connections) socket.destroy();
  }

  #listen(port: number): Promise<void> {
    const { identity, address } = this.#options;
    const server = createServer({
      key: identity.key,
      cert: `${identity.certificate}\n${identity.authority}`, // with the authority's: who joins knows its fingerprint only
      minVersion: 'TLSv1.3',
      handshakeTimeout: handshakeMs,
    });
    server.on('connection', (socket: Socket) => this.#took(socket));
    server.on('secureConnection', (socket) => void this.#answer(socket));
    server.on('tlsClientError', (error: Error) => this.#note({ err: error.message }, 'no handshake at the joining port'));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, exclusive: true }, () => {
        server.off('error', reject);
        server.on('error', (error: Error) => this.#note({ err: error.message }, 'the joining port failed'));
        this.#server = server;
        resolve();
      });
    });
  }

  #took(socket: Socket): void {
    this.#connections.add(socket);
    const late = setTimeout(() => socket.destroy(), connectionMs);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(late);
      this.#connections.delete(socket);
    });
    const [oldest] = this.#connections;
    if (this.#connections.size > connectionLimit) oldest?.destroy();
  }

  async #answer(socket: TLSSocket): Promise<void> {
    socket.on('error', () => undefined);
    const from = socket.remoteAddress;
    let answer: mpvm.node.IJoinAnswer;
    try {
      answer = await this.#options.admit(mpvm.node.JoinQuestion.decode(await readFrame(socket)));
      this.#log.info({ from, member: answer.node }, 'a machine has been admitted');
    } catch (thrown) {
      const error = thrown instanceof MpvmError ? thrown : new MpvmError('BAD_REQUEST', { detail: 'this is no question of a machine that wants to join' });
      this.#note({ from, code: error.code, cause: asMpvmError(thrown).message }, 'a machine was not admitted');
      answer = { code: error.code, text: error.message, remedy: error.remedy };
    }
    if (!socket.destroyed) socket.end(frameOf(mpvm.node.JoinAnswer.encode(answer).finish()));
  }

  #note(about: object, text: string): void {
    const now = Date.now();
    if (now - this.#loggedAt < logPauseMs) {
      this.#unlogged++;
      return;
    }
    this.#log.warn({ ...about, ...(this.#unlogged > 0 ? { andMoreLikeIt: this.#unlogged } : {}) }, text);
    this.#loggedAt = now;
    this.#unlogged = 0;
  }
}
