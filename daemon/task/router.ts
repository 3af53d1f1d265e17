/**
 * From node to node: where a task is, how to ask the node that has it, and frames that are
 * forwarded in order. A node that does not answer is asked again until it is declared dead.
 */
import { asMpvmError } from '../errors.js';
import type { NodeClient } from '../contracts.js';
import { mpvm } from '../rpc/messages.js';
import { callName } from '../rpc/once.js';
import { hostOf, tidText } from './codes.js';
import { type Core, delay } from './core.js';

type ToTask = mpvm.task.IToTask;

const retryMs = { first: 20, last: 1000 };
/** Longer than any pause a peer allows itself before it takes frames in. */
const deliverTimeoutMs = 60_000;
/** How long accept() makes its caller wait for a slow task; its frames are kept then all the same. */
const acceptWaitMs = 30_000;

/** More than can end in the instants between a task's end and the news of its last move. */
const endedKept = 10_000;

interface Batch {
  frames: ToTask[];
  done: ((reached: boolean) => void)[];
}

export class Router {
  readonly #core: Core;
  /** Moves from here that the directory's news may not have told yet. */
  readonly #departures = new Map<number, { node: string; epoch: number }>();
  /** Tasks that have moved and have ended: a departure from here that is noted late is of no use any more. Oldest first. */
  readonly #ended = new Set<number>();
  readonly #queues = new Map<number, Batch>();

  constructor(core: Core) {
    this.#core = core;
    core.vm.on('forgotten', (tid) => this.#forget(tid));
    core.vm.on('resynced', () => {
      for (const [tid, { epoch }] of [...this.#departures]) if (core.vm.locate(tid).epoch < epoch) this.#forget(tid);
    });
  }

  departed(tid: number, node: string, epoch: number): void {
    if (!this.#ended.has(tid)) this.#departures.set(tid, { node, epoch });
  }

  #forget(tid: number): void {
    this.#departures.delete(tid);
    this.#ended.add(tid);
    if (this.#ended.size > endedKept) this.#ended.delete(this.#ended.values().next().value!);
  }

  /** To the best of this node's knowledge. */
  whereIs(tid: number): { node: string; epoch: number } {
    const told = this.#core.vm.locate(tid);
    const known = this.#departures.get(tid);
    if (known === undefined) return told;
    if (known.epoch > told.epoch) return known;
    this.#departures.delete(tid);
    return told;
  }

  /** As the registry knows it; undefined when there is no such host or the registry cannot be asked. */
  async whereSurely(tid: number): Promise<{ node: string; epoch: number } | undefined> {
    if (this.#core.vm.nodeOfHost(hostOf(tid)) === undefined) return undefined;
    try {
      return await this.#core.vm.locateSurely(tid);
    } catch {
      return this.whereIs(tid);
    }
  }

  isGone(node: string): boolean {
    const info = this.#core.vm.nodeNamed(node);
    return info === undefined || info.state === mpvm.node.NodeState.DEAD || info.state === mpvm.node.NodeState.LEFT;
  }

  /** Calls until it has answered; undefined when the node is gone, refuses, or this one stops. */
  async ask<T>(node: string, call: (client: NodeClient) => Promise<T>): Promise<T | undefined> {
    for (let wait = retryMs.first; !this.#core.stopping && !this.isGone(node); wait = Math.min(wait * 2, retryMs.last)) {
      try {
        return await call(this.#core.vm.peer(node));
      } catch (thrown) {
        const error = asMpvmError(thrown);
        if (!['NODE_UNREACHABLE', 'NODE_TIMEOUT', 'SHUTTING_DOWN'].includes(error.code)) {
          this.#core.log.warn({ peer: node, code: error.code, err: error.message }, 'a node refused what it was asked');
          return undefined;
        }
      }
      await delay(wait);
    }
    return undefined;
  }

  /** Frames for a task anywhere, in the order of the calls. */
  post(tid: number, frames: readonly ToTask[]): void {
    void this.postPaced(tid, frames);
  }

  /** Resolves when they are on their way to the task; false when there is no such task any more. */
  postPaced(tid: number, frames: readonly ToTask[]): Promise<boolean> {
    return new Promise((resolve) => {
      const queue = this.#queues.get(tid);
      if (queue) {
        queue.frames.push(...frames);
        queue.done.push(resolve);
        return;
      }
      this.#queues.set(tid, { frames: [...frames], done: [resolve] });
      void this.#pump(tid);
    });
  }

  /** Service Node, Deliver. */
  async accept(request: mpvm.node.IDeliverRequest): Promise<void> {
    const tid = request.tid ?? 0;
    const frames = (request.frames ?? []).map((bytes) => mpvm.task.ToTask.decode(bytes));
    await Promise.race([this.postPaced(tid, frames), delay(acceptWaitMs)]);
  }

  async #pump(tid: number): Promise<void> {
    for (;;) {
      const batch = this.#queues.get(tid);
      if (batch === undefined) return;
      if (batch.done.length === 0) {
        this.#queues.delete(tid);
        return;
      }
      const { frames, done } = { frames: batch.frames.splice(0), done: batch.done.splice(0) };
      const reached = await this.#send(tid, frames).catch((error: unknown) => {
        this.#core.log.error({ tid: tidText(tid), err: error }, 'frames not forwarded');
        return false;
      });
      for (const resolve of done) resolve(reached);
    }
  }

  async #send(tid: number, frames: ToTask[]): Promise<boolean> {
    for (;;) {
      const entry = this.#core.table.get(tid);
      if (entry?.state === 'arriving') {
        await entry.settled();
        continue;
      }
      if (entry?.here) {
        entry.deliver(frames);
        await entry.room();
        return true;
      }
      let { node } = this.whereIs(tid);
      if (node === this.#core.vm.self.name) {
        node = (await this.whereSurely(tid))?.node ?? node;
        if (this.#core.table.get(tid)?.here) continue;
        if (node === this.#core.vm.self.name) return false;
      }
      const bytes = frames.map((frame) => mpvm.task.ToTask.encode(frame).finish());
      const request = { tid, frames: bytes, call: callName() };
      return (await this.ask(node, (client) => client.deliver(request, { timeoutMs: deliverTimeoutMs }))) !== undefined;
    }
  }
}
