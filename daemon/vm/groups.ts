/**
 * Groups with PVM's rules: the lowest free instance, dynamic until frozen, barriers by count.
 * Membership is durable; who waits is not: after a restart of the registry the waiting tasks ask
 * again, and one whose release was already decided is let go at once.
 *
 * A node whose tasks ask often gets a page of the group: its members, in memory that the tasks there
 * share. Where all members are on one node the page also counts barriers, and the registry has no part
 * in them. Before a group changes its pages are withdrawn (docs/protocols/groups.md).
 */
import { randomInt } from 'node:crypto';
import { Gate } from './gate.js';
import type { GroupResult, GroupState } from './gate.js';
import type { PageHolders } from './page-holders.js';
import { pvm } from './pvm.js';
import { Serial } from './serial.js';
import type { Store } from './store.js';

interface Group {
  /** tid by instance, 0 where one has left. */
  members: number[];
  frozen: boolean;
  /** Frozen, and a member has left: the others can ask, and leave, but not wait for each other any more. */
  defunct?: boolean;
  /** By tid: the call that was carried out last. Its answer may have been lost with a link. */
  released: Record<number, string>;
  page?: Page;
  /** Of withdrawn pages: who was waiting there (or died waiting here), with the count of that barrier. */
  waiting?: { page: number; count: number; tids: number[] };
  /** A page that was lost with its node: whoever waited there (and had moved away just before) was not let go, for all that can be known. */
  lost?: number;
}
interface Page {
  id: number;
  /** That have it, or may have it. */
  nodes: string[];
  /** Where barriers are counted; '': here. While it is set nobody waits here. */
  counting: string;
}
/** One call of a task that waits for others; `request` names it through all its repetitions. */
export interface Passage {
  tid: number;
  count: number;
  request: string;
  /** It was waiting on this page; 0: on none. */
  page: number;
  /** It cannot use this page; 0: not so. */
  unusable: number;
  signal: AbortSignal;
}
type Entered = GroupResult | { gate: Gate; verdict: Promise<GroupResult> };

/** Questions from one node about an unchanged group before it gets a page. */
const asksBeforePage = 2;
const pageLimit = 65_535;

const keyOf = (name: string): string => `group/${name}`;
const failed = (status: number): GroupResult => ({ status });
const emptyGroup = (): Group => ({ members: [], frozen: false, released: {} });

export class Groups {
  readonly #store: Store;
  readonly #holders: PageHolders;
  readonly #groups = new Map<string, Group>();
  readonly #gates = new Map<string, Gate>();
  /** One change at a time, of each group by itself: a change may have to wait for a node. */
  readonly #serials = new Map<string, { serial: Serial; users: number }>();
  /** By group and node: how often its tasks have asked since the group last changed. */
  readonly #asks = new WeakMap<number[], Map<string, number>>();

  constructor(store: Store, holders: PageHolders) {
    this.#store = store;
    this.#holders = holders;
  }

  async load(): Promise<void> {
    for (const [key, { value }] of await this.#store.list<Group>('group/')) this.#groups.set(key.slice(6), value);
  }

  // ---------------------------------------------------------------- members

  join(name: string, tid: number, request: string): Promise<GroupResult> {
    return this.#alone(name, async () => {
      const known = this.#groups.get(name);
      const present = known?.members.indexOf(tid) ?? -1;
      if (known && present >= 0) return isRepeated(known, tid, request) ? { status: pvm.Ok, value: present } : failed(known.frozen ? pvm.NotInGroup : pvm.DupGroup); // PVM's words
      if (known?.frozen) return failed(pvm.Denied);
      const group = structuredClone((await this.#withdrawn(name)) ?? emptyGroup());
      const free = group.members.indexOf(0);
      const instance = free >= 0 ? free : group.members.length;
      group.members[instance] = tid;
      group.released[tid] = request;
      await this.#save(name, group);
      return { status: pvm.Ok, value: instance };
    });
  }

  leave(name: string, tid: number, again = false): Promise<GroupResult> {
    return this.#alone(name, async () => {
      const group = this.#groups.get(name);
      if (!group?.members.includes(tid)) return again ? { status: pvm.Ok, value: 0 } : failed(group ? pvm.NotInGroup : pvm.NoGroup);
      await this.#remove(name, tid, false);
      return { status: pvm.Ok, value: 0 };
    });
  }

  /** A task has ended: it is a member nowhere any more. As under PVM that neither releases a barrier nor takes its arrival back. */
  async taskEnded(tid: number): Promise<void> {
    const names = [...this.#groups].flatMap(([name, { members }]) => (members.includes(tid) ? [name] : []));
    await Promise.all(names.map((name) => this.#alone(name, async () => {
      if (this.#groups.get(name)?.members.includes(tid)) await this.#remove(name, tid, true);
    })));
  }

  tids(): Set<number> {
    return new Set([...this.#groups.values()].flatMap(({ members }) => members.filter((tid) => tid !== 0)));
  }

  // ---------------------------------------------------------------- questions

  instance(name: string, asker: number, tid: number): Promise<GroupResult> {
    return this.#read(name, asker, (group) => {
      const instance = group.members.indexOf(tid);
      return instance < 0 || tid === 0 ? failed(pvm.NotInGroup) : { status: pvm.Ok, value: instance };
    });
  }

  tidOf(name: string, asker: number, instance: number): Promise<GroupResult> {
    return this.#read(name, asker, ({ members }) => {
      const tid = members[instance] ?? 0;
      return tid === 0 ? failed(pvm.NoInst) : { status: pvm.Ok, value: tid };
    });
  }

  size(name: string, asker: number): Promise<GroupResult> {
    return this.#read(name, asker, (group) => ({ status: pvm.Ok, value: sizeOf(group) }));
  }

  /** tids by instance; 0 where there is none. */
  members(name: string, asker: number): Promise<GroupResult> {
    return this.#read(name, asker, (group) => ({ status: pvm.Ok, value: sizeOf(group), tids: [...group.members] }));
  }

  /** All groups, by name. Pages that count are withdrawn for it: they alone know who waits. */
  async list(): Promise<GroupResult> {
    const names = [...this.#groups.keys()].sort();
    const states = await Promise.all(names.map((name) => this.#alone(name, () => this.#state(name))));
    return { status: pvm.Ok, groups: states.filter((state) => state !== undefined) };
  }

  async #state(name: string): Promise<GroupState | undefined> {
    const group = this.#groups.get(name)?.page?.counting ? await this.#withdrawn(name) : this.#groups.get(name);
    if (!group) return undefined;
    const gate = this.#gate(name, group);
    const needed = (kind: Gate['kind']): number => (gate?.kind === kind ? gate.count : 0);
    return { name, tids: [...group.members], barrier: needed('barrier'), freeze: needed('freeze'), waiting: [...(gate?.tids() ?? [])] };
  }

  async #read(name: string, asker: number, look: (group: Group) => GroupResult): Promise<GroupResult> {
    const group = this.#groups.get(name);
    if (!group) return failed(pvm.NoGroup);
    const answer = { ...look(group), frozen: group.frozen };
    // A page would count barriers, which a defunct group has none of.
    if (answer.status < 0 || group.defunct || !group.members.includes(asker)) return answer;
    const node = this.#holders.nodeOf(asker);
    if (group.page?.nodes.includes(node)) return { ...answer, page: group.page.id };
    if (this.#asked(group, node) < asksBeforePage) return answer;
    return this.#alone(name, async () => {
      const now = this.#groups.get(name);
      if (!now) return failed(pvm.NoGroup);
      if (now.members.includes(asker)) await this.#openPage(name, now, node);
      return { ...look(now), frozen: now.frozen, page: this.#pageFor(name, asker) };
    });
  }

  #asked(group: Group, node: string): number {
    const asks = this.#asks.get(group.members) ?? new Map<string, number>();
    this.#asks.set(group.members, asks);
    const count = (asks.get(node) ?? 0) + 1;
    asks.set(node, count);
    return count;
  }

  // ---------------------------------------------------------------- waiting for each other

  /** Answers when `count` members (-1: as many as there are now) have called it with the same count. */
  barrier(name: string, passage: Passage): Promise<GroupResult> {
    return this.#pass('barrier', name, passage);
  }

  /** Answers when `count` members have called it; the group is static from then on. */
  freeze(name: string, passage: Passage): Promise<GroupResult> {
    return this.#pass('freeze', name, passage);
  }

  async #pass(kind: Gate['kind'], name: string, passage: Passage): Promise<GroupResult> {
    const { tid, request, signal } = passage;
    const entered = await this.#alone(name, () => this.#enter(kind, name, passage));
    if (!('gate' in entered)) return entered;
    const { gate, verdict } = entered;
    const gone = (): void => gate.detach(tid, request, failed(pvm.SysErr)); // nobody hears it
    signal.addEventListener('abort', gone, { once: true });
    if (signal.aborted) gone();
    try {
      return await verdict;
    } finally {
      signal.removeEventListener('abort', gone);
    }
  }

  async #enter(kind: Gate['kind'], name: string, passage: Passage): Promise<Entered> {
    const { tid, count, request } = passage;
    const refusal = this.#refusal(this.#groups.get(name), tid, count);
    if (refusal !== undefined) return failed(refusal);
    if (isRepeated(this.#groups.get(name), tid, request)) return this.#verdict(kind, name, tid);
    const elsewhere = await this.#onPage(kind, name, passage);
    if (elsewhere) return elsewhere;
    const group = this.#groups.get(name);
    if (!group) return failed(pvm.NoGroup);
    if (kind === 'freeze' && group.frozen) return failed(pvm.DupGroup);
    const needed = count === -1 ? sizeOf(group) : count;
    const gate = this.#gate(name, group) ?? new Gate(kind, needed);
    if (gate.kind !== kind || gate.count !== needed) {
      await this.#notWaiting(name, gate, tid);
      return failed(pvm.Mismatch);
    }
    this.#gates.set(name, gate);
    const verdict = gate.arrive(tid, request);
    if (gate.complete) await this.#open(name, gate);
    return { gate, verdict };
  }

  #refusal(group: Group | undefined, tid: number, count: number): number | undefined {
    if (!group || group.defunct) return pvm.NoGroup;
    if (!group.members.includes(tid)) return pvm.NotInGroup;
    return count < 1 && count !== -1 ? pvm.BadParam : undefined;
  }

  /** What pages have to do with this call: the answer, when it is one for a page; else no page counts any more. */
  async #onPage(kind: Gate['kind'], name: string, { tid, page, unusable }: Passage): Promise<GroupResult | undefined> {
    const open = this.#groups.get(name)?.page;
    if (page !== 0) {
      if (open?.id === page) await this.#withdrawn(name);
      const waiting = this.#groups.get(name)?.waiting;
      const lost = this.#groups.get(name)?.lost === page;
      // Counted there, and waiting no more: it was let go there.
      if (!lost && (waiting?.page !== page || !waiting.tids.includes(tid))) return { status: pvm.Ok, value: 0, page: this.#pageFor(name, tid) };
    }
    const counting = this.#groups.get(name)?.page?.counting ?? '';
    if (counting === '') return undefined;
    if (kind === 'barrier' && counting === this.#holders.nodeOf(tid) && unusable !== open?.id) return { status: pvm.Ok, page: open?.id, enter: true };
    await this.#withdrawn(name);
    return undefined;
  }

  /** The gate there is, or the one that those make who waited on a page. */
  #gate(name: string, { waiting, members }: Group): Gate | undefined {
    const known = this.#gates.get(name);
    if (known || !waiting) return known;
    const gate = new Gate('barrier', waiting.count);
    for (const tid of waiting.tids) gate.expect(tid, !members.includes(tid));
    this.#gates.set(name, gate);
    return gate;
  }

  /** A mark on a page may be older than the call that it seemed to tell of: this task waits for nothing. */
  async #notWaiting(name: string, gate: Gate, tid: number): Promise<void> {
    const group = this.#groups.get(name);
    if (!group || !gate.expected(tid)) return;
    gate.forget(tid, failed(pvm.Mismatch));
    if (gate.empty) this.#gates.delete(name);
    await this.#save(name, { ...group, waiting: without(group.waiting, [tid]) });
  }

  async #open(name: string, gate: Gate): Promise<void> {
    const group = this.#groups.get(name);
    if (!group) return;
    const released = { ...group.released };
    const through: number[] = [];
    for (const [tid, request] of gate.counted()) {
      through.push(tid);
      if (request !== undefined && group.members.includes(tid)) released[tid] = request;
    }
    // Not let go before it is written: a request repeated after a restart must find the same verdict.
    await this.#save(name, { ...group, frozen: group.frozen || gate.kind === 'freeze', released, waiting: without(group.waiting, through) });
    this.#gates.delete(name);
    if (gate.kind === 'barrier') await this.#countOnPage(name);
    gate.tell((tid) => this.#verdict(gate.kind, name, tid));
  }

  #verdict(kind: Gate['kind'], name: string, tid: number): GroupResult {
    const group = this.#groups.get(name);
    return { status: pvm.Ok, value: kind === 'freeze' && group ? sizeOf(group) : 0, page: this.#pageFor(name, tid) };
  }

  // ---------------------------------------------------------------- pages

  /** The members are all on one node, and have passed barriers here before: from now on they count by themselves. */
  async #countOnPage(name: string): Promise<void> {
    const group = this.#groups.get(name);
    const node = group && this.#holders.commonNode(present(group));
    if (!group || node === undefined || group.page?.counting || this.#asked(group, node) < asksBeforePage) return;
    if (group.page) await this.#withdrawn(name);
    await this.#openPage(name, this.#groups.get(name) ?? group, node);
  }

  async #openPage(name: string, group: Group, node: string): Promise<void> {
    if (node === '' || group.members.length > pageLimit || group.page?.nodes.includes(node)) return;
    const alone = !group.page && !group.waiting && !this.#gates.has(name);
    const counts = alone && this.#holders.commonNode(present(group)) === node;
    const id = group.page?.id ?? randomInt(1, 2 ** 47);
    // Written down first: a page that nobody remembers could not be withdrawn.
    const nodes = [...(group.page?.nodes ?? []), node];
    await this.#save(name, { ...group, page: { id, nodes, counting: group.page?.counting || (counts ? node : '') } });
    if (!(await this.#holders.open(node, id, counts, group.members))) await this.#withdrawn(name);
  }

  #pageFor(name: string, tid: number): number {
    const page = this.#groups.get(name)?.page;
    return page?.nodes.includes(this.#holders.nodeOf(tid)) ? page.id : 0;
  }

  /** The group, without pages: nobody goes by one any more, and who waited on one is known. */
  async #withdrawn(name: string): Promise<Group | undefined> {
    const group = this.#groups.get(name);
    if (!group?.page) return group;
    const { id, nodes } = group.page;
    const { count, tids, lost } = await this.#holders.withdraw(nodes, id);
    const { page: _page, ...rest } = group;
    const kept = lost.includes(group.page.counting) ? { ...rest, lost: id } : rest;
    await this.#save(name, count > 0 ? { ...kept, waiting: { page: id, count, tids } } : kept);
    this.#holders.drop(nodes, id);
    return this.#groups.get(name);
  }

  // ---------------------------------------------------------------- effects

  async #remove(name: string, tid: number, ended: boolean): Promise<void> {
    const group = await this.#withdrawn(name);
    if (!group) return;
    const gate = this.#gate(name, group);
    const members = group.members.map((member) => (member === tid ? 0 : member));
    while (members.at(-1) === 0) members.pop();
    const gone = members.length === 0;
    const defunct = group.frozen;
    const { [tid]: _gone, ...released } = group.released;
    let { waiting } = group;
    const stays = ended && gate?.kind === 'barrier' && gate.has(tid);
    if (stays) waiting = { page: waiting?.page ?? 0, count: gate.count, tids: [...new Set([...(waiting?.tids ?? []), tid])] };
    else waiting = without(waiting, [tid]);
    await this.#save(name, gone ? undefined : { ...group, members, released, ...(defunct ? { defunct, waiting: undefined } : { waiting }) });
    if (stays) gate.died(tid, failed(pvm.NotInGroup));
    else gate?.forget(tid, failed(pvm.NotInGroup));
    if (gate && (gone || defunct)) {
      this.#gates.delete(name);
      gate.tell(() => failed(pvm.NoGroup));
    } else if (gate?.empty) {
      this.#gates.delete(name);
    } else if (gate?.complete) {
      await this.#open(name, gate);
    }
  }

  async #alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    const entry = this.#serials.get(name) ?? { serial: new Serial(), users: 0 };
    this.#serials.set(name, entry);
    entry.users++;
    try {
      return await entry.serial.run(work);
    } finally {
      if (--entry.users === 0) this.#serials.delete(name);
    }
  }

  async #save(name: string, group: Group | undefined): Promise<void> {
    const key = keyOf(name);
    const version = (await this.#store.get(key))?.version ?? 0;
    if (!(await this.#store.compareAndSet(key, version, group))) throw new Error(`${key} was changed by another writer`);
    if (group) this.#groups.set(name, group);
    else this.#groups.delete(name);
  }
}

const isRepeated = (group: Group | undefined, tid: number, request: string): boolean => request !== '' && group?.released[tid] === request;
const present = ({ members }: Group): number[] => members.filter((tid) => tid !== 0);
const sizeOf = (group: Group): number => present(group).length;

function without(waiting: Group['waiting'], tids: readonly number[]): Group['waiting'] {
  const rest = waiting?.tids.filter((tid) => !tids.includes(tid)) ?? [];
  return waiting && rest.length > 0 ? { ...waiting, tids: rest } : undefined;
}
