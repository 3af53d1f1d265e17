/**
 * One connection of task.sock: frames in, frames out, both bounded. A peer that does not read is
 * not read from either; one that lets its backlog grow past all reason is hung up on.
 */
import type { Socket } from 'node:net';
import type { Logger } from '../log.js';
import type { PeerCredentials } from '../native/index.js';
import type { mpvm } from '../rpc/messages.js';
import { decodeFrame, encodeFrame, FrameError, FrameReader } from './frames.js';

/** Unread by the task: from here on its requests wait. */
const highWater = 1 << 20;
/** Unread by the task: from here on it is hung up on. */
const limit = 64 << 20;

export interface LinkHandlers {
  frame(frame: mpvm.task.ToDaemon): void;
  closed(): void;
}

export class Link {
  readonly peer: PeerCredentials;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #log: Logger;
  #handlers: LinkHandlers | undefined;
  #closedListeners: (() => void)[] = [];
  #closed = false;
  #room: (() => void)[] = [];

  constructor(socket: Socket, peer: PeerCredentials, log: Logger) {
    this.peer = peer;
    this.#socket = socket;
    this.#log = log;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', (error) => this.#log.debug({ pid: peer.pid, err: error.message }, 'task link broke'));
    socket.on('close', () => this.#gone());
  }

  /** Frames and the end go here from now on. */
  handle(handlers: LinkHandlers): void {
    this.#handlers = handlers;
  }

  /** Beside the handlers: for whoever counts connections. */
  onClosed(listener: () => void): void {
    this.#closedListeners.push(listener);
  }

  get open(): boolean {
    return !this.#closed;
  }

  send(frame: mpvm.task.IToTask): void {
    if (this.#closed) return;
    this.#socket.write(encodeFrame(frame));
    if (this.#socket.writableLength > limit) this.close('it does not read what it is sent');
    else if (this.#socket.writableLength > highWater) this.#socket.pause();
  }

  /** Resolves when the peer has read enough for more, or is gone. */
  room(): Promise<void> {
    if (this.#closed || this.#socket.writableLength <= highWater / 4) return Promise.resolve();
    return new Promise((resolve) => this.#room.push(resolve));
  }

  /** Hangs up; what has been sent is still delivered unless a reason is given. */
  close(why?: string): void {
    if (this.#closed) return;
    if (why === undefined) {
      this.#socket.end();
      return;
    }
    this.#log.warn({ pid: this.peer.pid, why }, 'task link closed');
    this.#socket.destroy();
    this.#gone();
  }

  #received(chunk: Buffer): void {
    try {
      for (const payload of this.#reader.push(chunk)) {
        if (this.#closed) return;
        this.#handlers?.frame(decodeFrame(payload));
      }
    } catch (error) {
      if (error instanceof FrameError) return this.close(`it sent garbage: ${error.message}`);
      // A defect of ours in handling one task's frame must not take the daemon down with it.
      this.#log.error({ pid: this.peer.pid, err: error }, 'frame not handled');
      this.close('its frame could not be handled');
    }
  }

  #drained(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
    for (const resolve of this.#room.splice(0)) resolve();
  }

  #gone(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const resolve of this.#room.splice(0)) resolve();
    this.#handlers?.closed();
    for (const listener of this.#closedListeners.splice(0)) listener();
  }
}
