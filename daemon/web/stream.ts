/** Server-sent events: the answer to one page, for as long as it reads. */
import type { ServerResponse } from 'node:http';
import { encodeEvent, heartbeat } from '../shared/event-stream.js';
import type { StreamEvent } from '../shared/event-stream.js';

const heartbeatMs = 5000;
/** What may wait for a slow reader; past it he is told no more until he has caught up. */
const mostWaiting = 4 << 20;

export class EventStream {
  readonly #response: ServerResponse;
  readonly #timer: NodeJS.Timeout;
  /** The reader has gone, or the daemon stops. */
  readonly closed: Promise<void>;
  #behind = false;
  /** Told when a reader that was left behind has caught up: he wants to know all anew. */
  onCaughtUp: () => void = () => undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    this.#timer = setInterval(() => void this.#response.write(heartbeat), heartbeatMs);
    this.closed = new Promise((resolve) => response.once('close', resolve));
    void this.closed.then(() => clearInterval(this.#timer));
  }

  send(event: StreamEvent): void {
    if (this.#behind || this.#response.destroyed) return;
    this.#response.write(encodeEvent(event));
    if (this.#response.writableLength <= mostWaiting) return;
    this.#behind = true;
    this.#response.once('drain', () => {
      this.#behind = false;
      this.onCaughtUp();
    });
  }

  end(): void {
    clearInterval(this.#timer);
    this.#response.end();
  }
}
