/**
 * What a task had sent and no connection had taken when it ended: libpvm/src/plane/will.c writes it
 * down, here it is read and delivered. A receiver takes each message once, by its number, so that
 * nothing need be known here of what has arrived already.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { mpvm } from '../rpc/messages.js';
import { isTaskTid, tidText } from './codes.js';
import type { Core } from './core.js';
import type { Router } from './router.js';

const headerBytes = 48;
/** As in will.c; a longer one is none of its. */
const mostBody = 256 << 10;
const bound = 17 << 20;
/** Of one call to another node. */
const batchBytes = 1 << 20;

export interface Message {
  readonly receiver: number;
  readonly deliver: mpvm.task.IDeliver & { body: Buffer };
}

/** The last record may be cut short: its sender had not got as far as to have sent it. */
export function parseWill(bytes: Buffer, tid: number): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    const end = at + headerBytes + length;
    if (length > mostBody || end > bytes.length) break;
    const receiver = bytes.readUInt32LE(at + 4);
    if (!isTaskTid(receiver)) break;
    messages.push({
      receiver,
      deliver: {
        source: tid,
        about: tid,
        incarnation: Number(bytes.readBigUInt64LE(at + 8)), // 53 bits
        number: Number(bytes.readBigUInt64LE(at + 16)),
        tag: bytes.readInt32LE(at + 24),
        waitId: bytes.readInt32LE(at + 28),
        context: bytes.readUInt32LE(at + 32),
        encoding: bytes.readUInt32LE(at + 36),
        crc: bytes.readUInt32LE(at + 40),
        body: bytes.subarray(at + headerBytes, end),
      },
    });
    at = end;
  }
  return messages;
}

export class Wills {
  readonly #core: Core;
  readonly #router: Router;

  constructor(core: Core, router: Router) {
    this.#core = core;
    this.#router = router;
  }

  #path(tid: number): string {
    return join(this.#core.paths.taskSockets, `${tidText(tid)}.will`);
  }

  read(tid: number): Message[] {
    try {
      const bytes = readFileSync(this.#path(tid));
      return bytes.length > bound ? [] : parseWill(bytes, tid);
    } catch {
      return []; // as a rule there is none
    }
  }

  remove(tid: number): void {
    rmSync(this.#path(tid), { force: true });
  }

  /** Resolves when all is on its way to the receivers; the file goes then, and not before. */
  async carryOut(tid: number, messages: readonly Message[]): Promise<void> {
    if (messages.length > 0) {
      this.#core.log.debug({ tid: tidText(tid), messages: messages.length }, 'delivering what a task left unsaid');
      const receivers = new Set(messages.map((message) => message.receiver));
      await Promise.all([...receivers].map((receiver) => this.#to(receiver, messages.filter((message) => message.receiver === receiver))));
    }
    this.remove(tid);
  }

  async #to(receiver: number, messages: readonly Message[]): Promise<void> {
    let batch: mpvm.task.IToTask[] = [];
    let bytes = 0;
    for (const { deliver } of messages) {
      batch.push({ request: 0, deliver });
      bytes += deliver.body.length;
      if (bytes < batchBytes) continue;
      if (!(await this.#router.postPaced(receiver, batch))) return;
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) await this.#router.postPaced(receiver, batch);
  }

  /** Of tasks whose end the last daemon knew of, and did not live to see to it. */
  takeUp(): void {
    for (const name of readdirSync(this.#core.paths.taskSockets)) {
      const tid = Number.parseInt(/^t([0-9a-f]+)\.will$/.exec(name)?.[1] ?? '', 16);
      if (Number.isNaN(tid) || this.#core.table.has(tid)) continue;
      void this.carryOut(tid, this.read(tid));
    }
  }
}
