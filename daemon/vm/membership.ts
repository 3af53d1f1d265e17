/**
 * Who belongs to the VM. What must outlive the registry's daemon (name, address, host number,
 * cordon, verdict) is in the store; signs of life are not: after a restart every node that was up
 * has a full grace period to come back.
 */
import { MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { mpvm } from '../rpc/messages.js';
import { hostLimit, hostNumber, hostPart, localLimit } from './pvm.js';
import { update } from './store.js';
import type { Lease, Store } from './store.js';

const State = mpvm.node.NodeState;

/** Durable part of a node's state: `up` until the verdict `dead`, or until it says that it leaves. */
type Standing = 'up' | 'dead' | 'left';
export interface Cordon {
  reason: string;
  user: string;
  timeMs: number;
  /** The drain that is under way. */
  drain?: string;
}
export interface NodeRecord {
  name: string;
  address: string;
  port: number;
  host: number;
  architecture: string;
  memoryBytes: number;
  cpus: number;
  instance: string;
  standing: Standing;
  /** Grows when it joins after it was dead or had left. */
  life: number;
  /** Highest local part of a tid it has told of. */
  lastLocal: number;
  /** Declared dead, and its new daemon has not yet confirmed (by a heartbeat) that it knows. */
  tasksLost: boolean;
  registry: boolean;
  /** hi_speed of pvm_config; 0: PVM's 1000. */
  speed: number;
  /** SHA-256 of the certificate that it has joined with; empty: it is the registry's own node. */
  certificate: string;
  /** Absent in a journal of an earlier version. */
  cpuFeatures?: string[];
  cpuBaseline?: boolean;
  cordon?: Cordon;
}
/** What is known of a node only while it is up. */
interface Presence {
  lease: Lease;
  /** Number of Join streams that stand. */
  links: number;
  suspect: boolean;
  judging: boolean;
  load: number;
  tasks: number;
  memoryFreeBytes: number;
}
export interface Joined {
  host: number;
  firstLocal: number;
  tasksLost: boolean;
}
export interface Timing {
  /** A node is SUSPECT when it was silent for so long, DEAD after graceMs unless it answers a last call. */
  suspectMs: number;
  graceMs: number;
  judgeMs: number;
}
export const defaultTiming: Timing = { suspectMs: 2500, graceMs: 5000, judgeMs: 250 };

/** Local parts a node may have given out between its last heartbeat and its death. */
const localMargin = 1024;
const keyOf = (name: string): string => `node/${name}`;

export class Membership {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #timing: Timing;
  readonly #records = new Map<string, NodeRecord>();
  readonly #presences = new Map<string, Presence>();
  readonly #changed: (node: mpvm.node.INodeInfo) => void;
  readonly #lastCall: (node: mpvm.node.INodeInfo) => Promise<boolean>;
  #judge: NodeJS.Timeout | undefined;

  /**
   * `changed` is told of every change that others should see; `lastCall` asks a silent node once
   * more, before it is declared dead.
   */
  constructor(store: Store, log: Logger, timing: Timing, changed: (node: mpvm.node.INodeInfo) => void, lastCall: (node: mpvm.node.INodeInfo) => Promise<boolean>) {
    this.#store = store;
    this.#log = log;
    this.#timing = timing;
    this.#changed = changed;
    this.#lastCall = lastCall;
  }

  async load(): Promise<void> {
    for (const [, { value }] of await this.#store.list<NodeRecord>('node/')) {
      this.#records.set(value.name, value);
      if (value.standing === 'up') this.#presences.set(value.name, this.#newPresence(value.name));
    }
    this.#store.watch('node/', ({ value }) => {
      const record = value as NodeRecord;
      const before = this.#records.get(record.name);
      this.#records.set(record.name, record);
      if (record.standing !== 'up') this.#presences.delete(record.name);
      if (before === undefined || visible(before) !== visible(record)) this.#changed(this.#info(record));
    });
    this.#judge = setInterval(() => this.judge(), this.#timing.judgeMs).unref();
  }

  stop(): void {
    clearInterval(this.#judge);
  }

  nodes(): mpvm.node.INodeInfo[] {
    return [...this.#records.values()].sort((a, b) => a.host - b.host).map((record) => this.#info(record));
  }
  named(name: string): mpvm.node.INodeInfo | undefined {
    const record = this.#records.get(name);
    return record && this.#info(record);
  }
  nameOfHost(host: number): string | undefined {
    for (const record of this.#records.values()) if (record.host === host) return record.name;
    return undefined;
  }
  alive(name: string): boolean {
    return this.#records.get(name)?.standing === 'up';
  }

  /** A daemon joins, for the first time or again. Throws JOIN_REFUSED. */
  async join(request: mpvm.node.JoinRequest, registry: boolean, certificate = ''): Promise<Joined> {
    const present = this.#presences.get(request.name);
    const before = this.#records.get(request.name);
    // Its links may outlive a daemon that died with its cable cut; but where its port is free again, it is no more.
    const samePort = before?.address === request.address && before?.port === request.port;
    if (present && present.links > 0 && before?.instance !== request.instance && !samePort)
      throw new MpvmError('JOIN_REFUSED', { node: request.name, detail: `a node of this name is up at ${before?.address}:${before?.port}` });
    const joined = await update<NodeRecord, Joined>(this.#store, keyOf(request.name), (now) => this.#admit(request, registry, certificate, now));
    const presence = this.#presences.get(request.name);
    if (presence) presence.lease.renew();
    else this.#presences.set(request.name, this.#newPresence(request.name));
    this.#setSuspect(request.name, false);
    return joined;
  }

  #admit(request: mpvm.node.JoinRequest, registry: boolean, certificate: string, now: NodeRecord | undefined): { value: NodeRecord; result: Joined } {
    const { name, address, port, architecture, memoryBytes, cpus, instance, speed, cpuFeatures, cpuBaseline } = request;
    const host = now?.host ?? this.#freeHost(name, request.host);
    const returns = now !== undefined && now.standing !== 'up';
    const tasksLost = now?.standing === 'dead' || (now?.tasksLost ?? false);
    const margin = now?.standing === 'left' ? 0 : localMargin;
    const remembers = now === undefined || request.host === now.host; // its directory has the count
    const firstLocal = remembers ? 1 : Math.min(now.lastLocal + 1 + margin, localLimit);
    const record: NodeRecord = {
      name, address, port, host, architecture, memoryBytes, cpus, instance,
      standing: 'up', life: (now?.life ?? 1) + (returns ? 1 : 0), lastLocal: now?.lastLocal ?? 0, tasksLost, registry,
      speed, certificate, cpuFeatures: [...cpuFeatures], cpuBaseline,
      ...(now?.cordon ? { cordon: now.cordon } : {}),
    };
    return { value: record, result: { host, firstLocal, tasksLost } };
  }

  #freeHost(name: string, wanted: number): number {
    const taken = new Set([...this.#records.values()].map(({ host }) => hostNumber(host)));
    if (wanted !== 0 && !taken.has(hostNumber(wanted))) return wanted;
    for (let number = 1; number <= hostLimit; number++) if (!taken.has(number)) return hostPart(number);
    throw new MpvmError('JOIN_REFUSED', { node: name, detail: `all ${hostLimit} host numbers have been given out` });
  }

  /** The Join stream of a node stands; the returned function says that it has broken. */
  linked(name: string): () => void {
    const presence = this.#presences.get(name);
    if (!presence) return () => undefined;
    presence.links++;
    return () => {
      presence.links--;
      // A killed daemon shows at once; the verdict still waits for the grace period.
      if (presence.links === 0 && this.#presences.get(name) === presence) this.#setSuspect(name, true);
    };
  }

  /** False: unknown, or declared dead: it must join again. */
  async heartbeat(request: mpvm.node.HeartbeatRequest): Promise<boolean> {
    const record = this.#records.get(request.name);
    const presence = this.#presences.get(request.name);
    if (!record || !presence || record.instance !== request.instance) return false;
    presence.lease.renew();
    const noticeable = Math.abs(presence.load - request.load) >= 0.1 || presence.tasks !== request.tasks ||
      Math.abs(presence.memoryFreeBytes - request.memoryFreeBytes) > record.memoryBytes / 50;
    const wasSuspect = presence.suspect;
    presence.suspect = false;
    Object.assign(presence, noticeable ? { load: request.load, tasks: request.tasks, memoryFreeBytes: request.memoryFreeBytes } : {});
    if (noticeable || wasSuspect) this.#changed(this.#info(record));
    if (record.tasksLost || request.lastLocal >= record.lastLocal + localMargin / 2) await this.#amend(request.name, { tasksLost: false, lastLocal: Math.max(record.lastLocal, request.lastLocal) });
    return true;
  }

  /** `reopen`: its cordon does not outlive it. */
  async leave(name: string, lastLocal: number, reopen: boolean): Promise<void> {
    const record = this.#records.get(name);
    if (record) await this.#amend(name, { standing: 'left', lastLocal: Math.max(record.lastLocal, lastLocal), tasksLost: false, ...(reopen ? { cordon: undefined } : {}) });
  }

  /** Has left, and its cordon with it. Returns the fingerprint of its certificate. */
  async strikeOff(name: string): Promise<string> {
    const { certificate = '' } = this.#records.get(name) ?? {};
    await this.#amend(name, { standing: 'left', tasksLost: false, cordon: undefined });
    return certificate;
  }

  /** A drain under way goes on under another reason. Throws NODE_UNKNOWN. */
  async setCordon(name: string, cordon: Cordon | undefined): Promise<void> {
    const record = this.#records.get(name);
    if (!record) throw new MpvmError('NODE_UNKNOWN', { node: name });
    await this.#amend(name, { cordon: cordon && { ...cordon, drain: cordon.drain ?? record.cordon?.drain } });
  }
  cordonOf(name: string): Cordon | undefined {
    return this.#records.get(name)?.cordon;
  }
  /** That drain is over; the node stays cordoned. */
  async drainEnded(name: string, drain: string): Promise<void> {
    const cordon = this.#records.get(name)?.cordon;
    if (cordon?.drain === drain) await this.#amend(name, { cordon: { ...cordon, drain: undefined } });
  }

  /** Looks for nodes that have been silent too long; called by itself every judgeMs. */
  judge(): void {
    for (const [name, presence] of this.#presences) {
      const age = presence.lease.age();
      if (age > this.#timing.suspectMs) this.#setSuspect(name, true);
      if (age > this.#timing.graceMs && !presence.judging) {
        presence.judging = true;
        this.#condemn(name, presence)
          .catch((error: unknown) => this.#log.error({ err: error, member: name }, 'verdict could not be kept'))
          .finally(() => (presence.judging = false));
      }
    }
  }

  async #condemn(name: string, presence: Presence): Promise<void> {
    const record = this.#records.get(name);
    if (!record) return;
    if (!record.registry && (await this.#lastCall(this.#info(record)))) {
      presence.lease.renew();
      return;
    }
    if (record.registry || presence.lease.age() <= this.#timing.graceMs) return; // it has joined again meanwhile
    this.#log.warn({ member: name, silentMs: Math.round(presence.lease.age()) }, 'node declared dead');
    await this.#amend(name, { standing: 'dead', tasksLost: true });
  }

  #amend(name: string, change: Partial<NodeRecord>): Promise<boolean> {
    return update<NodeRecord, boolean>(this.#store, keyOf(name), (now) => (now ? { value: { ...now, ...change }, result: true } : { result: false }));
  }

  #setSuspect(name: string, suspect: boolean): void {
    const presence = this.#presences.get(name);
    const record = this.#records.get(name);
    if (!presence || !record || presence.suspect === suspect) return;
    presence.suspect = suspect;
    this.#changed(this.#info(record));
  }

  #newPresence(name: string): Presence {
    return { lease: this.#store.lease(keyOf(name), this.#timing.graceMs), links: 0, suspect: false, judging: false, load: 0, tasks: 0, memoryFreeBytes: 0 };
  }

  #info(record: NodeRecord): mpvm.node.INodeInfo {
    const presence = this.#presences.get(record.name);
    const up = presence?.suspect ? State.SUSPECT : State.UP;
    const { name, address, port, host, architecture, memoryBytes, cpus, life, registry, speed, cpuFeatures, cpuBaseline, cordon } = record;
    return {
      name, address, port, host, architecture, memoryBytes, cpus, life, registry, speed, cpuFeatures: cpuFeatures ?? [], cpuBaseline: cpuBaseline ?? false,
      state: record.standing === 'up' ? up : record.standing === 'dead' ? State.DEAD : State.LEFT,
      cordoned: cordon !== undefined, draining: cordon?.drain !== undefined,
      cordonReason: cordon?.reason ?? '', cordonUser: cordon?.user ?? '', cordonTimeMs: cordon?.timeMs ?? 0,
      load: presence?.load ?? 0, tasks: presence?.tasks ?? 0, memoryFreeBytes: presence?.memoryFreeBytes ?? 0,
    };
  }
}

/** What of a record others are told about. */
function visible({ lastLocal: _l, tasksLost: _t, certificate: _c, ...shown }: NodeRecord): string {
  return JSON.stringify(shown);
}
