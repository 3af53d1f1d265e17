/**
 * The captured output of one task: a named FIFO that the task holds open for reading and writing,
 * so that it neither fails nor is killed while no daemon reads. Read by epoll, one chunk at a
 * time: until that has been taken, the pipe fills up and the task waits. Nothing grows.
 */
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { makeFifo } from '../native/index.js';

/** Takes a chunk; its promise is the back-pressure. */
export type Sink = (data: Buffer) => Promise<void> | void;

/** How long a process that is gone may keep its pipe open through children before we call it drained. */
const drainGraceMs = 300;

export class OutputPipe {
  readonly path: string;
  #socket: Socket | undefined;
  #busy: Promise<void> = Promise.resolve();
  #lastData = 0;
  #drained: (() => void)[] = [];
  /** All writers have closed it. */
  ended = false;

  constructor(path: string) {
    this.path = path;
  }

  /** A new pipe in the file system. */
  static create(path: string): OutputPipe {
    rmSync(path, { force: true });
    makeFifo(path, 0o600);
    return new OutputPipe(path);
  }

  /** For the task: it is a reader too, see above. The caller closes it. */
  writer(): number {
    return openSync(this.path, constants.O_RDWR | constants.O_NOCTTY);
  }
  /** For us; opened before the writer's descriptor is closed, so that none of them is ever alone. */
  reader(): number {
    return openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  }

  /** Starts to read from `fd`, which it owns from now on. `ended` is called once, after the last chunk. */
  read(fd: number, sink: Sink, ended: () => void): void {
    const socket = new Socket({ fd, readable: true, writable: false });
    this.#socket = socket;
    // All that has come at once, however small the pieces: each handing on may be a call to another node.
    let busy = false;
    const take = async (): Promise<void> => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        this.#lastData = Date.now();
        try {
          await sink(chunk);
        } catch {
          // Lost for this collector; the next piece may find another.
        }
      }
      busy = false;
    };
    socket.on('readable', () => {
      if (busy) return;
      busy = true;
      this.#busy = take();
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.once('close', () => {
      // Node may report the end while the last chunk is still being taken.
      void this.#busy.then(() => {
        this.ended = true;
        this.#tellDrained();
        ended();
      });
    });
  }

  /**
   * Resolves when what the task, now gone, has left in the pipe has been taken. Its children may
   * hold the pipe open: then a pause without news is the end.
   */
  drained(): Promise<void> {
    if (this.ended || this.#socket === undefined) return Promise.resolve();
    const since = Date.now();
    const look = (): void => {
      void this.#busy.then(() => {
        if (this.ended) return;
        if (Date.now() - Math.max(since, this.#lastData) >= drainGraceMs) this.#tellDrained();
        else setTimeout(look, drainGraceMs / 4);
      });
    };
    setTimeout(look, drainGraceMs / 4);
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Removes the name; what is open stays open. */
  unlink(): void {
    rmSync(this.path, { force: true });
  }

  /** Stops reading, whatever is left. */
  close(): void {
    this.#socket?.destroy();
    this.unlink();
  }

  #tellDrained(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}

export function closeQuietly(...fds: (number | undefined)[]): void {
  for (const fd of fds) {
    if (fd === undefined) continue;
    try {
      closeSync(fd);
    } catch {
      // closed already
    }
  }
}
