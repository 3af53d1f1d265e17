/**
 * Groups with PVM's rules: the lowest free instance, dynamic until frozen, barriers by count.
 * Membership is durable; who waits is not: after a restart of the registry the waiting tasks ask
 * again (`again`), and one whose release was already decided is let go at once.
 */
import { pvm } from './pvm.js';
import { Serial } from './serial.js';
import type { Store } from './store.js';

interface Group {
  /** tid by instance, 0 where one has left. */
  members: number[];
  frozen: boolean;
  /** By tid: the request that a barrier last let go. Its answer may have been lost with the link. */
  released: Record<number, string>;
}
/** One call of a task that waits for others; `request` names it through all its repetitions. */
export interface Passage {
  tid: number;
  count: number;
  request: string;
  again: boolean;
  signal: AbortSignal;
}
interface Gate {
  kind: 'barrier' | 'freeze';
  count: number;
  waiting: Map<number, { request: string; answer: (status: number) => void }>;
}
export interface GroupResult {
  status: number;
  value?: number;
  tids?: number[];
  frozen?: boolean;
}

const keyOf = (name: string): string => `group/${name}`;
const failed = (status: number): GroupResult => ({ status });
const emptyGroup = (): Group => ({ members: [], frozen: false, released: {} });

export class Groups {
  readonly #store: Store;
  readonly #groups = new Map<string, Group>();
  readonly #gates = new Map<string, Gate>();
  readonly #serial = new Serial();

  constructor(store: Store) {
    this.#store = store;
  }

  async load(): Promise<void> {
    for (const [key, { value }] of await this.#store.list<Group>('group/')) this.#groups.set(key.slice(6), value);
  }

  join(name: string, tid: number, again = false): Promise<GroupResult> {
    return this.#serial.run(async () => {
      const group = structuredClone(this.#groups.get(name) ?? emptyGroup());
      const present = group.members.indexOf(tid);
      if (present >= 0) return again ? { status: pvm.Ok, value: present } : failed(pvm.DupGroup);
      if (group.frozen) return failed(pvm.Denied);
      const free = group.members.indexOf(0);
      const instance = free >= 0 ? free : group.members.length;
      group.members[instance] = tid;
      await this.#save(name, group);
      return { status: pvm.Ok, value: instance };
    });
  }

  leave(name: string, tid: number, again = false): Promise<GroupResult> {
    return this.#serial.run(async () => {
      const group = this.#groups.get(name);
      if (!group?.members.includes(tid)) return again ? { status: pvm.Ok, value: 0 } : failed(group ? pvm.NotInGroup : pvm.NoGroup);
      await this.#remove(name, group, tid);
      return { status: pvm.Ok, value: 0 };
    });
  }

  /** A task has ended: it is a member nowhere any more. As under PVM that releases no dynamic barrier. */
  taskEnded(tid: number): Promise<void> {
    return this.#serial.run(async () => {
      for (const [name, group] of [...this.#groups]) if (group.members.includes(tid)) await this.#remove(name, group, tid);
    });
  }

  tids(): Set<number> {
    return new Set([...this.#groups.values()].flatMap(({ members }) => members.filter((tid) => tid !== 0)));
  }

  instance(name: string, tid: number): GroupResult {
    const group = this.#groups.get(name);
    if (!group) return failed(pvm.NoGroup);
    const instance = group.members.indexOf(tid);
    return instance < 0 ? failed(pvm.NotInGroup) : { status: pvm.Ok, value: instance, frozen: group.frozen };
  }

  tidOf(name: string, instance: number): GroupResult {
    const group = this.#groups.get(name);
    if (!group) return failed(pvm.NoGroup);
    const tid = group.members[instance] ?? 0;
    return tid === 0 ? failed(pvm.NoInst) : { status: pvm.Ok, value: tid, frozen: group.frozen };
  }

  size(name: string): GroupResult {
    const group = this.#groups.get(name);
    return group ? { status: pvm.Ok, value: sizeOf(group), frozen: group.frozen } : failed(pvm.NoGroup);
  }

  /** tids by instance; 0 where there is none. */
  members(name: string): GroupResult {
    const group = this.#groups.get(name);
    return group ? { status: pvm.Ok, value: sizeOf(group), tids: [...group.members], frozen: group.frozen } : failed(pvm.NoGroup);
  }

  /** Answers when `count` members (-1: as many as there are now) have called it with the same count. */
  barrier(name: string, passage: Passage): Promise<GroupResult> {
    return this.#pass('barrier', name, passage);
  }

  /** Answers when `count` members have called it; the group is static from then on. */
  freeze(name: string, passage: Passage): Promise<GroupResult> {
    return this.#pass('freeze', name, passage);
  }

  async #pass(kind: Gate['kind'], name: string, { tid, count, request, again, signal }: Passage): Promise<GroupResult> {
    let wait: Promise<number> | undefined;
    const entered = await this.#serial.run(async (): Promise<GroupResult> => {
      const group = this.#groups.get(name);
      const refusal = this.#refusal(kind, group, tid, count);
      if (group === undefined || refusal !== undefined) return failed(refusal ?? pvm.NoGroup);
      if (again && group.released[tid] === request) return { status: pvm.Ok, value: kind === 'freeze' ? sizeOf(group) : 0 };
      if (kind === 'freeze' && group.frozen) return failed(pvm.DupGroup);
      const needed = count === -1 ? sizeOf(group) : count;
      const gate = this.#gates.get(name) ?? { kind, count: needed, waiting: new Map() };
      if (gate.kind !== kind || gate.count !== needed) return failed(pvm.Mismatch);
      this.#gates.set(name, gate);
      wait = new Promise((answer) => gate.waiting.set(tid, { request, answer }));
      if (gate.waiting.size >= gate.count) await this.#open(name, group, gate);
      return { status: pvm.Ok };
    });
    if (entered.status < 0 || wait === undefined) return entered;
    const status = await this.#waited(name, tid, request, wait, signal);
    return { status, value: kind === 'freeze' ? this.size(name).value ?? count : 0 };
  }

  #refusal(kind: Gate['kind'], group: Group | undefined, tid: number, count: number): number | undefined {
    if (!group) return pvm.NoGroup;
    if (!group.members.includes(tid)) return pvm.NotInGroup;
    return count < 1 && count !== -1 ? pvm.BadParam : undefined;
  }

  async #open(name: string, group: Group, gate: Gate): Promise<void> {
    const released = { ...group.released };
    for (const [tid, { request }] of gate.waiting) released[tid] = request;
    // Not let go before it is written: a request repeated after a restart must find the same verdict.
    await this.#save(name, { ...group, frozen: group.frozen || gate.kind === 'freeze', released });
    this.#close(name, gate, pvm.Ok);
  }

  #close(name: string, gate: Gate, status: number): void {
    this.#gates.delete(name);
    for (const { answer } of gate.waiting.values()) answer(status);
  }

  async #waited(name: string, tid: number, request: string, wait: Promise<number>, signal: AbortSignal): Promise<number> {
    const gone = (): void => {
      const gate = this.#gates.get(name);
      const waiter = gate?.waiting.get(tid);
      if (!gate || waiter?.request !== request) return;
      gate.waiting.delete(tid);
      if (gate.waiting.size === 0) this.#gates.delete(name);
      waiter.answer(pvm.SysErr); // nobody hears it
    };
    signal.addEventListener('abort', gone, { once: true });
    if (signal.aborted) gone();
    try {
      return await wait;
    } finally {
      signal.removeEventListener('abort', gone);
    }
  }

  async #remove(name: string, group: Group, tid: number): Promise<void> {
    const gate = this.#gates.get(name);
    const members = group.members.map((member) => (member === tid ? 0 : member));
    while (members.at(-1) === 0) members.pop();
    const gone = group.frozen || members.length === 0; // a static group ends when a member leaves
    const { [tid]: _gone, ...released } = group.released;
    await this.#save(name, gone ? undefined : { ...group, members, released });
    gate?.waiting.get(tid)?.answer(pvm.NotInGroup);
    gate?.waiting.delete(tid);
    if (gate && (gone || gate.waiting.size === 0)) this.#close(name, gate, pvm.NoGroup);
  }

  async #save(name: string, group: Group | undefined): Promise<void> {
    const key = keyOf(name);
    const version = (await this.#store.get(key))?.version ?? 0;
    if (!(await this.#store.compareAndSet(key, version, group))) throw new Error(`${key} was changed by another writer`);
    if (group) this.#groups.set(name, group);
    else this.#groups.delete(name);
  }
}

function sizeOf(group: Group): number {
  return group.members.filter((tid) => tid !== 0).length;
}
