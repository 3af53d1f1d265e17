/**
 * Where the output of tasks goes: to the collector of the run they belong to, to the task that
 * called pvm_catchout, else to this node's log. Each chunk is waited for, so a slow collector
 * makes the task wait in its write, and nothing piles up on the way.
 */
import type { mpvm } from '../rpc/messages.js';
import { callName } from '../rpc/once.js';
import { daemonTid, tidText, xdrEncoding } from './codes.js';
import type { Core } from './core.js';
import { type Exit, shellCode } from './process.js';
import type { Router } from './router.js';
import { xdrBytes, xdrInts } from './xdr.js';

type OutputRecord = mpvm.node.IOutputRequest;
type Collector = (record: OutputRecord) => void | Promise<void>;

/** Whose output it is, as far as its way is concerned. */
export interface Source {
  readonly tid: number;
  readonly record: mpvm.node.ITaskRecord;
}

/** Counts in messages of output to a task: a length, or one of these. */
const marks = { end: 0, spawned: -1, started: -2 } as const;
/** Of one task, into the log; the rest is dropped and said so once. */
const logLimit = 1 << 20;
const sinkTimeoutMs = 60_000;

export class Outlet {
  readonly #core: Core;
  readonly #router: Router;
  readonly #collectors = new Map<string, Collector>();
  readonly #logged = new Map<number, number>();
  /** Tasks that have arrived: their output waits until the node they came from has forwarded the rest. */
  readonly #gates = new Map<string, { node: string; open: () => void }>();

  constructor(core: Core, router: Router) {
    this.#core = core;
    this.#router = router;
  }

  collect(run: string, collector: Collector): () => void {
    this.#collectors.set(run, collector);
    return () => {
      if (this.#collectors.get(run) === collector) this.#collectors.delete(run);
    };
  }

  // ---------------------------------------------------------------- what happens to a task's output

  async started(source: Source): Promise<void> {
    const { tid, record } = source;
    if (record.run) await this.#toRun(source, { spawned: true });
    else if (record.inherited?.outputTid) {
      // Two messages, as PVM sends them.
      for (const mark of [marks.started, marks.spawned]) await this.#toTask(source, xdrInts(tid, mark, record.parent ?? 0));
    }
  }

  async data(source: Source, data: Buffer): Promise<void> {
    const { tid, record } = source;
    if (record.run && (await this.#toRun(source, { data }))) return;
    if (record.inherited?.outputTid) {
      const body = Buffer.concat([xdrInts(tid, data.length), xdrBytes(data)]);
      if (await this.#toTask(source, body)) return;
    }
    this.#toLog(tid, data);
  }

  /** Nobody can write any more. */
  async ended(source: Source): Promise<void> {
    const { tid, record } = source;
    this.#logged.delete(tid);
    if (record.run) await this.#toRun(source, { end: true });
    else if (record.inherited?.outputTid) await this.#toTask(source, xdrInts(tid, marks.end));
  }

  /** The process has ended, and what it had written has been taken. */
  async exited(source: Source, exit: Exit): Promise<void> {
    if (source.record.run) await this.#toRun(source, { exited: true, exitCode: shellCode(exit), signal: exit.signal ?? '' });
  }

  // ---------------------------------------------------------------- order over a move

  /** For a task that arrives from `node`: resolves when that node has nothing of its output left. */
  gate(tid: number, epoch: number, node: string): Promise<void> {
    return new Promise((resolve) => this.#gates.set(`${tid}.${epoch}`, { node, open: resolve }));
  }
  openGate(tid: number, epoch: number): void {
    this.#open(`${tid}.${epoch}`);
  }
  #open(key: string): void {
    this.#gates.get(key)?.open();
    this.#gates.delete(key);
  }
  /** What a dead node had left is lost. */
  nodeDown(node: string): void {
    for (const [key, gate] of [...this.#gates]) if (gate.node === node) this.#open(key);
  }
  /** At the source: all that was left has been forwarded. */
  async drained(tid: number, epoch: number, destination: string): Promise<void> {
    await this.#router.ask(destination, (client) => client.output({ tid, epoch, drained: true }));
    if (!this.#core.stopping) this.#core.book.drained(tid, epoch);
  }

  /** Service Node, Output. */
  async accept(record: OutputRecord): Promise<void> {
    if (record.drained) this.openGate(record.tid ?? 0, record.epoch ?? 0);
    else await this.#collected(record);
  }

  // ---------------------------------------------------------------- ways

  async #toRun(source: Source, what: OutputRecord): Promise<boolean> {
    const { run, sink, parent } = source.record;
    const record: OutputRecord = { tid: source.tid, run, parent: Math.max(parent ?? 0, 0), call: callName(), ...what };
    if (!sink || sink === this.#core.vm.self.name) return this.#collected(record);
    return (await this.#router.ask(sink, (client) => client.output(record, { timeoutMs: sinkTimeoutMs }))) !== undefined;
  }

  async #collected(record: OutputRecord): Promise<boolean> {
    const collector = this.#collectors.get(record.run ?? '');
    if (collector === undefined) return false;
    await collector(record);
    return true;
  }

  #toTask(source: Source, body: Buffer): Promise<boolean> {
    const { outputTid, outputTag, outputContext } = source.record.inherited ?? {};
    const deliver = { source: daemonTid, tag: outputTag, context: outputContext, encoding: xdrEncoding, body };
    return this.#router.postPaced(outputTid ?? 0, [{ request: 0, deliver }]);
  }

  #toLog(tid: number, data: Buffer): void {
    const before = this.#logged.get(tid) ?? 0;
    if (before >= logLimit) return;
    this.#logged.set(tid, before + data.length);
    for (const line of data.toString('utf8').split('\n')) if (line !== '') this.#core.log.info({ tid: tidText(tid), output: line }, 'output');
    if (before + data.length >= logLimit) this.#core.log.warn({ tid: tidText(tid), limit: logLimit }, 'no more output of this task is logged');
  }
}
