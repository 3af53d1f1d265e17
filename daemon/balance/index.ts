/** The face of daemon/balance: this node's measurements, and the one balancer of the VM (on the registry's node). */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Balancing, Tasks, VirtualMachine } from '../contracts.js';
import { asMpvmError, errnoOf, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import type { NodePaths } from '../paths.js';
import type { mpvm } from '../rpc/messages.js';
import { Balancer } from './balancer.js';
import { DecisionLog } from './decisions.js';
import { Lingerers } from './lingerers.js';
import { wanted } from './request.js';
import { Sampler } from './sampler.js';

export interface BalancingOptions {
  vm: VirtualMachine;
  tasks: Tasks;
  paths: NodePaths;
  log: Logger;
}

export function createBalancing(options: BalancingOptions): NodeBalancing {
  return new NodeBalancing(options);
}

class NodeBalancing implements Balancing {
  readonly #vm: VirtualMachine;
  readonly #log: Logger;
  readonly #watchFile: string;
  readonly #sampler: Sampler;
  readonly #decisions: DecisionLog;
  readonly #lingerers: Lingerers;
  #current: Balancer | undefined;

  constructor({ vm, tasks, paths, log }: BalancingOptions) {
    this.#vm = vm;
    this.#log = log.child({ part: 'balance' });
    this.#watchFile = paths.watch;
    this.#lingerers = new Lingerers(paths.lingerers, tasks, this.#log);
    this.#sampler = new Sampler(vm.self.name, tasks, this.#lingerers);
    this.#decisions = new DecisionLog(paths.decisions, this.#log);
    vm.on('shutdown', () => this.#current?.stop());
  }

  sample(request: mpvm.node.ISampleRequest): Promise<mpvm.node.ISampleReply> {
    return this.#sampler.sample(request);
  }

  linger(tid: number, on: boolean): void {
    if (on) this.#lingerers.begin(tid);
    else this.#lingerers.end(tid);
  }

  async *balance(request: mpvm.node.IBalanceRequest, signal: AbortSignal): AsyncGenerator<mpvm.node.IBalanceEvent, void> {
    const balancer = this.#begin(request);
    const { watch, detach } = balancer.wanted;
    // Who leaves one round of moves leaves it to end; a watch ends with its watcher.
    if (watch && !detach) signal.addEventListener('abort', () => balancer.stop(), { once: true });
    for await (const event of balancer.events) {
      yield event;
      if (detach && event.plan) return;
    }
  }

  #begin(request: mpvm.node.IBalanceRequest): Balancer {
    const what = wanted(request);
    const deps = { vm: this.#vm, log: this.#log };
    if (what.dryRun) return new Balancer(what, deps, this.#decisions);
    if (this.#current) throw new MpvmError('BALANCE_RUNNING', { policy: this.#current.wanted.options.policy, user: this.#current.wanted.user });
    const balancer = new Balancer(what, deps, this.#decisions);
    this.#current = balancer;
    if (what.detach) writeFileSync(this.#watchFile, JSON.stringify(request), { mode: 0o600 });
    this.#log.info({ ...what.options, watch: what.watch, user: what.user }, 'balancing');
    void balancer.done.then(() => {
      if (this.#current === balancer) this.#current = undefined;
    });
    return balancer;
  }

  /** A detached watch outlives its daemon. */
  resume(): void {
    try {
      this.#begin(JSON.parse(readFileSync(this.#watchFile, 'utf8')) as mpvm.node.IBalanceRequest);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') this.#log.warn({ path: this.#watchFile, cause: asMpvmError(error).message }, 'the watch over the load could not be taken up again');
    }
  }

  async stop(): Promise<void> {
    rmSync(this.#watchFile, { force: true });
    if (!this.#current) throw new MpvmError('NO_BALANCE');
    this.#current.stop();
    await this.#current.done;
  }

  status(): mpvm.node.IBalanceStatusReply {
    const now = this.#current;
    return {
      running: now !== undefined,
      watch: now?.wanted.watch ?? false,
      detached: now?.wanted.detach ?? false,
      policy: now?.wanted.options.policy ?? '',
      periodS: (now?.wanted.periodMs ?? 0) / 1000,
      user: now?.wanted.user ?? '',
      sinceMs: now?.sinceMs ?? 0,
      ...(now?.counts ?? {}),
      log: this.#decisions.path,
      node: this.#vm.self.name,
    };
  }
}
