/**
 * Deleting hosts: their tasks are moved to the other nodes first, then each node is told to leave. What
 * cannot be moved is ended with its node, as under PVM, when the request says so; else that node stays, cordoned.
 */
import type { VirtualMachine } from '../contracts.js';
import { asMpvmError, hasCode, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { Feed } from '../migration/mailbox.js';
import { mpvm } from '../rpc/messages.js';
import { isUp } from '../vm/view.js';
import { failure, pvmStatus } from './status.js';

type HostEvent = mpvm.node.IHostEvent;
type Left = mpvm.node.DrainEvent.ILeft;

export interface DeleteDeps {
  vm: VirtualMachine;
  /** The registry strikes the node off: it has left, for everybody. */
  strikeOff: (node: string) => Promise<void>;
  log: Logger;
}

const retireMs = 5000;
/** Names being deleted by this daemon. */
const underWay = new Set<string>();

export function deleteHosts(request: mpvm.node.DeleteHostsRequest, deps: DeleteDeps): AsyncGenerator<HostEvent, void> {
  const work = new Deletion(request, deps);
  void work.run();
  return work.feed.watch();
}

interface Chosen {
  index: number;
  name: string;
  alive: boolean;
}

class Deletion {
  readonly feed = new Feed<HostEvent>();
  readonly #request: mpvm.node.DeleteHostsRequest;
  readonly #deps: DeleteDeps;
  readonly #left = new Map<string, Left[]>();
  readonly #moved = new Map<string, number>();

  constructor(request: mpvm.node.DeleteHostsRequest, deps: DeleteDeps) {
    this.#request = request;
    this.#deps = deps;
  }

  async run(): Promise<void> {
    const chosen: Chosen[] = [];
    try {
      for (const [index, name] of this.#request.hosts.entries()) {
        try {
          chosen.push(this.#choose(index, name));
        } catch (error) {
          this.#settle(failure(index, name, error, pvmStatus.SysErr));
        }
      }
      const living = chosen.filter(({ alive }) => alive);
      const obstacle = await this.#empty(living.map(({ name }) => name));
      if (obstacle) for (const { index, name } of living) this.#settle(failure(index, name, obstacle, pvmStatus.SysErr));
      await Promise.all(chosen.filter((one) => !obstacle || !one.alive).map((one) => this.#sendHome(one)));
      this.feed.end();
    } catch (thrown) {
      this.feed.end(asMpvmError(thrown));
    } finally {
      for (const { name } of chosen) underWay.delete(name);
    }
  }

  #choose(index: number, name: string): Chosen {
    const { vm } = this.#deps;
    const node = vm.nodeNamed(name);
    if (node === undefined || node.state === mpvm.node.NodeState.LEFT) throw new MpvmError('NODE_UNKNOWN', { node: name });
    if (node.registry) throw new MpvmError('REGISTRY_STAYS', { node: name });
    // PVM's word for a name that the same request has twice.
    if (this.#request.hosts.indexOf(name) < index) throw new MpvmError('HOST_DUPLICATE', { host: name, node: name });
    if (underWay.has(name)) throw new MpvmError('HOST_BUSY', { node: name });
    underWay.add(name);
    return { index, name, alive: isUp(node) };
  }

  /** All of them in one drain, so that no task goes to a node that leaves as well. Resolves to what keeps them from leaving. */
  async #empty(nodes: string[]): Promise<MpvmError | undefined> {
    if (nodes.length === 0) return undefined;
    const { reason, user, deadlineS } = this.#request;
    try {
      for await (const event of this.#deps.vm.registry().drain({ nodes, reason: reason || 'deleted', user, deadlineS })) {
        if (event.failed) throw MpvmError.received(event.failed.code ?? 'INTERNAL', event.failed.text ?? '');
        if (event.left) this.#left.set(event.left.node ?? '', [...(this.#left.get(event.left.node ?? '') ?? []), event.left]);
        const { from, to, outcome } = event.migration ?? {};
        if (outcome === 'completed') {
          this.#moved.set(from ?? '', (this.#moved.get(from ?? '') ?? 0) + 1);
          for (const [index, name] of this.#request.hosts.entries()) if (name === from) this.feed.push({ progress: { index, name, text: `a task has moved to ${to}`, manual: false } });
        }
      }
      return undefined;
    } catch (error) {
      if (hasCode(error, 'DRAIN_RUNNING')) return new MpvmError('HOST_BUSY', { node: nodes.join(', ') });
      if (!this.#request.force) return asMpvmError(error);
      this.#deps.log.warn({ nodes, cause: asMpvmError(error).message }, 'nodes that leave could not be emptied');
      return undefined;
    }
  }

  async #sendHome({ index, name, alive }: Chosen): Promise<void> {
    const { vm, log, strikeOff } = this.#deps;
    const left = this.#left.get(name) ?? [];
    const moved = this.#moved.get(name) ?? 0;
    try {
      if (left.length > 0 && !this.#request.force) {
        throw new MpvmError('HOST_NOT_EMPTY', { node: name, left: left.map(({ tid }) => `t${(tid ?? 0).toString(16)}`).join(', ') });
      }
      const reason = this.#request.reason || 'deleted';
      // It says that it goes, then the registry strikes it off; it ends when it hears of that.
      if (alive) await vm.peer(name).retire({ reason }, { timeoutMs: retireMs }).catch((error: unknown) => log.warn({ node: name, cause: asMpvmError(error).message }, 'a node that is deleted does not answer'));
      await strikeOff(name);
      log.info({ node: name, moved, ended: left.length }, 'node deleted');
      this.#settle({ index, name, status: pvmStatus.Ok, moved, ended: left.length });
    } catch (error) {
      this.#settle({ ...failure(index, name, error, pvmStatus.SysErr), moved });
    }
  }

  #settle(result: mpvm.node.IHostResult): void {
    this.feed.push({ result });
  }
}
