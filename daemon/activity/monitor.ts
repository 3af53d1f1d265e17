/** What happens at this node, for those who follow it: its moves, and what its tasks do. Nothing is measured while nobody follows. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { privateBytes, usage } from '../balance/processors.js';
import type { LocalTask, Migrations, Tasks } from '../contracts.js';
import type { NodePaths } from '../paths.js';
import type { mpvm } from '../rpc/messages.js';
import { EventQueue } from '../vm/event-queue.js';
import { readPulse } from './pulse.js';
import { shares } from './shares.js';
import type { Look } from './shares.js';
import { TrafficAsker } from './traffic.js';

type Event = mpvm.node.IFollowEvent;

const periodMs = 500;
/** A follower that is so far behind is cut off. */
const mostWaiting = 10_000;

export interface MonitorOptions {
  node: string;
  tasks: Tasks;
  migrations: Pick<Migrations, 'on'>;
  paths: Pick<NodePaths, 'taskSockets'>;
}

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #asker: TrafficAsker;
  readonly #followers = new Set<EventQueue<Event>>();
  /** Those who want to know what tasks do. */
  readonly #watchers = new Set<EventQueue<Event>>();
  readonly #looks = new Map<number, Look>();
  /** What was sent since the last report: by sender, then by receiver. */
  readonly #sent = new Map<number, Map<number, { messages: number; bytes: number }>>();
  #measuring = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#asker = new TrafficAsker(options.tasks);
    options.migrations.on('changed', (migration) => {
      for (const queue of this.#followers) queue.push({ migration });
    });
    options.tasks.on('traffic', ({ tid }, { peers }) => {
      if (this.#measuring) this.#count(tid, peers ?? []);
    });
  }

  async *follow({ activity }: mpvm.node.IFollowRequest, signal: AbortSignal): AsyncGenerator<Event, void> {
    const queue = new EventQueue<Event>(signal, mostWaiting);
    this.#followers.add(queue);
    if (activity) this.#watchers.add(queue);
    if (!this.#measuring && activity) void this.#measure();
    try {
      yield* queue;
    } finally {
      this.#followers.delete(queue);
      this.#watchers.delete(queue);
    }
  }

  async #measure(): Promise<void> {
    this.#measuring = true;
    await this.#asker.ask(); // what was sent before anybody looked is not part of the first report
    this.#sent.clear();
    let before = performance.now();
    this.#report(0);
    while (this.#watchers.size > 0) {
      await delay(periodMs);
      await this.#asker.ask();
      const now = performance.now();
      const activity = this.#report(now - before);
      before = now;
      for (const queue of this.#watchers) queue.push({ activity });
    }
    this.#measuring = false;
    this.#looks.clear();
    this.#sent.clear();
  }

  #report(ms: number): mpvm.node.IActivity {
    const tasks = this.#options.tasks.list().filter(({ isConsole, state }) => !isConsole && (state === 'running' || state === 'moving'));
    const found = tasks.flatMap((task) => this.#look(task) ?? []);
    const here = new Set(tasks.map(({ tid }) => tid));
    for (const tid of this.#looks.keys()) if (!here.has(tid)) this.#looks.delete(tid);
    const talks = [...this.#sent].flatMap(([from, peers]) => [...peers].map(([to, count]) => ({ from, to, ...count })));
    this.#sent.clear();
    return { node: this.#options.node, atMs: Date.now(), ms: Math.round(ms), tasks: found, talks };
  }

  /** Undefined at the first look at a process. */
  #look({ tid, pid }: LocalTask): mpvm.node.ITaskActivity | undefined {
    const spent = usage(pid);
    if (!spent) return undefined;
    const before = this.#looks.get(tid);
    const now: Look = { atMs: performance.now(), pid, usage: spent, pulse: readPulse(join(this.#options.paths.taskSockets, `t${tid.toString(16)}.fds`)) };
    this.#looks.set(tid, now);
    if (before?.pid !== pid) return undefined;
    return { tid, ...shares(before, now), rssBytes: privateBytes(pid) };
  }

  #count(from: number, peers: mpvm.task.IPeerTraffic[]): void {
    const counts = this.#sent.get(from) ?? new Map<number, { messages: number; bytes: number }>();
    this.#sent.set(from, counts);
    for (const { tid, messages, bytes } of peers) {
      const count = counts.get(tid ?? 0) ?? { messages: 0, bytes: 0 };
      counts.set(tid ?? 0, { messages: count.messages + (messages ?? 0), bytes: count.bytes + (bytes ?? 0) });
    }
  }
}
