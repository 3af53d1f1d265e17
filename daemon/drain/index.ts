/**
 * All drains of the VM, on the node that keeps the registry: each stands in the registry's store while it is under
 * way, so that the next daemon goes on with it.
 */
import { randomBytes } from 'node:crypto';
import type { VirtualMachine } from '../contracts.js';
import { MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import type { mpvm } from '../rpc/messages.js';
import type { ImplementationOf } from '../rpc/server.js';
import type { registryService } from '../rpc/services.js';
import { update } from '../vm/store.js';
import type { Store } from '../vm/store.js';
import { Drain } from './drain.js';
import type { DrainDeps } from './drain.js';
import { keyOf, prefix, recordOf } from './record.js';
import type { DrainRecord } from './record.js';

/** Of service Registry, what is answered here. */
export type DrainRpcs = 'drain' | 'cancelDrain' | 'drains';

export interface DrainsOptions {
  store: Store;
  /** Cordons a node for a drain. */
  close(node: string, drain: DrainRecord): Promise<void>;
  /** Its drain is over; it stays cordoned. */
  ended(node: string, drain: string): Promise<void>;
  log: Logger;
}

export class Drains {
  readonly #options: DrainsOptions;
  readonly #parts: Promise<VirtualMachine>;
  readonly #active = new Map<string, Drain>();
  #stopping = false;
  #attach!: (vm: VirtualMachine) => void;

  constructor(options: DrainsOptions) {
    this.#options = options;
    this.#parts = new Promise((resolve) => (this.#attach = resolve));
  }

  /** The rest of the daemon is there now: drains that a daemon before this one had begun go on. */
  async attach(vm: VirtualMachine): Promise<void> {
    this.#attach(vm);
    vm.on('shutdown', () => {
      this.#stopping = true;
      for (const drain of this.#active.values()) drain.cancel(new MpvmError('SHUTTING_DOWN', { node: vm.self.name }));
    });
    for (const [, { value }] of await this.#options.store.list<DrainRecord>(prefix)) {
      this.#options.log.info({ id: value.id, nodes: value.nodes, moved: value.moved }, 'a drain goes on');
      this.#begin(value, vm);
    }
  }

  implementation(): Pick<ImplementationOf<typeof registryService>, DrainRpcs> {
    return {
      drain: (request) => this.drain(request),
      cancelDrain: ({ nodes, user }) => this.#cancel(nodes, user),
      drains: () => ({ drains: [...this.#active.values()].map(({ info }) => info) }),
    };
  }

  /** The stream ends with the drain, or (detached) with its plan; leaving it does not stop the drain. */
  async *drain(request: mpvm.node.IDrainRequest): AsyncGenerator<mpvm.node.IDrainEvent, void> {
    const drain = await this.#find(request);
    for await (const event of drain.feed.watch()) {
      yield event;
      if (event.plan && request.detach) return;
    }
  }

  async #find(request: mpvm.node.IDrainRequest): Promise<Drain> {
    const vm = await this.#parts;
    if (request.id) {
      const known = this.#active.get(request.id);
      if (!known) throw new MpvmError('DRAIN_UNKNOWN', { id: request.id });
      return known;
    }
    const record = recordOf(request, `d${randomBytes(6).toString('hex')}`);
    for (const node of record.nodes) vm.peer(node); // throws NODE_UNKNOWN, NODE_DEAD
    if (request.dryRun) return this.#dryRun(record, vm);
    const before = new Set(record.nodes.map((node) => this.#of(node)));
    const [one] = before;
    if (before.size === 1 && one) return one;
    const other = record.nodes.find((node) => this.#of(node));
    if (other !== undefined) throw new MpvmError('DRAIN_RUNNING', { node: other, nodes: this.#of(other)!.record.nodes.join(', ') });
    // It is on the list before anything is waited for: of two that come at once the second one finds it.
    return this.#begin(record, vm);
  }

  #dryRun(record: DrainRecord, vm: VirtualMachine): Drain {
    const drain = new Drain(record, this.#deps(vm, record), true);
    void drain.run();
    return drain;
  }

  #begin(record: DrainRecord, vm: VirtualMachine): Drain {
    const drain = new Drain(record, this.#deps(vm, record));
    this.#active.set(record.id, drain);
    void this.#keep(record)
      .then(() => drain.run())
      .finally(() => this.#over(drain));
    return drain;
  }

  async #over({ record }: Drain): Promise<void> {
    this.#active.delete(record.id);
    if (this.#stopping) return;
    await update<DrainRecord, null>(this.#options.store, keyOf(record.id), () => ({ value: undefined, result: null })).catch((error: unknown) => this.#options.log.error({ err: error }, 'the end of a drain was not kept'));
    for (const node of record.nodes) await this.#options.ended(node, record.id).catch(() => undefined);
  }

  #deps(vm: VirtualMachine, record: DrainRecord): DrainDeps {
    return {
      vm,
      log: this.#options.log,
      emptied: () => new Set([...this.#active.values()].flatMap((drain) => drain.record.nodes)),
      close: (node) => this.#options.close(node, record),
      keep: (changed) => this.#keep(changed),
    };
  }

  async #keep(record: DrainRecord): Promise<void> {
    await update<DrainRecord, null>(this.#options.store, keyOf(record.id), () => ({ value: { ...record }, result: null }));
  }

  #of(node: string): Drain | undefined {
    return [...this.#active.values()].find(({ record }) => record.nodes.includes(node));
  }

  #cancel(nodes: readonly string[], user: string): mpvm.node.ICancelDrainReply {
    const found = new Set(nodes.map((node) => {
      const drain = this.#of(node);
      if (!drain) throw new MpvmError('NO_DRAIN', { node });
      return drain;
    }));
    for (const drain of found) drain.cancel(new MpvmError('CANCELLED', { detail: user ? ` by ${user}` : '' }));
    return { nodes: [...found].flatMap(({ record }) => record.nodes) };
  }
}
