/**
 * This node's part of a snapshot. Nothing is measured while nobody plans: a first look takes the
 * length of a window; who looks again soon is answered for the time since.
 */
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { TrafficAsker } from '../activity/traffic.js';
import type { LocalTask, Tasks } from '../contracts.js';
import { observedBytesPerSecond } from '../migration/predict.js';
import type { mpvm } from '../rpc/messages.js';
import { memoryAvailable } from '../vm/machine.js';
import type { Lingerers } from './lingerers.js';
import { ownerAtWork } from './owner.js';
import { capacity, demand, machineId, pressure, privateBytes, runnableNow, usage } from './processors.js';
import type { Usage } from './processors.js';

const defaultWindowMs = 1000;
const mostWindowMs = 30_000;
/** What was seen longer ago than this says nothing about now. */
const oldMs = 60_000;
const looksAtQueue = 20;

interface Look {
  atMs: number;
  pid: number;
  usage: Usage;
}
interface Heard {
  /** When it answered the time before, and last. */
  sinceMs: number;
  untilMs: number;
  peers: mpvm.task.IPeerTraffic[];
}

export class Sampler {
  readonly #node: string;
  readonly #tasks: Tasks;
  readonly #lingerers: Lingerers;
  readonly #machine = machineId();
  readonly #looks = new Map<number, Look>();
  readonly #heard = new Map<number, Heard>();
  readonly #asker: TrafficAsker;
  /** One at a time: who comes meanwhile gets the same answer. */
  #underWay: Promise<mpvm.node.ISampleReply> | undefined;

  constructor(node: string, tasks: Tasks, lingerers: Lingerers) {
    this.#node = node;
    this.#tasks = tasks;
    this.#lingerers = lingerers;
    this.#asker = new TrafficAsker(tasks);
    tasks.on('traffic', (task, { peers }) => this.#onTraffic(task, peers ?? []));
  }

  sample({ windowMs }: mpvm.node.ISampleRequest): Promise<mpvm.node.ISampleReply> {
    this.#underWay ??= this.#measure(Math.min(windowMs || defaultWindowMs, mostWindowMs)).finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  /** The console holds no work. */
  #list(): LocalTask[] {
    return this.#tasks.list().filter(({ isConsole }) => !isConsole);
  }

  async #measure(windowMs: number): Promise<mpvm.node.ISampleReply> {
    const owner = ownerAtWork(this.#node);
    this.#forget();
    await this.#begin(windowMs);
    const runnable = await this.#watchQueue(windowMs);
    await this.#asker.ask();
    const tasks = this.#list().filter(({ state }) => state === 'running' || state === 'moving').map((task) => this.#taskSample(task));
    return {
      machine: this.#machine,
      cpus: cpus().length,
      capacity: capacity(cpus().length),
      runnable,
      pressure: pressure(),
      memoryFreeBytes: memoryAvailable(),
      owner: await owner,
      bytesPerSecond: observedBytesPerSecond(),
      tasks,
      canLinger: this.#lingerers.possible,
    };
  }

  /** Tasks that were not looked at lately get a beginning of their window. */
  async #begin(windowMs: number): Promise<void> {
    const now = Date.now();
    for (const task of this.#list()) {
      const last = this.#looks.get(task.tid);
      if (last?.pid === task.pid && now - last.atMs >= windowMs) continue;
      const seen = usage(task.pid);
      if (seen) this.#looks.set(task.tid, { atMs: now, pid: task.pid, usage: seen });
    }
    if (this.#list().some(({ tid }) => !this.#heard.has(tid))) await this.#asker.ask();
  }

  /** The average length of the machine's run queue. */
  async #watchQueue(windowMs: number): Promise<number> {
    let [sum, count] = [0, 0];
    for (let look = 0; look < looksAtQueue; look++) {
      await delay(windowMs / looksAtQueue);
      const runnable = runnableNow();
      if (runnable === undefined) continue;
      sum += runnable;
      count++;
    }
    return count > 0 ? sum / count : 0;
  }

  #taskSample(task: LocalTask): mpvm.node.ITaskSample {
    const { tid, pid, record, state } = task;
    const now = Date.now();
    const first = this.#looks.get(tid);
    const last = usage(pid);
    let wanted = { demand: 0, runnable: 0, ran: 0 };
    if (last) {
      if (first?.pid === pid && now > first.atMs) wanted = demand(first.usage, last, (now - first.atMs) / 1000);
      this.#looks.set(tid, { atMs: now, pid, usage: last });
    }
    return {
      tid,
      ...wanted,
      state,
      cpuMs: Math.round((last?.ranSeconds ?? 0) * 1000),
      bytes: privateBytes(pid),
      dirtyBytesPerSecond: record.dirtyBytesPerSecond ?? 0,
      movedMs: record.movedMs ?? 0,
      sends: this.#rates(tid),
      lingers: this.#lingerers.has(tid),
    };
  }

  // ---------------------------------------------------------------- who talks to whom

  #onTraffic({ tid }: LocalTask, peers: mpvm.task.IPeerTraffic[]): void {
    const now = Date.now();
    const before = this.#heard.get(tid);
    // The first answer covers a time that nobody knows: it is where the count begins.
    this.#heard.set(tid, before ? { sinceMs: before.untilMs, untilMs: now, peers } : { sinceMs: now, untilMs: now, peers: [] });
  }

  #rates(tid: number): mpvm.node.ITrafficRate[] {
    const heard = this.#heard.get(tid);
    if (!heard || heard.untilMs <= heard.sinceMs) return [];
    const seconds = (heard.untilMs - heard.sinceMs) / 1000;
    return heard.peers.map((peer) => ({ to: peer.tid, messagesPerSecond: (peer.messages ?? 0) / seconds, bytesPerSecond: (peer.bytes ?? 0) / seconds }));
  }

  #forget(): void {
    const now = Date.now();
    for (const [tid, { atMs }] of this.#looks) if (now - atMs > oldMs || !this.#tasks.get(tid)) this.#looks.delete(tid);
    for (const [tid, { untilMs }] of this.#heard) if (now - untilMs > oldMs || !this.#tasks.get(tid)) this.#heard.delete(tid);
  }
}
