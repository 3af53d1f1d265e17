/**
 * Where can a task be reached? Answered when it is known: for a task that moves after the move,
 * for one that has just been started when it listens.
 */
import { mpvm } from '../rpc/messages.js';
import { hostOf } from './codes.js';
import { type Core, delay } from './core.js';
import type { TaskEntry } from './entry.js';
import type { Router } from './router.js';

type Route = mpvm.task.IRoute;
const { DEAD, HERE, ELSEWHERE } = mpvm.task.Route.State;

/** A task may take as long as it likes to start or move: the call is only repeated now and then. */
const peerTimeoutMs = 60_000;
/** A chain of moves is followed so far with stale knowledge, then the registry is asked. */
const hops = 4;
/** A process that ends cuts its connections some instants before it is seen to have ended. */
const dyingMs = 10;

export class Resolver {
  readonly #core: Core;
  readonly #router: Router;

  constructor(core: Core, router: Router) {
    this.#core = core;
    this.#router = router;
  }

  /** For a task of this node. `later` is called, once, when the answer has to wait for the end of a move or a start. */
  async forTask(request: mpvm.task.IResolve, later: () => void): Promise<Route> {
    const tid = request.tid ?? 0;
    const self = this.#core.vm.self.name;
    let known: { node: string; epoch: number } | undefined;
    let told = false;
    const tell = (): void => {
      if (!told) later();
      told = true;
    };
    for (let hop = 0; !this.#core.stopping; hop++) {
      const here = await this.#here(request, tell);
      if (here) return here;
      let where = this.#router.whereIs(tid);
      if (known !== undefined && known.epoch > where.epoch) where = known;
      if (where.node === self || hop >= hops) {
        const sure = await this.#router.whereSurely(tid);
        if (sure === undefined || sure.node === self) {
          if (this.#core.table.get(tid)?.here) continue;
          return { tid, state: DEAD };
        }
        where = sure;
        if (hop >= hops) await delay(dyingMs * hop);
      }
      const reply = await this.#router.ask(where.node, (client) => client.resolve({ ...request, impatient: !told }, { timeoutMs: peerTimeoutMs }));
      if (reply === undefined) return { tid, state: DEAD };
      if (reply.later) {
        tell();
        hop--;
        continue;
      }
      if (!reply.notHere) return this.#elsewhere(reply.route, where.node);
      known = { node: reply.now?.node ?? '', epoch: reply.now?.epoch ?? 0 };
    }
    return { tid, state: DEAD };
  }

  /** Service Node: for a task of another node. */
  async forPeer(request: mpvm.node.IResolveRequest): Promise<mpvm.node.IResolveReply> {
    const tid = request.tid ?? 0;
    for (;;) {
      if (request.impatient && this.#isPutOff(request.tid ?? 0)) return { later: true };
      const route = await this.#here(request);
      if (route) return { route };
      let where: { node: string; epoch: number } | undefined = this.#router.whereIs(tid);
      if (where.node === this.#core.vm.self.name) {
        where = await this.#router.whereSurely(tid);
        if (this.#core.table.get(tid)?.here) continue;
        if (where === undefined || where.node === this.#core.vm.self.name) return { route: { tid, state: DEAD } };
      }
      return { notHere: true, now: { tid, ...where } };
    }
  }

  /** The route to a task of this node, as seen from this node; undefined when it is not here (any more). */
  async #here(request: mpvm.task.IResolve, later?: () => void): Promise<Route | undefined> {
    for (;;) {
      const entry = this.#core.table.get(request.tid ?? 0);
      if (!entry?.here) return undefined;
      if (entry.isConsole) return { tid: entry.tid, state: DEAD }; // what is sent to it goes nowhere, as in PVM
      if (this.#dying(entry, request)) {
        entry.process?.hint();
        await delay(dyingMs);
        continue;
      }
      if (entry.isReachable) {
        const { localPath, port } = entry.endpoint!;
        return { tid: entry.tid, state: HERE, epoch: entry.epoch, localPath, address: this.#core.vm.self.address, port };
      }
      later?.();
      await entry.reachable();
    }
  }

  #isPutOff(tid: number): boolean {
    const entry = this.#core.table.get(tid);
    return entry !== undefined && entry.here && !entry.isConsole && !entry.isReachable;
  }

  #dying(entry: TaskEntry, request: mpvm.task.IResolve): boolean {
    return request.broken === true && entry.process !== undefined && entry.state === 'running' && !entry.process.alive;
  }

  #elsewhere(route: Route | null | undefined, node: string): Route {
    if (route == null || route.state !== HERE) return { tid: route?.tid ?? 0, state: DEAD };
    const address = route.address || this.#core.vm.nodeNamed(node)?.address || '';
    return { tid: route.tid, state: ELSEWHERE, epoch: route.epoch, address, port: route.port };
  }

  /** What is known of a task, anywhere; undefined when there is none. Waits while it moves. */
  async find(tid: number): Promise<{ row: mpvm.node.ITaskRow; node: string } | undefined> {
    const self = this.#core.vm.self.name;
    let before = '';
    while (!this.#core.stopping && this.#core.vm.nodeOfHost(hostOf(tid)) !== undefined) {
      const here = await this.rowHere(tid);
      if (here) return { row: here, node: self };
      let { node } = this.#router.whereIs(tid);
      if (node === self || node === before) node = (await this.#router.whereSurely(tid))?.node ?? self;
      if (this.#core.table.get(tid)?.here) continue;
      if (node === self || node === before) return undefined;
      before = node;
      const row = (await this.#router.ask(node, (client) => client.listTasks({ tid }, { timeoutMs: peerTimeoutMs })))?.tasks[0];
      if (row) return { row, node };
    }
    return undefined;
  }

  /** Of a task of this node; once it is known whether it is one. */
  async rowHere(tid: number): Promise<mpvm.node.ITaskRow | undefined> {
    await this.#core.table.get(tid)?.settled();
    const entry = this.#core.table.get(tid);
    return entry?.here ? entry.row() : undefined;
  }
}
