/**
 * One node of the VM, put together: its directory, its certificate, the registry if it is kept
 * here, membership, tasks, migrations, and the two gRPC servers; and the way down again.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '@grpc/grpc-js';
import { Monitor } from '../activity/monitor.js';
import { createBalancing } from '../balance/index.js';
import { asMpvmError, hasCode, MpvmError } from '../errors.js';
import { Drains } from '../drain/index.js';
import { Hosts } from '../hosts/index.js';
import type { FigureParts } from '../http/figures.js';
import { metricsRoute } from '../http/metrics.js';
import { HttpServer } from '../http/server.js';
import { applySettings, readSettings } from '../hosts/settings.js';
import type { Logger } from '../log.js';
import { createMigrations } from '../migration/index.js';
import { projectRoot } from '../native/index.js';
import type { NodePaths } from '../paths.js';
import { clientCredentials, ensureAuthority, serverCredentials, takeIdentity } from '../rpc/certificates.js';
import type { Identity } from '../rpc/certificates.js';
import { createNodeClient, createRegistryClient } from '../rpc/clients.js';
import type { NodeClient, RegistryClient } from '../rpc/clients.js';
import { controlImplementation } from '../rpc/control-service.js';
import { health, healthService } from '../rpc/health.js';
import { createGrpcServer, listenTcp, listenUnix, stopServer } from '../rpc/listen.js';
import { createLocalClient } from '../rpc/local-client.js';
import { nodeImplementation } from '../rpc/node-service.js';
import type { Parts } from '../rpc/node-service.js';
import { addReflection } from '../rpc/reflection.js';
import { RevokedCertificates } from '../rpc/revoked.js';
import { serve } from '../rpc/server.js';
import { controlService, nodeService, registryService } from '../rpc/services.js';
import { createTasks } from '../task/index.js';
import { dashboardRoutes } from '../web/index.js';
import { EmbeddedStore } from './embedded-store.js';
import { GroupPages } from './group-pages.js';
import type { Timing } from './membership.js';
import { keepIdentity, linkLocal, readNodeFile, removeDirectory, writeNodeFile } from './node-directory.js';
import { Registry } from './registry.js';
import { Member } from './virtual-machine.js';

export interface DaemonOptions {
  vm: string;
  node: string;
  address: string;
  /** 0: any, or the one that this node had before it was killed. */
  port: number;
  /** address:port of the registry; undefined: this node keeps it, or joins the one it had joined before. */
  join?: string;
  /** Keep the registry here, whatever an earlier life did. */
  registry: boolean;
  paths: NodePaths;
  faults: boolean;
  /** control.sock tells its services to whoever asks for them. */
  reflection: boolean;
  /** Told to stop, it keeps what it needs to come back (not the node of the registry: its VM is gone then). */
  stay: boolean;
  /** A node that is told to stop (SIGTERM) has so long to move its tasks to others; 0: it does not. */
  stopDrainS: number;
  /** Where to open the HTTP port at once; undefined: when somebody asks for it. */
  http?: { address: string; port: number };
  timing?: Timing;
  log: Logger;
}

/** Until a registry that does not answer is an error. */
const joinPatienceMs = 5000;
/** A silent node has so long to answer before it is declared dead. */
const lastCallMs = 2000;
/** Beside what moving its tasks away may take: for a node that leaves. */
const leaveMarginMs = 2000;
/** On the registry's node, for the others to say good-bye. */
const othersLeaveMs = 10_000;

/** A node that is sent home hears by then that it has been struck off. */
const retireMs = 5000;

/** How a node goes down: open again when it comes back; and with its identity kept for that. */
interface Manner {
  reopen?: boolean;
  stays?: boolean;
}

/** starting → serving → stopping → stopped */
type Phase = 'starting' | 'serving' | 'stopping' | 'stopped';

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  readonly #instance = randomBytes(8).toString('hex');
  readonly #nodeServer: Server = createGrpcServer();
  readonly #controlServer: Server = createGrpcServer();
  readonly #revoked = new RevokedCertificates();
  readonly #parts: { promise: Promise<Parts>; resolve(parts: Parts): void; reject(error: Error): void };
  #phase: Phase = 'starting';
  /** Nothing of an earlier life is in the directory. */
  #fresh = false;
  #madeAuthority = false;
  #store: EmbeddedStore | undefined;
  /** As it was when we were started. */
  #environment: NodeJS.ProcessEnv = process.env;
  #registry: Registry | undefined;
  #hosts: Hosts | undefined;
  #drains: Drains | undefined;
  #http: HttpServer | undefined;
  #member: Member | undefined;
  #tasks: ReturnType<typeof createTasks> | undefined;
  #stopped: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;
  /** Told when the daemon has gone down by itself (the VM was shut down). */
  onStopped: () => void = () => undefined;

  private constructor(options: DaemonOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#parts = deferred<Parts>();
    this.#parts.promise.catch(() => undefined);
  }

  /** Resolves when the node serves. The directory must have been taken (takeDirectory). */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(options);
    try {
      await daemon.#start();
    } catch (error) {
      // It is of no use any more: the next start takes a new one, if this machine may make it.
      if (hasCode(error, 'CERTIFICATE_REVOKED')) rmSync(options.paths.tls, { recursive: true, force: true });
      await daemon.#abandon();
      throw error;
    }
    return daemon;
  }

  async #start(): Promise<void> {
    const { vm, node, address, paths, log } = this.#options;
    const before = readNodeFile(paths);
    this.#fresh = before === undefined && !existsSync(paths.journal);
    const registryAddress = this.#options.join ?? (this.#options.registry ? undefined : before && before.registry !== `${before.address}:${before.port}` ? before.registry : undefined);
    const keepsRegistry = registryAddress === undefined;
    if (keepsRegistry) this.#madeAuthority = await ensureAuthority(paths.authority, vm);
    const identity = await takeIdentity({ authority: paths.authority, directory: paths.tls, node, address });
    const port = await this.#listen(before?.port ?? 0, keepsRegistry, identity);
    const settings = readSettings(paths);
    this.#environment = { ...process.env };
    applySettings(settings, process.env);
    const nodeHandlers = nodeImplementation(node, new GroupPages(paths.taskSockets), () => this.#parts.promise, (caller, reason) => this.#retire(caller, reason));
    this.#nodeServer.addService(...serve(nodeService, nodeHandlers, log, this.#revoked));
    this.#nodeServer.addService(...serve(healthService, health(() => this.#phase === 'serving', ['mpvm.node.Node']), log));
    const registry = keepsRegistry ? await this.#openRegistry(identity, port) : remoteRegistry(registryAddress, identity, this.#revoked);
    this.#member = await Member.join({
      vm, node: { name: node, address, port }, host: before?.host ?? 0, instance: this.#instance, speed: settings.speed ?? 0, cpuBaseline: settings.cpuBaseline ?? false, restarted: before !== undefined, registry, log: log.child({ part: 'vm' }),
      selfClient: createLocalClient(nodeService, nodeHandlers, node),
      credentials: (peer) => clientCredentials(identity, peer, this.#revoked),
      revoked: this.#revoked,
      status: () => ({ tasks: this.#tasks?.list().filter(({ isConsole }) => !isConsole).length ?? 0, lastLocal: this.#tasks?.lastLocal ?? 0 }),
    }, joinPatienceMs);
    await this.#begin(this.#member, identity, { vm, name: node, address, port, pid: process.pid, host: this.#member.self.host, instance: this.#instance, registry: registryAddress ?? `${address}:${port}` });
    linkLocal(paths);
  }

  async #listen(before: number, keepsRegistry: boolean, identity: Identity): Promise<number> {
    const { address, port: wanted } = this.#options;
    try {
      return await listenTcp(this.#nodeServer, address, wanted || before, serverCredentials(identity));
    } catch (error) {
      // The others find the registry by its port; any other node tells them its new one.
      if (wanted !== 0 || before === 0 || keepsRegistry) throw error;
      return await listenTcp(this.#nodeServer, address, 0, serverCredentials(identity));
    }
  }

  async #openRegistry(identity: Identity, port: number): Promise<RegistryClient> {
    const { vm, node, address, paths, timing, log } = this.#options;
    const registryLog = log.child({ part: 'registry' });
    this.#store = new EmbeddedStore(paths.journal, registryLog);
    const lastCall = async ({ name, address, port }: { name?: string | null; address?: string | null; port?: number | null }): Promise<boolean> => {
      const client = createNodeClient({ target: `${address}:${port}`, peer: `node ${name}`, unreachable: 'NODE_UNREACHABLE', credentials: clientCredentials(identity, name ?? '') });
      try {
        await client.ping({}, { timeoutMs: lastCallMs });
        return true;
      } catch {
        return false;
      } finally {
        client.close();
      }
    };
    const peer = (name: string): NodeClient => {
      if (!this.#member) throw new MpvmError('NODE_UNREACHABLE', { peer: `node ${name}`, detail: 'this daemon is starting' });
      return this.#member.peer(name);
    };
    const registry = await Registry.open({ store: this.#store, vm, node, log: registryLog, timing, lastCall, peer, revoked: this.#revoked });
    this.#registry = registry;
    this.#hosts = await Hosts.open({
      store: this.#store, vm, address, port, paths, environment: this.#environment, identity, log: log.child({ part: 'hosts' }),
      nodes: () => registry.nodes(),
      strikeOff: (gone) => registry.strikeOff(gone),
    });
    this.#drains = new Drains({
      store: this.#store,
      close: (name, drain) => registry.closeForDrain(name, drain),
      ended: (name, drain) => registry.drainEnded(name, drain),
      log: log.child({ part: 'drain' }),
    });
    const handlers = { ...registry.implementation(), ...this.#hosts.implementation(), ...this.#drains.implementation() };
    this.#nodeServer.addService(...serve(registryService, handlers, registryLog, this.#revoked));
    return createLocalClient(registryService, handlers, node);
  }

  async #begin(vm: Member, identity: Identity, file: Parameters<typeof writeNodeFile>[1]): Promise<void> {
    const { paths, log, faults } = this.#options;
    const tasks = createTasks({ vm, paths, log: log.child({ part: 'task' }), libraryDirectory: join(projectRoot(), 'build/lib') });
    this.#tasks = tasks;
    const migrations = createMigrations({ vm, tasks, paths, log, faults });
    const balancing = createBalancing({ vm, tasks, paths, log });
    vm.on('shutdown', (reason) => void this.stop(reason));
    await tasks.start(migrations);
    const monitor = new Monitor({ node: vm.self.name, tasks, migrations, paths });
    this.#parts.resolve({ tasks, migrations, balancing, monitor });
    this.#hosts?.attach({ vm, tasks });
    const http = await this.#openHttp(identity, { vm, tasks, migrations, balancing });
    const control = controlImplementation({ vm, tasks, http, log: log.child({ part: 'control' }) });
    this.#controlServer.addService(...serve(controlService, control, log));
    http.add(...dashboardRoutes({ client: createLocalClient(controlService, control, vm.self.name), node: vm.self.name, log: log.child({ part: 'dashboard' }) }));
    this.#controlServer.addService(...serve(healthService, health(() => this.#phase === 'serving', ['mpvm.control.Control']), log));
    if (this.#options.reflection) await addReflection(this.#controlServer);
    writeNodeFile(paths, file);
    await listenUnix(this.#controlServer, paths.controlSocket);
    if (this.#phase === 'starting') this.#phase = 'serving';
    await this.#drains?.attach(vm);
    if (this.#registry) balancing.resume();
  }

  /** Its routes; the port itself is opened when it was open before this daemon, or has been asked for. */
  async #openHttp(identity: Identity, parts: FigureParts): Promise<HttpServer> {
    const { address, paths, log, http: wanted } = this.#options;
    const http = new HttpServer({ address, identity, file: paths.http, log: log.child({ part: 'http' }) });
    this.#http = http;
    http.add(metricsRoute(parts));
    if (wanted) await http.open(wanted);
    else await http.resume();
    return http;
  }

  /** Ends the tasks of this node, and with the registry's node the VM; leaves no file. */
  stop(reason: string, how: Manner = {}): Promise<void> {
    this.#stopped ??= this.#goDown(reason, how).finally(() => this.onStopped());
    return this.#stopped;
  }

  /** As stop(), after its tasks have been moved to other nodes, as far as those have room. */
  leave(reason: string): Promise<void> {
    this.#leaving ??= this.#empty(reason).then((reopen) => this.stop(reason, { reopen, stays: this.#options.stay && !this.#registry }));
    return this.#leaving;
  }

  /** Resolves to whether the node has been cordoned for this alone. The node of the registry takes its VM down: there it does nothing. */
  async #empty(reason: string): Promise<boolean> {
    const [member, seconds] = [this.#member, this.#options.stopDrainS];
    if (this.#phase !== 'serving' || !member || this.#registry || seconds === 0) return false;
    const node = member.self.name;
    const before = member.nodeNamed(node)?.cordoned ?? false;
    const others = member.others().some(({ cordoned }) => !cordoned);
    const occupied = this.#tasks?.list().some(({ isConsole }) => !isConsole) ?? false;
    if (!others || !occupied) return false;
    const given = new AbortController();
    const late = setTimeout(() => given.abort(), seconds * 1000 + leaveMarginMs);
    const goesDown = member.on('shutdown', () => given.abort());
    try {
      await member.registry().drains({}, { timeoutMs: leaveMarginMs }); // or there is nobody to move them
      this.#log.info({ reason }, 'moving the tasks away before the node stops');
      for await (const event of member.registry().drain({ nodes: [node], reason: before ? '' : reason, user: 'mpvmd' }, { signal: given.signal })) {
        if (event.left) this.#log.warn({ tid: event.left.tid, why: event.left.blockers?.map(({ cause }) => cause) }, 'a task cannot be moved away, and ends with its node');
      }
    } catch (error) {
      this.#log.warn({ cause: asMpvmError(error).message }, 'the node stops before it is empty');
      if (!member.others().length) return false;
      await member.registry().cancelDrain({ nodes: [node], user: 'mpvmd' }).catch(() => undefined);
    } finally {
      clearTimeout(late);
      goesDown();
    }
    return !before;
  }

  /** From the registry: it has moved away what could be moved. */
  #retire(caller: string | undefined, reason: string): void {
    const member = this.#member;
    if (!member || this.#registry || (caller !== undefined && !member.nodeNamed(caller)?.registry)) throw new MpvmError('BAD_REQUEST', { detail: 'only the registry sends a node home' });
    this.#log.info({ reason }, 'sent home');
    const late = setTimeout(() => void this.stop(reason), retireMs);
    member.retire(() => {
      clearTimeout(late);
      void this.stop(reason);
    });
  }

  async #goDown(reason: string, { reopen, stays }: Manner): Promise<void> {
    this.#phase = 'stopping';
    this.#log.info({ reason }, 'stopping');
    const { paths, node } = this.#options;
    const othersGone = this.#sendOthersHome(reason);
    await this.#attempt('tasks', () => this.#tasks?.shutdown());
    await othersGone;
    this.#parts.reject(new MpvmError('SHUTTING_DOWN', { node }));
    await this.#attempt('leave', () => this.#member?.leave(reopen));
    await this.#close();
    if (stays) keepIdentity(paths);
    else removeDirectory(paths, this.#registry !== undefined);
    this.#phase = 'stopped';
  }

  async #sendOthersHome(reason: string): Promise<void> {
    const member = this.#member;
    if (!this.#registry || !member) return;
    await this.#attempt('shutdown', () => member.shutdown(reason));
    for (const deadline = Date.now() + othersLeaveMs; member.others().length > 0 && Date.now() < deadline; ) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #close(): Promise<void> {
    await Promise.all([stopServer(this.#controlServer, 300), stopServer(this.#nodeServer, 300)]);
    this.#hosts?.close();
    this.#http?.close();
    this.#registry?.close();
    this.#store?.close();
  }

  /** A start that failed: what was opened is closed; the files of an earlier life stay as they were. */
  async #abandon(): Promise<void> {
    this.#phase = 'stopping';
    this.#parts.reject(new MpvmError('SHUTTING_DOWN', { node: this.#options.node }));
    if (this.#tasks) await this.#attempt('tasks', () => this.#tasks?.shutdown());
    if (this.#member) await this.#attempt('leave', () => this.#member?.leave());
    await this.#close();
    if (this.#fresh) removeDirectory(this.#options.paths, this.#madeAuthority);
    this.#phase = 'stopped';
  }

  async #attempt(what: string, work: () => Promise<void> | undefined): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.error({ err: error, what, cause: asMpvmError(error).message }, 'part of the shutdown failed');
    }
  }
}

function remoteRegistry(target: string, identity: Identity, revoked: RevokedCertificates): RegistryClient {
  return createRegistryClient({ target, peer: target, unreachable: 'REGISTRY_UNREACHABLE', credentials: clientCredentials(identity, undefined, revoked) });
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
