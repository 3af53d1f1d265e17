/**
 * This node as a member of the VM: holds the Join stream to the registry (and joins again when it
 * breaks), sends heartbeats, and answers the other parts' questions from the view it keeps. On the
 * registry's own node the client is a local one; nothing else differs.
 */
import { EventEmitter } from 'node:events';
import { arch, cpus, loadavg, totalmem } from 'node:os';
import type { ChannelCredentials } from '@grpc/grpc-js';
import type { NodeClient, RegistryClient, VirtualMachine, VmEvents } from '../contracts.js';
import { asMpvmError, hasCode, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { cpuFeatures } from '../native/index.js';
import { createNodeClient } from '../rpc/clients.js';
import type { RevokedCertificates } from '../rpc/revoked.js';
import { mpvm } from '../rpc/messages.js';
import { memoryAvailable } from './machine.js';
import { patientRegistry } from './patient-registry.js';
import { isUp, View } from './view.js';
import type { ViewChange } from './view.js';

type NodeInfo = mpvm.node.INodeInfo;
type DirectoryEntry = mpvm.node.IDirectoryEntry;

const heartbeatMs = 1000;
const heartbeatTimeoutMs = 3000;
const rejoinMs = 200;
const leaveMs = 5000;
/** How long a question that must be answered (a commit, a sure location) is repeated. */
const patienceMs = 5000;

export interface MemberOptions {
  vm: string;
  node: { name: string; address: string; port: number };
  /** Host part from an earlier life of this daemon in this directory, or 0. */
  host: number;
  instance: string;
  /** PVM's sp=, or 0. */
  speed: number;
  /** mpvm up --cpu-baseline. */
  cpuBaseline: boolean;
  /** An earlier daemon of this directory was killed: there may be tasks that only the registry knows of. */
  restarted: boolean;
  registry: RegistryClient;
  /** Of this node itself. */
  selfClient: NodeClient;
  credentials(node: string): ChannelCredentials;
  revoked: RevokedCertificates;
  status(): { tasks: number; lastLocal: number };
  log: Logger;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Member implements VirtualMachine {
  readonly name: string;
  readonly self: { name: string; address: string; port: number; host: number };
  secret: Buffer = Buffer.alloc(0);
  firstLocal = 1;
  tasksLost = false;

  readonly #options: MemberOptions;
  readonly #log: Logger;
  readonly #view: View;
  readonly #registry: RegistryClient;
  readonly #events = new EventEmitter();
  readonly #stop = new AbortController();
  readonly #peers = new Map<string, { endpoint: string; client: NodeClient }>();
  /** Tasks of this node that the registry has heard of. */
  readonly #used = new Set<number>();
  #offices: mpvm.node.IOfficer[] = [];
  #link = new AbortController();
  #joined = false;
  #retiring = false;
  #heartbeat: NodeJS.Timeout | undefined;

  private constructor(options: MemberOptions) {
    this.#options = options;
    this.#log = options.log;
    this.name = options.vm;
    this.self = { ...options.node, host: options.host };
    this.#view = new View(options.node.name);
    this.#events.setMaxListeners(0);
    this.#registry = patientRegistry(options.registry, { stop: this.#stop.signal, instance: options.instance, used: (tid) => this.#used.add(tid) });
  }

  /** Resolves when the first snapshot is here. Rejects with REGISTRY_UNREACHABLE or JOIN_REFUSED. */
  static async join(options: MemberOptions, joinPatienceMs: number): Promise<Member> {
    const member = new Member(options);
    const deadline = Date.now() + joinPatienceMs;
    await new Promise<void>((resolve, reject) => {
      void member.#stay(resolve, (error) => {
        const transient = hasCode(error, 'REGISTRY_UNREACHABLE') || hasCode(error, 'JOIN_REFUSED');
        if (transient && Date.now() < deadline) return true;
        reject(error);
        return false;
      });
    });
    member.#heartbeat = setInterval(() => void member.#beat(), heartbeatMs);
    void member.#beat();
    return member;
  }

  nodes(): NodeInfo[] {
    return this.#view.nodes();
  }
  nodeNamed(name: string): NodeInfo | undefined {
    return this.#view.named(name);
  }
  nodeOfHost(host: number): NodeInfo | undefined {
    return this.#view.ofHost(host);
  }
  locate(tid: number): { node: string; epoch: number } {
    return this.#view.locate(tid);
  }

  async locateSurely(tid: number): Promise<{ node: string; epoch: number }> {
    const { entry } = await this.#surely(() => this.#registry.locate({ tid }, { timeoutMs: patienceMs }));
    return { node: entry?.node ?? '', epoch: entry?.epoch ?? 0 };
  }

  async commitMove(move: { tid: number; epoch: number; from: string; to: string; migration: string }): Promise<{ committed: boolean; now: DirectoryEntry }> {
    const { committed, now } = await this.#surely(() => this.#registry.commitMove(move, { timeoutMs: patienceMs }));
    if (committed && now) this.#tell(this.#view.move(now));
    return { committed, now: now ?? {} };
  }

  async forget(tid: number, epoch: number): Promise<void> {
    const known = this.#used.delete(tid) || this.#view.hasMoved(tid) || this.#options.restarted;
    if (!known) return;
    try {
      await this.#registry.forget({ tid, epoch });
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#log.error({ err: error, tid }, 'the registry could not be told of the end of a task');
    }
  }

  async setCordon(node: string, cordoned: boolean, reason: string, user: string): Promise<void> {
    await this.#registry.setCordon({ node, cordoned, reason, user });
  }

  officer(office: mpvm.task.Office): mpvm.node.IOfficer | undefined {
    const serves = (officer: mpvm.node.IOfficer): boolean => office !== mpvm.task.Office.TASKER || this.locate(officer.tid ?? 0).node === this.self.name;
    return this.#offices.find((officer) => (officer.office ?? 0) === office && serves(officer));
  }
  officers(): mpvm.node.IOfficer[] {
    return this.#offices;
  }

  peer(name: string): NodeClient {
    if (name === this.self.name) return this.#options.selfClient;
    const node = this.#view.named(name);
    if (node === undefined) throw new MpvmError('NODE_UNKNOWN', { node: name });
    if (!isUp(node)) throw new MpvmError('NODE_DEAD', { node: name, state: node.state === mpvm.node.NodeState.LEFT ? 'not part of the VM any more' : 'dead' });
    const endpoint = `${node.address}:${node.port}`;
    const known = this.#peers.get(name);
    if (known?.endpoint === endpoint) return known.client;
    known?.client.close();
    const client = createNodeClient({ target: endpoint, peer: `node ${name} (${endpoint})`, unreachable: 'NODE_UNREACHABLE', credentials: this.#options.credentials(name) });
    this.#peers.set(name, { endpoint, client });
    return client;
  }

  registry(): RegistryClient {
    return this.#registry;
  }

  on<E extends keyof VmEvents>(event: E, listener: (...args: VmEvents[E]) => void): () => void {
    const heard = listener as (...args: unknown[]) => void;
    this.#events.on(event, heard);
    return () => void this.#events.off(event, heard);
  }

  async shutdown(reason: string): Promise<void> {
    try {
      await this.#registry.shutdown({ reason });
    } catch (error) {
      this.#log.warn({ err: error }, 'the registry could not be told to take the VM down; this node goes alone');
      this.#emit('shutdown', reason);
    }
  }

  /** This node is sent home: from now on it does not join again; `done` when the registry has struck it off. */
  retire(done: () => void): void {
    this.#retiring = true;
    clearInterval(this.#heartbeat);
    const look = (node: NodeInfo): void => {
      if (node.name === this.self.name && node.state === mpvm.node.NodeState.LEFT) done();
    };
    this.on('nodeChanged', look);
  }

  /** Other nodes that are still up. */
  others(): NodeInfo[] {
    return this.#view.nodes().filter((node) => node.name !== this.self.name && isUp(node));
  }

  /** Says good-bye, and ends all connections. `reopen`: the node was cordoned only in order to leave. */
  async leave(reopen = false): Promise<void> {
    clearInterval(this.#heartbeat);
    // First no joining any more: a request under way would take the good-bye back.
    this.#stop.abort();
    this.#link.abort();
    const request = { name: this.self.name, lastLocal: this.#options.status().lastLocal, reopen };
    for (const deadline = Date.now() + leaveMs; ; ) {
      try {
        await this.#options.registry.leave(request, { timeoutMs: leaveMs });
        break;
      } catch (error) {
        // Struck off already.
        if (hasCode(error, 'CERTIFICATE_REVOKED')) break;
        if (Date.now() + rejoinMs < deadline) {
          await pause(rejoinMs);
          continue;
        }
        this.#log.info({ cause: asMpvmError(error).message }, 'left without the registry knowing');
        break;
      }
    }
    for (const { client } of this.#peers.values()) client.close();
    this.#options.registry.close();
  }

  /** Joins, follows the events, and joins again, until leave(). `failed` decides whether a failure before the first snapshot is final. */
  async #stay(joined: () => void, failed: (error: MpvmError) => boolean): Promise<void> {
    for (let told = false; ; ) {
      this.#link = new AbortController();
      let linked = false;
      try {
        for await (const event of this.#options.registry.join(this.#joinRequest(), { signal: this.#link.signal })) {
          this.#apply(event);
          if (!event.snapshot) continue;
          linked = true;
          joined();
        }
        if (!this.#stop.signal.aborted) this.#log.warn('the registry has ended the link; joining again');
      } catch (thrown) {
        const error = asMpvmError(thrown);
        if (this.#stop.signal.aborted) return;
        if (this.#joined && hasCode(error, 'CERTIFICATE_REVOKED')) {
          this.#log.error({ cause: error.message }, 'this node is no part of the VM any more, and ends');
          this.#emit('shutdown', error.message);
          return;
        }
        if (!this.#joined && !failed(error)) return;
        if (linked || !told) this.#log.warn({ code: error.code, cause: error.message }, 'no link to the registry; trying to join again');
        told = true;
      }
      if (this.#stop.signal.aborted || this.#retiring) return;
      await pause(rejoinMs);
    }
  }

  #joinRequest(): mpvm.node.IJoinRequest {
    const { name, address, port, host } = this.self;
    return { name, address, port, host, instance: this.#options.instance, speed: this.#options.speed, cpuFeatures: cpuFeatures(), cpuBaseline: this.#options.cpuBaseline, architecture: arch() === 'x64' ? 'LINUX64' : arch(), memoryBytes: totalmem(), cpus: cpus().length };
  }

  #apply(event: mpvm.node.IVmEvent): void {
    if (event.snapshot) this.#takeSnapshot(event.snapshot);
    else if (event.node) this.#tell(this.#view.node(event.node));
    else if (event.moved) this.#tell(this.#view.move(event.moved));
    else if (event.forgotten) this.#forgotten(event.forgotten);
    else if (event.offices) this.#takeOffices(event.offices);
    else if (event.revoked) this.#options.revoked.add(event.revoked);
    else if (event.shutdown) this.#emit('shutdown', 'the VM goes down');
  }

  #takeSnapshot(snapshot: mpvm.node.IVmSnapshot): void {
    const again = this.#joined;
    const secret = Buffer.from(snapshot.secret ?? []);
    if (again && (snapshot.yourHost !== this.self.host || !secret.equals(this.secret))) {
      this.#log.error('the registry is that of another VM now; this node ends');
      this.#emit('shutdown', 'the registry has lost this VM');
      return;
    }
    this.#joined = true;
    this.self.host = snapshot.yourHost ?? 0;
    this.secret = secret;
    this.firstLocal = Math.max(this.firstLocal, snapshot.firstLocal ?? 1);
    this.tasksLost = snapshot.tasksLost ?? false;
    this.#takeOffices(snapshot.offices ?? {});
    for (const certificate of snapshot.revoked ?? []) this.#options.revoked.add(certificate);
    this.#tell(this.#view.replace(snapshot));
    this.#emit('resynced');
    this.#log.info({ host: this.self.host, nodes: snapshot.nodes?.length, again, tasksLost: this.tasksLost }, 'joined the VM');
    if (again && this.tasksLost) this.#emit('outcast');
  }

  #forgotten(tid: number): void {
    this.#view.forget(tid);
    this.#emit('forgotten', tid);
  }

  #takeOffices({ officers }: mpvm.node.IOffices): void {
    this.#offices = officers ?? [];
    this.#emit('offices');
  }

  async #beat(): Promise<void> {
    if (!this.#joined || this.#stop.signal.aborted) return;
    const { tasks, lastLocal } = this.#options.status();
    const { name } = this.self;
    try {
      const { known } = await this.#options.registry.heartbeat(
        { name, instance: this.#options.instance, load: loadavg()[0] ?? 0, tasks, memoryFreeBytes: memoryAvailable(), lastLocal },
        { timeoutMs: heartbeatTimeoutMs, signal: this.#stop.signal });
      if (!known) this.#link.abort();
    } catch (error) {
      this.#log.debug({ cause: asMpvmError(error).message }, 'heartbeat not answered');
    }
  }

  async #surely<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (thrown) {
      const { message } = asMpvmError(thrown);
      throw hasCode(thrown, 'REGISTRY_UNREACHABLE') ? thrown : new MpvmError('REGISTRY_UNREACHABLE', { peer: 'this VM', detail: message });
    }
  }

  #tell(changes: ViewChange[]): void {
    for (const [event, value] of changes) this.#emit(event, value);
  }

  /** A listener that fails is our bug, but must not stop the others from hearing it. */
  #emit(event: keyof VmEvents, ...args: unknown[]): void {
    for (const listener of this.#events.listeners(event) as ((...args: unknown[]) => void)[]) {
      try {
        listener(...args);
      } catch (error) {
        this.#log.error({ err: error, event }, 'a listener failed');
      }
    }
  }
}
