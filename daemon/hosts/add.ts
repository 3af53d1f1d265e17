/**
 * Adding hosts: each line is read and judged in its order, so that of two that are the same the first one counts;
 * then the hosts are started, some at a time. One that fails concerns no other.
 */
import type { VirtualMachine } from '../contracts.js';
import { asMpvmError, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { Feed } from '../migration/mailbox.js';
import { checkName } from '../paths.js';
import { mpvm } from '../rpc/messages.js';
import { isUp } from '../vm/view.js';
import { hostsLimit, parseHost, parseHostfile } from './hostfile.js';
import type { Hostfile, HostOptions, HostSpec } from './hostfile.js';
import { addressOf, isLoopback, isOwn } from './resolve.js';
import type { HostOrder, HostStarter } from './starter.js';
import { failure, pvmStatus } from './status.js';

type HostEvent = mpvm.node.IHostEvent;

/** What a hostfile has said of hosts that were not started, and its defaults. */
export interface Described {
  hosts: Record<string, HostOptions>;
  defaults: HostOptions;
}
export interface AddDeps {
  vm: VirtualMachine;
  direct: HostStarter;
  remote: () => HostStarter;
  /** While a task is registered as hoster it starts all hosts, those of this machine too. */
  hoster: () => HostStarter | undefined;
  createToken: (node: string, settings: mpvm.node.IHostSettings, ttlS: number) => Promise<{ token: string; id: string }>;
  revokeToken(id: string): Promise<void>;
  /** Before a direct start: what the daemon there is to know. */
  keepSettings(node: string, settings: mpvm.node.IHostSettings): void;
  described(): Promise<Described>;
  describe(hostfile: Hostfile): Promise<void>;
  /** What is run on a host when dx= does not say so. */
  command: string;
  log: Logger;
}

const atOnce = 5;
/** From the end of the command there to its node's first word here. */
const joinedMs = 10_000;
/** Who starts a host by hand has so long. */
const manualMs = 600_000;

/** Names being added by this daemon. */
const underWay = new Set<string>();

interface Candidate {
  index: number;
  name: string;
  line: string;
  spec?: HostSpec & { overload?: boolean };
  mistake?: MpvmError;
}
interface Chosen {
  index: number;
  spec: HostSpec;
  address: string;
  own: boolean;
}

export function addHosts(request: mpvm.node.AddHostsRequest, deps: AddDeps): AsyncGenerator<HostEvent, void> {
  const work = new Addition(request, deps);
  void work.run();
  return work.feed.watch();
}

class Addition {
  readonly feed = new Feed<HostEvent>();
  readonly #request: mpvm.node.AddHostsRequest;
  readonly #deps: AddDeps;
  readonly #taken = new Set<string>();
  readonly #addresses = new Set<string>();

  constructor(request: mpvm.node.AddHostsRequest, deps: AddDeps) {
    this.#request = request;
    this.#deps = deps;
  }

  async run(): Promise<void> {
    const chosen: Chosen[] = [];
    try {
      for (const candidate of await this.#candidates()) {
        try {
          chosen.push(await this.#choose(candidate));
        } catch (error) {
          this.#settle(failure(candidate.index, candidate.name, error, pvmStatus.CantStart));
        }
      }
      const rest = [...chosen];
      const worker = async (): Promise<void> => {
        for (let next = rest.shift(); next; next = rest.shift()) await this.#start(next);
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      this.feed.end();
    } catch (thrown) {
      this.feed.end(asMpvmError(thrown));
    } finally {
      for (const { spec } of chosen) underWay.delete(spec.name);
    }
  }

  async #candidates(): Promise<Candidate[]> {
    const { hosts, hostfile } = this.#request;
    if (hosts.length > hostsLimit) throw new MpvmError('BAD_REQUEST', { detail: `at most ${hostsLimit} hosts at once` });
    const file = parseHostfile(hostfile);
    if (file.mistakes.length > 0) {
      const [first] = file.mistakes;
      throw new MpvmError('HOSTFILE_SYNTAX', { where: `line ${first!.line} of the hostfile: `, detail: first!.detail });
    }
    if (hostfile !== '') await this.#deps.describe(file);
    const { hosts: described, defaults } = await this.#deps.described();
    const named = hosts.map((line, index): Candidate => {
      const spec = parseHost(line);
      if ('mistake' in spec) return { index, line, name: line.trim().split(/\s+/)[0] ?? '', mistake: new MpvmError('HOSTFILE_SYNTAX', { where: '', detail: spec.mistake }) };
      return { index, line, name: spec.name, spec: { ...defaults, ...(Object.hasOwn(described, spec.name) ? described[spec.name] : {}), ...spec } };
    });
    const listed = file.entries.filter(({ wanted }) => wanted).map((entry, at): Candidate => ({ index: hosts.length + at, line: entry.name, name: entry.name, spec: entry }));
    return [...named, ...listed];
  }

  /** Throws what keeps this host from being added. */
  async #choose({ index, spec, mistake }: Candidate): Promise<Chosen> {
    if (!spec) throw mistake ?? new MpvmError('INTERNAL', { detail: 'a host without a line' });
    const { vm } = this.#deps;
    const { name } = spec;
    this.#checkName(name);
    const address = await this.#address(spec);
    const up = vm.nodes().filter(isUp);
    const same = up.find((node) => node.name === name) ?? (spec.overload ? undefined : up.find((node) => node.address === address));
    if (same) throw new MpvmError('HOST_DUPLICATE', { host: name, node: same.name });
    if (this.#taken.has(name) || (!spec.overload && this.#addresses.has(address))) throw new MpvmError('HOST_DUPLICATE', { host: name, node: name });
    if (underWay.has(name)) throw new MpvmError('HOST_ADDING', { host: name });
    underWay.add(name);
    this.#taken.add(name);
    this.#addresses.add(address);
    return { index, spec, address, own: isOwn(address) };
  }

  #checkName(name: string): void {
    try {
      checkName(name, 'node');
    } catch (error) {
      throw new MpvmError('HOST_UNKNOWN', { host: name, detail: asMpvmError(error).message });
    }
  }

  /** The host's; of this machine it is one that the others can reach. */
  async #address(spec: HostSpec): Promise<string> {
    const { self } = this.#deps.vm;
    let address: string;
    try {
      address = await addressOf(spec.address ?? spec.name);
    } catch (error) {
      if (isLoopback(self.address)) throw new MpvmError('HOST_LOOPBACK', { host: spec.name, address: self.address });
      throw new MpvmError('HOST_UNKNOWN', { host: spec.name, detail: (error as Error).message });
    }
    if (isLoopback(self.address) && !isOwn(address)) throw new MpvmError('HOST_LOOPBACK', { host: spec.name, address: self.address });
    return isLoopback(address) && !isLoopback(self.address) ? self.address : address;
  }

  async #start(chosen: Chosen): Promise<void> {
    const { index, spec } = chosen;
    const { log } = this.#deps;
    this.feed.push({ progress: { index, name: spec.name, text: `starting on ${chosen.address}`, manual: false } });
    let token: { token: string; id: string } | undefined;
    try {
      const hoster = this.#deps.hoster();
      const here = chosen.own && !hoster;
      if (here) await this.#startHere(chosen);
      else token = await this.#startThere(chosen, hoster ?? this.#deps.remote());
      const node = await this.#joined(spec.name, spec.start === 'ms' && !here ? manualMs : joinedMs);
      this.#settle({ index, name: spec.name, status: node.host });
    } catch (error) {
      log.warn({ host: spec.name, code: asMpvmError(error).code, cause: asMpvmError(error).message }, 'a host was not added');
      this.#settle(failure(index, spec.name, error, pvmStatus.CantStart));
    } finally {
      if (token) await this.#deps.revokeToken(token.id).catch(() => undefined);
      underWay.delete(spec.name);
    }
  }

  async #startHere({ spec, address }: Chosen): Promise<void> {
    this.#deps.keepSettings(spec.name, settingsOf(spec));
    await this.#deps.direct.start({ name: spec.name, target: address, address, login: '', command: '', token: '', wholeCommand: '' }, new AbortController().signal);
  }

  async #startThere({ index, spec, address }: Chosen, starter: HostStarter): Promise<{ token: string; id: string }> {
    const { createToken, vm, command } = this.#deps;
    const manual = spec.start === 'ms';
    if (manual && !this.#request.attended) throw new MpvmError('HOST_UNATTENDED', { host: spec.name });
    if (spec.start === 'pw' && starter.kind === 'rsh') throw new MpvmError('HOST_PASSWORD', { host: spec.name });
    const made = await createToken(spec.name, settingsOf(spec), manualMs / 1000);
    const options = `--node ${spec.name}${spec.address === undefined ? '' : ` --address ${address}`} -o json`;
    const order: HostOrder = {
      name: spec.name,
      target: spec.address ?? spec.name,
      address,
      login: spec.login ?? '',
      token: made.token,
      command: `${spec.command ?? command} join - ${options}`,
      wholeCommand: `${spec.command ?? command} join ${made.token} ${options}`,
    };
    if (manual) {
      this.feed.push({ progress: { index, name: spec.name, text: `mpvm join ${made.token} --node ${spec.name}`, manual: true } });
      return made;
    }
    const stop = new AbortController();
    const listening = vm.on('shutdown', () => {
      stop.abort();
    });
    try {
      await starter.start(order, stop.signal);
    } catch (error) {
      await this.#deps.revokeToken(made.id).catch(() => undefined);
      throw error;
    } finally {
      listening();
    }
    return made;
  }

  /** Its node is up, or HOST_START_TIMEOUT. */
  #joined(name: string, limitMs: number): Promise<mpvm.node.INodeInfo> {
    const { vm } = this.#deps;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const node = vm.nodeNamed(name);
        if (!isUp(node)) return;
        done();
        resolve(node!);
      };
      const late = setTimeout(() => {
        done();
        reject(new MpvmError('HOST_START_TIMEOUT', { host: name, seconds: limitMs / 1000 }));
      }, limitMs);
      const stops = [vm.on('nodeUp', look), vm.on('nodeChanged', look), vm.on('shutdown', () => {
        done();
        reject(new MpvmError('SHUTTING_DOWN', { node: vm.self.name }));
      })];
      const done = (): void => {
        clearTimeout(late);
        for (const stop of stops) stop();
      };
      look();
    });
  }

  #settle(result: mpvm.node.IHostResult): void {
    this.feed.push({ result });
  }
}

function settingsOf({ executionPath, directory, debugger: program, speed }: HostSpec): mpvm.node.IHostSettings {
  return { executionPath, directory, debugger: program, speed };
}
