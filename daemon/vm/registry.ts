/**
 * The registry: what the whole VM must agree on. Puts membership, directory, groups, mailbox and
 * contexts together over one store, and tells every joined node of the changes.
 */
import { randomBytes } from 'node:crypto';
import { MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import type { NodeClient } from '../contracts.js';
import { mpvm } from '../rpc/messages.js';
import type { RevokedCertificates } from '../rpc/revoked.js';
import type { CallContext, ImplementationOf } from '../rpc/server.js';
import type { registryService } from '../rpc/services.js';
import type { DrainRpcs } from '../drain/index.js';
import type { HostRpcs } from '../hosts/index.js';
import { freeContext, newContext } from './contexts.js';
import { Directory } from './directory.js';
import { EventQueue } from './event-queue.js';
import { Groups } from './groups.js';
import type { GroupResult } from './gate.js';
import type { Passage } from './groups.js';
import { Mailbox } from './mailbox.js';
import { defaultTiming, Membership } from './membership.js';
import type { Timing } from './membership.js';
import { Offices } from './offices.js';
import { PageHolders } from './page-holders.js';
import { pvm } from './pvm.js';
import { update } from './store.js';
import type { Change, Store } from './store.js';

type VmEvent = mpvm.node.IVmEvent;
const State = mpvm.node.NodeState;
const Verb = mpvm.task.Group.Verb;

interface VmRecord {
  name: string;
  /** hex */
  secret: string;
}
export interface RegistryOptions {
  store: Store;
  vm: string;
  /** The node it runs on. */
  node: string;
  log: Logger;
  timing?: Timing;
  /** Asks a silent node once more whether it lives. */
  lastCall(node: mpvm.node.INodeInfo): Promise<boolean>;
  /** Kept by the registry, asked by all that serve and call. */
  revoked: RevokedCertificates;
  /** Service Node of a node of the VM. Throws when it cannot be reached just now. */
  peer(node: string): Pick<NodeClient, 'groupPage'>;
}

export class Registry {
  readonly #store: Store;
  readonly #options: RegistryOptions;
  readonly #log: Logger;
  readonly #members: Membership;
  readonly #directory: Directory;
  readonly #pages: PageHolders;
  readonly #groups: Groups;
  readonly #mailbox: Mailbox;
  readonly #offices: Offices;
  /** And the node that each tells. */
  readonly #subscribers = new Map<EventQueue<VmEvent>, string>();
  /** What waits for a task's end: its barriers and mailbox calls. */
  readonly #waits = new Map<number, Set<AbortController>>();
  #secret = Buffer.alloc(0);

  private constructor(options: RegistryOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#log = options.log;
    this.#members = new Membership(options.store, options.log, options.timing ?? defaultTiming, (node) => this.#nodeChanged(node), (node) => options.lastCall(node));
    this.#directory = new Directory(options.store, { nodeOfHost: (host) => this.#members.nameOfHost(host), alive: (name) => this.#members.alive(name) });
    this.#pages = new PageHolders({
      nodeOf: (tid) => this.#directory.locate(tid).node,
      alive: (node) => this.#members.alive(node),
      call: async (node, request, { timeoutMs }) => options.peer(node).groupPage(request, { timeoutMs }),
    }, options.log);
    this.#groups = new Groups(options.store, this.#pages);
    this.#mailbox = new Mailbox(options.store);
    this.#offices = new Offices(options.store, (tid) => this.#directory.locate(tid).node, () => this.#publish({ offices: { officers: this.#offices.officers } }));
  }

  /** Takes up what the store holds, or makes a new VM in it. */
  static async open(options: RegistryOptions): Promise<Registry> {
    const registry = new Registry(options);
    const known = await options.store.get<VmRecord>('vm');
    const vm: VmRecord = known?.value ?? { name: options.vm, secret: randomBytes(16).toString('hex') };
    if (!known) await options.store.compareAndSet('vm', 0, vm);
    registry.#secret = Buffer.from(vm.secret, 'hex');
    for (const key of (await options.store.list('revoked/')).keys()) options.revoked.add(key.slice('revoked/'.length));
    await registry.#directory.load();
    await registry.#members.load();
    await registry.#groups.load();
    await registry.#mailbox.load();
    await registry.#offices.load();
    options.store.watch('task/', (change) => registry.#taskChanged(change));
    return registry;
  }

  close(): void {
    this.#members.stop();
    this.#pages.close();
    for (const subscriber of this.#subscribers.keys()) subscriber.end();
  }

  nodes(): mpvm.node.INodeInfo[] {
    return this.#members.nodes();
  }

  /** It has been sent home: it has left, and comes back without the cordon that emptied it. */
  async strikeOff(node: string): Promise<void> {
    const certificate = await this.#members.strikeOff(node);
    if (certificate === '') return;
    // Who deletes a node may not trust it any more: with this certificate it does not come back.
    await update<{ node: string; timeMs: number }, null>(this.#store, `revoked/${certificate}`, () => ({ value: { node, timeMs: Date.now() }, result: null }));
    this.#options.revoked.add(certificate);
    this.#publish({ revoked: certificate });
    for (const [subscriber, name] of this.#subscribers) if (name === node) subscriber.end();
  }

  /** For a drain; a reason that was given before stays unless the drain has one of its own. */
  async closeForDrain(node: string, { id, reason, user, startedMs }: { id: string; reason: string; user: string; startedMs: number }): Promise<void> {
    const before = this.#members.cordonOf(node);
    const words = before && reason === '' ? before : { reason: reason || 'drain', user, timeMs: startedMs };
    await this.#members.setCordon(node, { ...words, drain: id });
  }
  async drainEnded(node: string, drain: string): Promise<void> {
    await this.#members.drainEnded(node, drain);
  }

  /** For serve(registryService, …), and for the daemon of this node itself; what concerns hosts and drains is answered elsewhere. */
  implementation(): Omit<ImplementationOf<typeof registryService>, HostRpcs | DrainRpcs> {
    return {
      join: (request, context) => this.#join(request, context),
      leave: async ({ name, lastLocal, reopen }, { caller }) => {
        checkCaller(caller, name);
        await this.#members.leave(name, lastLocal, reopen);
        return {};
      },
      heartbeat: async (request, { caller }) => {
        checkCaller(caller, request.name);
        return { known: await this.#members.heartbeat(request) };
      },
      setCordon: async ({ node, cordoned, reason, user }) => {
        await this.#members.setCordon(node, cordoned ? { reason, user, timeMs: Date.now() } : undefined);
        return {};
      },
      commitMove: async (move) => {
        const { committed, now } = await this.#directory.commit(move);
        this.#log.info({ move, committed, now }, committed ? 'move committed' : 'move refused');
        return { committed, now: { tid: move.tid, ...now } };
      },
      locate: ({ tid }) => {
        const { node, epoch, moved } = this.#directory.locate(tid);
        return { entry: { tid, node, epoch }, moved };
      },
      forget: async ({ tid, epoch }) => {
        const { epoch: known } = this.#directory.locate(tid);
        if (known <= epoch) await this.#taskEnded(tid, epoch);
        return {};
      },
      group: (request, context) => this.#group(request, context),
      mailbox: (request, context) => this.#mail(request, context),
      register: ({ officer, on }) => this.#offices.register(officer ?? {}, on),
      newContext: async ({ tid }) => ({ status: await newContext(this.#store, tid) }),
      freeContext: async ({ context }) => ({ status: await freeContext(this.#store, context) }),
      shutdown: ({ reason }) => {
        this.#log.info({ reason }, 'the VM goes down');
        this.#publish({ shutdown: true });
        return {};
      },
    };
  }

  async *#join(request: mpvm.node.JoinRequest, { signal, caller, fingerprint }: CallContext): AsyncGenerator<VmEvent> {
    checkCaller(caller, request.name);
    const { host, firstLocal, tasksLost } = await this.#members.join(request, request.name === this.#options.node, fingerprint);
    this.#log.info({ member: request.name, address: request.address, port: request.port, host, instance: request.instance, tasksLost }, 'node joined');
    const queue = new EventQueue<VmEvent>(signal);
    const broken = this.#members.linked(request.name);
    // The snapshot and the place in the queue are taken in one step: no change is missed or told twice.
    this.#subscribers.set(queue, request.name);
    const snapshot = { vm: this.#options.vm, yourHost: host, nodes: this.#members.nodes(), directory: this.#directory.entries(), secret: this.#secret, firstLocal, tasksLost, offices: { officers: this.#offices.officers }, revoked: this.#options.revoked.list };
    try {
      yield { snapshot };
      yield* queue;
    } finally {
      this.#subscribers.delete(queue);
      broken();
    }
  }

  async #group({ tid, group, again, id }: mpvm.node.GroupRequest, { signal }: CallContext): Promise<mpvm.node.IGroupResponse> {
    const { verb = Verb.JOIN, name = '', tid: about = 0, number = 0, call = 0, page = 0, unusable = 0 } = group ?? {};
    if (!name && verb !== Verb.LIST) return { status: pvm.NullGroup };
    // The library numbers its calls, so that one counts once although another daemon may send it again.
    const request = call ? `call ${call}` : id;
    return this.#whileAlive(tid, signal, async (waiting) => {
      const passage = { tid, count: number ?? 0, request, page: page ?? 0, unusable: unusable ?? 0, signal: waiting };
      const { status, ...reply } = await this.#groupVerb(verb ?? Verb.JOIN, name ?? '', about ?? 0, again, passage);
      return { status, reply };
    });
  }

  #groupVerb(verb: mpvm.task.Group.Verb, name: string, about: number, again: boolean, passage: Passage): Promise<GroupResult> | GroupResult {
    const { tid, count, request } = passage;
    switch (verb) {
      case Verb.JOIN: return this.#groups.join(name, tid, request);
      case Verb.LEAVE: return this.#groups.leave(name, tid, again);
      case Verb.BARRIER: return this.#groups.barrier(name, passage);
      case Verb.FREEZE: return this.#groups.freeze(name, passage);
      case Verb.INSTANCE: return this.#groups.instance(name, tid, about);
      case Verb.TID: return this.#groups.tidOf(name, tid, count);
      case Verb.SIZE: return this.#groups.size(name, tid);
      case Verb.MEMBERS: return this.#groups.members(name, tid);
      case Verb.LIST: return this.#groups.list();
      default: return { status: pvm.BadParam };
    }
  }

  async #mail(request: mpvm.node.MailboxRequest, { signal }: CallContext): Promise<mpvm.node.IMailboxResponse> {
    const { tid, put, get, delete: remove, list, reset, again } = request;
    if (put) {
      const { name = '', flags = 0, index = 0, exact = false, encoding = 0, tag = 0, context = 0, body } = put;
      const message = { encoding: encoding ?? 0, tag: tag ?? 0, context: context ?? 0, body: body ?? new Uint8Array() };
      return { status: await this.#mailbox.put(tid, { name: name ?? '', flags: flags ?? 0, index: index ?? 0, exact: exact ?? false, ...message }, request.id, again) };
    }
    if (get) return this.#whileAlive(tid, signal, (waiting) => this.#mailbox.get(tid, get.name ?? '', get.index ?? 0, get.flags ?? 0, waiting));
    if (remove) return { status: await this.#mailbox.delete(tid, remove.name ?? '', remove.index ?? 0) };
    if (list) {
      const classes = this.#mailbox.list(list.pattern ?? '*');
      return classes ? { status: pvm.Ok, classes: { classes } } : { status: pvm.BadParam };
    }
    if (reset) return { status: await this.#mailbox.reset(tid, { name: reset.name ?? '', index: reset.index ?? 0, all: reset.all ?? false, keep: reset.keep ?? [] }) };
    return { status: pvm.BadParam };
  }

  /** Ends a wait when its caller is gone or when the task itself has ended. */
  async #whileAlive<T>(tid: number, caller: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const waits = this.#waits.get(tid) ?? new Set();
    this.#waits.set(tid, waits.add(controller));
    const abort = (): void => controller.abort();
    caller.addEventListener('abort', abort, { once: true });
    if (caller.aborted) abort();
    try {
      return await work(controller.signal);
    } finally {
      caller.removeEventListener('abort', abort);
      waits.delete(controller);
      if (waits.size === 0) this.#waits.delete(tid);
    }
  }

  async #taskEnded(tid: number, epoch?: number): Promise<void> {
    for (const wait of this.#waits.get(tid) ?? []) wait.abort();
    await this.#groups.taskEnded(tid);
    await this.#mailbox.taskEnded(tid);
    await this.#offices.taskEnded(tid);
    await this.#directory.forget(tid, epoch);
  }

  /** A node has been declared dead, or has left: what was on it is gone. */
  async #nodeGone(name: string): Promise<void> {
    const known = new Set([...this.#groups.tids(), ...this.#mailbox.tids(), ...this.#offices.tids(), ...this.#directory.entries().map(({ tid }) => tid)]);
    for (const tid of known) if (this.#directory.locate(tid).node === name) await this.#taskEnded(tid);
  }

  #nodeChanged(node: mpvm.node.INodeInfo): void {
    this.#publish({ node });
    if (node.state !== State.DEAD && node.state !== State.LEFT) return;
    this.#nodeGone(node.name ?? '').catch((error: unknown) => this.#log.error({ err: error, member: node.name }, 'tasks of a lost node could not be cleared away'));
  }

  #taskChanged({ key, value }: Change): void {
    const tid = Number(key.slice(5));
    if (value === undefined) this.#publish({ forgotten: tid });
    else this.#publish({ moved: { tid, ...(value as { node: string; epoch: number }) } });
  }

  #publish(event: VmEvent): void {
    for (const subscriber of this.#subscribers.keys()) subscriber.push(event);
  }
}

/** Over TLS a node can speak for itself only. */
function checkCaller(caller: string | undefined, name: string): void {
  if (caller !== undefined && caller !== name) throw new MpvmError('JOIN_REFUSED', { node: name, detail: `its certificate is for ${caller}` });
}
