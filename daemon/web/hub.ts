/**
 * What all open pages are told: one watch over the VM, however many look, and none while nobody
 * does. It uses the API that the command uses.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { nodeShape, migrationShape, taskShape } from '../cli/shapes.js';
import { asMpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import type { ControlClient } from '../rpc/clients.js';
import type { mpvm } from '../rpc/messages.js';
import { byName } from '../shared/format.js';
import { changes, State } from '../shared/state.js';
import type { Activity, Move, News } from '../shared/wire.js';
import { formatTid } from '../cli/tid.js';

/** The watch ended although somebody looks: it is begun anew. */
const againMs = 500;

export type Reader = (news: News) => void;

export class Hub {
  readonly #client: ControlClient;
  readonly #node: string;
  readonly #log: Logger;
  readonly #readers = new Set<Reader>();
  /** Readers, and those who wait until enough is known. */
  #looking = 0;
  #state = new State();
  #watch: AbortController | undefined;
  #ready: Promise<void> = Promise.resolve();

  constructor(client: ControlClient, node: string, log: Logger) {
    this.#client = client;
    this.#node = node;
    this.#log = log;
  }

  /** `reader` gets a snapshot, then all that changes. Returns what ends it. */
  read(reader: Reader): () => void {
    if (!this.#watch) this.#begin();
    this.#looking++;
    let left = false;
    void this.#ready.then(() => {
      if (left) return;
      this.#readers.add(reader);
      reader(this.snapshot());
    });
    return () => {
      left = true;
      this.#readers.delete(reader);
      if (--this.#looking === 0) this.close();
    };
  }

  snapshot(): News {
    return { event: 'snapshot', data: this.#state.snapshot(Date.now()) };
  }

  close(): void {
    this.#watch?.abort();
    this.#watch = undefined;
  }

  #begin(): void {
    const watch = new AbortController();
    this.#watch = watch;
    this.#state = new State();
    this.#state.servedBy = this.#node;
    let known!: () => void;
    this.#ready = new Promise((resolve) => (known = resolve));
    void this.#follow(watch.signal, known);
  }

  async #follow(signal: AbortSignal, known: () => void): Promise<void> {
    while (!signal.aborted) {
      try {
        const events = this.#client.watch({ activity: true }, { signal });
        const { migrations } = await this.#client.migrations({});
        for (const migration of migrations) this.#tell({ event: 'move', data: moveOf(migration) });
        for await (const event of events) {
          this.#take(event);
          if (event.tasks) known();
        }
      } catch (error) {
        if (!signal.aborted) this.#log.warn({ cause: asMpvmError(error).message }, 'the watch over the VM ended; it is begun anew');
      }
      await delay(againMs, undefined, { signal }).catch(() => undefined);
    }
    known();
  }

  #take(event: mpvm.control.IWatchEvent): void {
    if (event.nodes) this.#takeNodes(event.nodes);
    else if (event.tasks) {
      const tasks = (event.tasks.tasks ?? []).filter((task) => !task.console).map(taskShape);
      const data = changes(this.#state.tasks, tasks.map(({ tid, node, pid, state, program, epoch, rssBytes, parent, started }) => ({ tid, node, pid, state, program, epoch, rssBytes, parent, started })), ({ tid }) => tid);
      if (data) this.#tell({ event: 'tasks', data });
    } else if (event.migration) this.#tell({ event: 'move', data: moveOf(event.migration) });
    else if (event.activity) this.#tell({ event: 'activity', data: activityOf(event.activity, Date.now()) });
  }

  #takeNodes({ vm, nodes }: mpvm.control.INodesReply): void {
    this.#state.vm = vm ?? '';
    const shapes = (nodes ?? []).map(nodeShape).filter(({ state }) => state !== 'left').sort((a, b) => byName(a.name, b.name));
    const data = changes(this.#state.nodes, shapes, ({ name }) => name);
    if (data) this.#tell({ event: 'nodes', data });
  }

  #tell(news: News): void {
    this.#state.apply(news);
    for (const reader of this.#readers) reader(news);
  }
}

export function moveOf(info: mpvm.node.IMigrationInfo): Move {
  return { ...migrationShape(info), remainingBytes: info.remainingBytes ?? 0 };
}

const hundredths = (share: number | null | undefined): number => Math.round((share ?? 0) * 100);

/** Nodes have clocks of their own: what they tell is shown when it comes. */
function activityOf({ node, ms, tasks, talks }: mpvm.node.IActivity, at: number): Activity {
  return {
    node: node ?? '',
    at,
    ms: ms ?? 0,
    tasks: (tasks ?? []).map((task) => [formatTid(task.tid ?? 0), hundredths(task.computing), hundredths(task.ready), hundredths(task.waiting), task.rssBytes ?? 0]),
    talks: (talks ?? []).map((talk) => [formatTid(talk.from ?? 0), formatTid(talk.to ?? 0), talk.messages ?? 0, talk.bytes ?? 0]),
  };
}
