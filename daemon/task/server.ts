/**
 * task.sock: whoever connects is checked by what the kernel says of it, has a moment to say who
 * it is, and is then handed to the tasks or to the restorers. Nothing a peer does here may harm
 * more than its own connection.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../log.js';
import { peerCredentials, type PeerCredentials } from '../native/index.js';
import type { mpvm } from '../rpc/messages.js';
import { Link } from './link.js';

/** From connecting to the first frame. */
const introductionMs = 10_000;
/** Connections that have not said who they are. */
const strangersLimit = 4096;

export interface Introductions {
  enroll(link: Link, frame: mpvm.task.ToDaemon): void;
  restorer(link: Link, frame: mpvm.task.ToDaemon): void;
}

export class TaskServer {
  readonly #path: string;
  readonly #log: Logger;
  readonly #introductions: Introductions;
  readonly #links = new Set<Link>();
  #strangers = 0;
  #server: Server | undefined;

  constructor(path: string, log: Logger, introductions: Introductions) {
    this.#path = path;
    this.#log = log;
    this.#introductions = introductions;
  }

  async listen(): Promise<void> {
    rmSync(this.#path, { force: true });
    const server = createServer((socket) => this.#connected(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: this.#path, backlog: 511 }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#log.error({ err: error }, 'task socket'));
        resolve();
      });
    });
    chmodSync(this.#path, 0o600);
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const link of this.#links) link.close('the daemon stops');
    await closed;
    rmSync(this.#path, { force: true });
  }

  #connected(socket: Socket): void {
    const peer = this.#admit(socket);
    if (peer === undefined) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    const link = new Link(socket, peer, this.#log);
    this.#links.add(link);
    this.#strangers++;
    const late = setTimeout(() => link.close('it does not say who it is'), introductionMs);
    let stranger = true;
    const known = (): void => {
      if (stranger) this.#strangers--;
      stranger = false;
      clearTimeout(late);
    };
    link.onClosed(() => {
      known();
      this.#links.delete(link);
    });
    link.handle({
      frame: (frame) => {
        known();
        if (frame.body === 'enroll') this.#introductions.enroll(link, frame);
        else if (frame.body === 'restorerHello') this.#introductions.restorer(link, frame);
        else link.close(`it began with ${frame.body ?? 'nothing'} instead of saying who it is`);
      },
      closed: () => undefined,
    });
  }

  #admit(socket: Socket): PeerCredentials | undefined {
    const { fd } = (socket as unknown as { _handle?: { fd: number } })._handle ?? { fd: -1 };
    let peer: PeerCredentials;
    try {
      peer = peerCredentials(fd);
    } catch {
      return undefined; // gone already
    }
    if (peer.uid !== process.getuid?.() && peer.uid !== 0) {
      this.#log.warn({ peer }, 'a process of another user was turned away');
      return undefined;
    }
    if (this.#strangers >= strangersLimit) {
      this.#log.warn({ peer }, 'too many connections that do not say who they are');
      return undefined;
    }
    return peer;
  }
}
