/**
 * The console as a task of its node: it enrols over task.sock like a program that was started from
 * a shell, and asks what programs ask (pvm_config, pvm_tasks, pvm_spawn …). It has no message
 * plane: what it receives is made by daemons, the output of its jobs above all. When the daemon is
 * started again it comes back with its tid, as libpvm does.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { mpvm } from '../rpc/messages.js';
import { FrameReader } from '../task/frames.js';
import { code } from './pvm.js';

type ToDaemon = mpvm.task.IToDaemon;
type ToTask = mpvm.task.ToTask;

const protocol = 1;
/** How long a daemon that is gone is looked for, and how often. */
const comeBackMs = 15_000;
const retryMs = 100;

/** What PVM's functions return when they fail. */
export class PvmFailure extends Error {
  override readonly name = 'PvmFailure';
  readonly code: number;
  constructor(status: number) {
    super(`PVM error ${status}`);
    this.code = status;
  }
}

export interface LinkEvents {
  message(message: mpvm.task.IDeliver): void;
  /** The daemon is gone and does not come back. */
  lost(): void;
}

interface Waiting {
  resolve(answer: ToTask): void;
  reject(failure: PvmFailure): void;
}

export class TaskLink {
  tid = 0;
  /** Host part of the node it is on. */
  host = 0;
  readonly #path: string;
  readonly #events: LinkEvents;
  readonly #incarnation = randomBytes(6).readUIntLE(0, 6);
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #request = 0;
  #epoch = 0;
  #leaving = false;
  #returning = false;

  private constructor(path: string, events: LinkEvents) {
    this.#path = path;
    this.#events = events;
  }

  /** `path`: of task.sock. Rejects with a PvmFailure when no daemon answers, or it refuses. */
  static async enrol(path: string, events: LinkEvents): Promise<TaskLink> {
    const link = new TaskLink(path, events);
    await link.#enrol();
    return link;
  }

  /** The answer to a request; rejects with a PvmFailure when the daemon is gone or says no. */
  async ask(body: ToDaemon): Promise<ToTask> {
    const answer = await this.#send(body);
    if (answer.status < 0) throw new PvmFailure(answer.status);
    return answer;
  }

  /** No task any more: as pvm_exit. */
  leave(): void {
    this.#leaving = true;
    this.#write({ request: 0, leave: {} });
    this.#socket?.end();
  }

  #send(body: ToDaemon): Promise<ToTask> {
    const request = ++this.#request;
    return new Promise((resolve, reject) => {
      if (!this.#socket?.writable) {
        reject(new PvmFailure(code.SysErr));
        return;
      }
      this.#waiting.set(request, { resolve, reject });
      this.#write({ ...body, request });
    });
  }

  #write(frame: ToDaemon): void {
    const payload = mpvm.task.ToDaemon.encode(frame).finish();
    const head = Buffer.alloc(4);
    head.writeUInt32LE(payload.length);
    this.#socket?.write(Buffer.concat([head, payload]));
  }

  // ---------------------------------------------------------------- connection

  async #enrol(): Promise<void> {
    await this.#connect();
    const hello = { protocol, pid: process.pid, program: process.argv[1] ?? 'console', incarnation: this.#incarnation, console: true };
    const answer = await this.ask({ enroll: { ...hello, tid: this.tid, epoch: this.#epoch } });
    const place = answer.enrolled;
    if (!place?.tid) throw new PvmFailure(code.SysErr);
    this.tid = place.tid;
    this.host = place.host ?? 0;
    this.#epoch = place.epoch ?? 0;
  }

  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#path);
      const reader = new FrameReader();
      socket.once('connect', () => {
        this.#socket = socket;
        resolve();
      });
      socket.on('error', () => reject(new PvmFailure(code.SysErr)));
      socket.on('data', (chunk: Buffer) => {
        for (const payload of reader.push(chunk)) this.#frame(mpvm.task.ToTask.decode(payload));
      });
      socket.on('close', () => this.#closed(socket));
    });
  }

  #frame(frame: ToTask): void {
    const waiting = this.#waiting.get(frame.request);
    if (frame.request !== 0 && waiting) {
      this.#waiting.delete(frame.request);
      waiting.resolve(frame);
    } else if (frame.deliver && !frame.deliver.number) this.#events.message(frame.deliver);
    else if (frame.migrationStart) this.#refuse(frame.migrationStart.id ?? '');
  }

  /** Daemons know that consoles do not move; one of another version may try. */
  #refuse(id: string): void {
    this.#write({ request: 0, migrationFailed: { id, code: 'TASK_IS_CONSOLE', text: 'it is a console' } });
  }

  #closed(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(new PvmFailure(code.SysErr));
    this.#waiting.clear();
    if (!this.#leaving && !this.#returning && this.tid !== 0) void this.#comeBack();
  }

  async #comeBack(): Promise<void> {
    this.#returning = true;
    for (const until = Date.now() + comeBackMs; Date.now() < until && !this.#leaving; ) {
      await delay(retryMs);
      try {
        await this.#enrol();
        this.#returning = false;
        return;
      } catch (error) {
        if (error instanceof PvmFailure && error.code === code.NoTask) break; // it has been told that we are gone
      }
    }
    if (!this.#leaving) this.#events.lost();
  }
}
