/**
 * Machines that come and go, on the node that keeps the registry: join tokens and the port where they are
 * shown, hosts that are added and deleted.
 */
import { dirname, join } from 'node:path';
import type { Tasks, VirtualMachine } from '../contracts.js';
import { MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { projectRoot } from '../native/index.js';
import { checkName, nodePaths } from '../paths.js';
import type { NodePaths } from '../paths.js';
import { certifyNode, fingerprintOf, requestedKey } from '../rpc/certificates.js';
import type { Identity } from '../rpc/certificates.js';
import type { mpvm } from '../rpc/messages.js';
import type { ImplementationOf } from '../rpc/server.js';
import type { registryService } from '../rpc/services.js';
import { update } from '../vm/store.js';
import type { Store } from '../vm/store.js';
import { isUp } from '../vm/view.js';
import { addHosts } from './add.js';
import type { Described } from './add.js';
import { joiningProtocol } from './ask-to-join.js';
import { deleteHosts } from './delete.js';
import type { Hostfile } from './hostfile.js';
import { JoiningPort } from './joining-port.js';
import { writeSettings } from './settings.js';
import { directStarter, hosterStarter, rshStarter } from './starter.js';
import type { HostStarter } from './starter.js';
import { TokenBook, tokenInfo } from './token-book.js';
import { formatToken } from './token.js';

/** Of service Registry, what is answered here. */
export type HostRpcs = 'addHosts' | 'deleteHosts' | 'createToken' | 'listTokens' | 'revokeToken';

export interface HostsOptions {
  store: Store;
  vm: string;
  /** Of this node: address:port is the registry's. */
  address: string;
  port: number;
  paths: NodePaths;
  /** Of this daemon, without what a hostfile says of its own node. */
  environment: NodeJS.ProcessEnv;
  identity: Identity;
  /** All nodes, as the registry knows them. */
  nodes(): mpvm.node.INodeInfo[];
  strikeOff(node: string): Promise<void>;
  log: Logger;
}

/** What comes after the registry when a daemon starts. */
export interface HostsParts {
  vm: VirtualMachine;
  tasks: Tasks;
}

const expiryMs = 30_000;
const portKey = 'joining-port';
const describedKey = 'hostfile';

export class Hosts {
  readonly #options: HostsOptions;
  readonly #log: Logger;
  readonly #book: TokenBook;
  readonly #port: JoiningPort;
  readonly #direct: HostStarter;
  readonly #parts: Promise<HostsParts>;
  #attach!: (parts: HostsParts) => void;
  #expiry: NodeJS.Timeout | undefined;
  #opening: Promise<number> | undefined;

  private constructor(options: HostsOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#book = new TokenBook(options.store);
    const { identity, address, log, vm, port, paths, environment } = options;
    this.#port = new JoiningPort({ identity, address, log, admit: (question) => this.#admit(question) });
    this.#direct = directStarter({ base: paths.base, vm, registry: `${address}:${port}`, environment });
    this.#parts = new Promise((resolve) => (this.#attach = resolve));
  }

  /** Takes up the tokens from before, and opens the joining port if there are any. */
  static async open(options: HostsOptions): Promise<Hosts> {
    const hosts = new Hosts(options);
    await hosts.#book.load();
    if (hosts.#book.list().length > 0) await hosts.#joiningPort().catch((error: unknown) => hosts.#log.error({ err: error }, 'the joining port cannot be opened: tokens from before lead nowhere now'));
    hosts.#expiry = setInterval(() => void hosts.#expire(), expiryMs).unref();
    return hosts;
  }

  /** The rest of the daemon is there now: hosts can be added and deleted. */
  attach(parts: HostsParts): void {
    this.#attach(parts);
  }

  close(): void {
    clearInterval(this.#expiry);
    this.#port.close();
  }

  implementation(): Pick<ImplementationOf<typeof registryService>, HostRpcs> {
    return {
      addHosts: (request) => this.#add(request),
      deleteHosts: (request) => this.#delete(request),
      createToken: async ({ ttlS, reusable, node, settings }) => {
        if (node !== '') checkName(node, 'node');
        return this.#createToken({ ttlS, reusable, node, settings: settings ?? undefined });
      },
      listTokens: () => ({ tokens: this.#book.list().map((record) => tokenInfo(record, `${this.#options.address}:${this.#port.port}`)) }),
      revokeToken: async ({ id }) => {
        await this.#book.revoke(id);
        await this.#expire();
        return {};
      },
    };
  }

  // ---------------------------------------------------------------- tokens

  async #createToken(wanted: Parameters<TokenBook['create']>[0]): Promise<mpvm.node.ICreateTokenReply> {
    const { vm, address, identity } = this.#options;
    const { record, secret } = await this.#book.create(wanted);
    const { id, expiresMs, node } = record;
    const port = await this.#joiningPort().catch(async (error: unknown) => {
      await this.#book.revoke(id);
      throw error;
    });
    const token = formatToken({ vm, address, port, authority: fingerprintOf(identity.authority), expiresMs, id, secret, node });
    this.#log.info({ id, node, reusable: record.reusable, expires: new Date(expiresMs).toISOString() }, 'join token made');
    return { token, info: tokenInfo(record, `${address}:${port}`) };
  }

  /** Opened once, at the port it had before: tokens name it. */
  #joiningPort(): Promise<number> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<number> {
    const { store } = this.#options;
    const before = (await store.get<number>(portKey))?.value ?? 0;
    const port = await this.#port.open(before);
    if (port !== before) await update<number, null>(store, portKey, () => ({ value: port, result: null }));
    return port;
  }

  /** With the last token the port is closed. */
  async #expire(): Promise<void> {
    await this.#book.expire();
    if (this.#book.list().length > 0 || this.#opening === undefined) return;
    await this.#opening.catch(() => 0);
    if (this.#book.list().length > 0) return; // made meanwhile
    this.#port.close();
    this.#opening = undefined;
  }

  /** A stranger's question. The secret comes first: without it nothing of the rest is looked at. */
  async #admit({ protocol, id, secret, node, address, request }: mpvm.node.JoinQuestion): Promise<mpvm.node.IJoinAnswer> {
    if (protocol !== joiningProtocol) throw new MpvmError('JOIN_VERSION', { detail: `${protocol} there, ${joiningProtocol} here` });
    checkName(node, 'node');
    this.#book.check(id, secret, node, undefined);
    const { key, fingerprint } = await requestedKey(request);
    const record = this.#book.check(id, secret, node, fingerprint);
    const up = this.#options.nodes().find((one) => one.name === node && isUp(one));
    if (up && record.usedBy?.key !== fingerprint) throw new MpvmError('NODE_NAME_TAKEN', { node, address: `${up.address}:${up.port}` });
    const { settings } = await this.#book.use(id, secret, node, fingerprint);
    const issued = await certifyNode(this.#options.paths.authority, key, node, address);
    return { ...issued, node, registry: `${this.#options.address}:${this.#options.port}`, settings };
  }

  // ---------------------------------------------------------------- hosts

  async *#add(request: mpvm.node.AddHostsRequest): AsyncGenerator<mpvm.node.IHostEvent> {
    const { vm, tasks } = await this.#parts;
    yield* this.#answering(request.asker, addHosts(request, {
      vm,
      direct: this.#direct,
      remote: () => rshStarter(process.env['PVM_RSH'] || 'ssh'),
      hoster: () => {
        const ask = tasks.hoster();
        return ask && hosterStarter(ask);
      },
      createToken: async (node, settings, ttlS) => {
        const { token, info } = await this.#createToken({ ttlS, reusable: false, node, settings });
        return { token: token ?? '', id: info?.id ?? '' };
      },
      revokeToken: async (id) => {
        await this.#book.revoke(id);
        await this.#expire();
      },
      keepSettings: (node, settings) => writeSettings(nodePaths(this.#options.paths.base, this.#options.vm, node), settings),
      described: async () => (await this.#options.store.get<Described>(describedKey))?.value ?? { hosts: {}, defaults: {} },
      describe: (hostfile) => this.#describe(hostfile),
      command: remoteCommand(),
      log: this.#log,
    }));
  }

  #answering(asker: mpvm.node.IHostAsker | null | undefined, events: AsyncGenerator<mpvm.node.IHostEvent>): AsyncGenerator<mpvm.node.IHostEvent> {
    const { tid, request } = asker ?? {};
    if (!tid || !request) return events;
    return passingOn(events, (results) => {
      const codes = results.sort((a, b) => (a.index ?? 0) - (b.index ?? 0)).map(({ status }) => status ?? 0);
      void this.#parts.then(({ tasks }) => tasks.deliver(tid, [{ request, status: codes.filter((code) => code >= 0).length, tids: { tids: codes } }]));
    });
  }

  /** Hosts that a hostfile only describes ("&"), and its last defaults, are known when they are added later. */
  async #describe({ entries, defaults }: Hostfile): Promise<void> {
    await update<Described, null>(this.#options.store, describedKey, (now) => {
      const hosts = { ...now?.hosts };
      for (const { name, line: _l, wanted: _w, overload: _o, ...options } of entries) hosts[name] = options;
      return { value: { hosts, defaults }, result: null };
    });
  }

  async *#delete(request: mpvm.node.DeleteHostsRequest): AsyncGenerator<mpvm.node.IHostEvent> {
    const { vm } = await this.#parts;
    yield* this.#answering(request.asker, deleteHosts(request, { vm, strikeOff: (node) => this.#options.strikeOff(node), log: this.#log }));
  }
}

/** Passes the events on; a task that waits for the outcome is answered even when nobody reads them to the end. */
async function* passingOn(events: AsyncGenerator<mpvm.node.IHostEvent>, settled: (results: mpvm.node.IHostResult[]) => void): AsyncGenerator<mpvm.node.IHostEvent> {
  const results: mpvm.node.IHostResult[] = [];
  const rest = async (): Promise<void> => {
    for await (const { result } of events) if (result) results.push(result);
    settled(results);
  };
  let whole = false;
  try {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      if (next.value.result) results.push(next.value.result);
      yield next.value;
    }
    whole = true;
    settled(results);
  } finally {
    if (!whole) void rest().catch(() => undefined);
  }
}

/** The same installation as here, at the same place; a login that is not for people may not have node in its PATH. */
function remoteCommand(): string {
  const quote = (text: string): string => (/^[\w/.:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
  return `PATH="$PATH":${quote(dirname(process.execPath))} ${quote(join(projectRoot(), 'bin/mpvm'))}`;
}
