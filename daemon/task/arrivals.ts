/**
 * Tasks that arrive: a restorer is started for each, introduces itself by its cookie, and becomes
 * the process of the task when the move has been committed.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArrivingTask } from '../contracts.js';
import { MpvmError } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';
import { Arrival, type ArrivalHost } from './arrival.js';
import type { Kept } from './book.js';
import { tidText } from './codes.js';
import type { Core } from './core.js';
import type { TaskEntry } from './entry.js';
import type { Link } from './link.js';
import type { Outlet } from './outlet.js';

export class Arrivals {
  readonly #core: Core;
  readonly #outlet: Outlet;
  readonly #host: ArrivalHost;
  /** Restorers that have not become their task yet, by cookie. */
  readonly #expected = new Map<string, Arrival>();

  constructor(core: Core, outlet: Outlet, host: ArrivalHost) {
    this.#core = core;
    this.#outlet = outlet;
    this.#host = host;
  }

  expect(record: mpvm.node.ITaskRecord, migration: string, from: string): ArrivingTask {
    const tid = record.tid ?? 0;
    if (this.#core.table.get(tid)?.here) throw new MpvmError('BAD_REQUEST', { detail: `task ${tidText(tid)} is on this node already` });
    const cookie = `${tid.toString(16)}.${randomBytes(12).toString('hex')}`;
    const output = join(this.#core.paths.output, `${tid.toString(16)}.${(record.epoch ?? 0) + 1}.${cookie.slice(-6)}`);
    const arrival = this.#add(this.#host.newEntry(record, cookie, output), migration);
    try {
      writeFileSync(arrival.seal, from, { mode: 0o600 });
    } catch (error) {
      arrival.discard();
      throw error;
    }
    return arrival;
  }

  /** After a restart of the daemon: the move of this process has been committed, and its seal is in place. */
  again(kept: Kept, epoch: number): void {
    const arrival = this.#add(this.#host.newEntry(kept.record, kept.cookie, kept.output), kept.arriving);
    arrival.found(kept);
    void arrival.launch(epoch);
  }

  #add(entry: TaskEntry, migration: string): Arrival {
    entry.migration = migration;
    const from = this.#core.vm.locate(entry.tid).node;
    const arrival = new Arrival(this.#core, this.#host, entry, () => this.#outlet.gate(entry.tid, entry.epoch + 1, from), () => {
      this.#expected.delete(entry.cookie);
    });
    this.#expected.set(entry.cookie, arrival);
    return arrival;
  }

  /** A restorer says who it is. */
  hello(link: Link, hello: mpvm.task.IRestorerHello): void {
    const arrival = this.#expected.get(hello.cookie ?? '');
    if (arrival === undefined || link.peer.pid !== arrival.pid) {
      link.send({ request: 0, restorerAbort: { reason: 'no migration waits for this restorer' } });
      link.close();
      return;
    }
    arrival.connected(link, hello);
  }

  /** The node stops: none of them will be a task here. */
  stop(): void {
    for (const arrival of [...this.#expected.values()]) arrival.discard();
  }
}
