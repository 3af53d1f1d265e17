/**
 * The mailbox of the VM (pvm_putinfo, pvm_recvinfo, pvm_delinfo, pvm_getmboxinfo): messages under
 * (name, index), owned by the task that put them unless they are overwritable, gone with their
 * owner unless they are persistent.
 */
import { mailboxFlag as flag, mailboxIndexShift, pvm } from './pvm.js';
import { Serial } from './serial.js';
import type { Store } from './store.js';

export interface Message {
  encoding: number;
  tag: number;
  context: number;
  body: Uint8Array;
}
interface Entry {
  owner: number;
  flags: number;
  encoding: number;
  tag: number;
  context: number;
  /** base64 */
  body: string;
  /** The sending that put it, so that it is not put twice. */
  request?: string;
  /** Persistent, but no longer than its owner: a reset has come over it. */
  doomed?: boolean;
}
export interface Found {
  status: number;
  entry?: Message & { owner: number };
}
export interface MailboxClass {
  name: string;
  indices: number[];
  owners: number[];
  flags: number[];
}

const prefix = 'mailbox/';
const keyOf = (name: string, index: number): string => `${prefix}${encodeURIComponent(name)}/${index}`;
/** Longer patterns than any name that a program would choose are refused. */
const patternLimit = 256;

export class Mailbox {
  readonly #store: Store;
  readonly #classes = new Map<string, Map<number, Entry>>();
  readonly #serial = new Serial();
  /** Tasks that wait for an entry: looked at again after each put. */
  readonly #waiting = new Set<() => void>();

  constructor(store: Store) {
    this.#store = store;
  }

  async load(): Promise<void> {
    for (const [key, { value }] of await this.#store.list<Entry>(prefix)) {
      const [name, index] = key.slice(prefix.length).split('/') as [string, string];
      this.#set(decodeURIComponent(name), Number(index), value);
    }
  }

  /** The index it has now, or a PVM error. */
  put(tid: number, request: { name: string; flags: number; index: number; exact: boolean } & Message, id: string, again: boolean): Promise<number> {
    return this.#serial.run(async () => {
      const { name, flags } = request;
      if (name === '') return pvm.BadParam;
      const entries = this.#classes.get(name) ?? new Map<number, Entry>();
      if (again && id !== '') {
        const done = [...entries].find(([, entry]) => entry.request === id);
        if (done) return done[0];
      }
      const index = placeFor(entries, tid, request);
      if (index < 0) return index;
      const { encoding, tag, context } = request;
      await this.#save(name, index, { owner: tid, flags, encoding, tag, context, body: Buffer.from(request.body).toString('base64'), ...(id === '' ? {} : { request: id }) });
      for (const look of [...this.#waiting]) look();
      return index;
    });
  }

  /** With PvmMboxWaitForInfo it answers when there is one. */
  async get(tid: number, name: string, index: number, flags: number, signal: AbortSignal): Promise<Found> {
    for (;;) {
      const found = await this.#serial.run(() => this.#take(tid, name, index, flags));
      if (found.status !== pvm.NotFound || (flags & flag.WaitForInfo) === 0) return found;
      if (signal.aborted) return { status: pvm.SysErr };
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#waiting.delete(look);
          signal.removeEventListener('abort', look);
          resolve();
        };
        this.#waiting.add(look);
        signal.addEventListener('abort', look, { once: true });
      });
    }
  }

  /** The index that was deleted, or a PVM error. */
  delete(tid: number, name: string, index: number): Promise<number> {
    return this.#serial.run(async () => {
      const entry = this.#classes.get(name)?.get(index);
      if (!entry) return pvm.NotFound;
      if (!mayChange(entry, tid)) return pvm.Denied;
      await this.#save(name, index, undefined);
      return index;
    });
  }

  /** Those whose names hold the pattern somewhere; "*" in it stands for any characters. Undefined: it is too long. */
  list(pattern: string): MailboxClass[] | undefined {
    if (pattern.length > patternLimit) return undefined;
    const parts = pattern.split('*');
    const matches = (name: string): boolean => {
      let from = 0;
      for (const part of parts) {
        const at = name.indexOf(part, from);
        if (at < 0) return false;
        from = at + part.length;
      }
      return true;
    };
    return [...this.#classes].filter(([name]) => matches(name)).map(([name, entries]) => {
      const sorted = [...entries].sort(([a], [b]) => a - b);
      return { name, indices: sorted.map(([index]) => index), owners: sorted.map(([, { owner }]) => owner), flags: sorted.map(([, { flags }]) => flags) };
    });
  }

  /**
   * PVM's reset: persistent entries without an owner go, with `all` also those of living tasks as soon as
   * these end, but for the tasks in `keep`. An empty name: of every class; index -1: the whole class.
   */
  reset(tid: number, { name, index, all, keep }: { name: string; index: number; all: boolean; keep: readonly number[] }): Promise<number> {
    const spared = new Set([tid, ...keep]);
    return this.#serial.run(async () => {
      for (const [each, entries] of [...this.#classes]) {
        if (name !== '' && each !== name) continue;
        for (const [at, entry] of [...entries]) {
          if ((index >= 0 && at !== index) || (entry.flags & flag.Persistent) === 0) continue;
          if (entry.owner === 0) await this.#save(each, at, undefined);
          else if (all && !spared.has(entry.owner)) await this.#save(each, at, { ...entry, doomed: true });
        }
      }
      return pvm.Ok;
    });
  }

  /** Entries of a task that has ended go, persistent ones stay without an owner. */
  taskEnded(tid: number): Promise<void> {
    return this.#serial.run(async () => {
      for (const [name, entries] of [...this.#classes]) {
        for (const [index, entry] of [...entries]) {
          if (entry.owner !== tid) continue;
          await this.#save(name, index, entry.flags & flag.Persistent && !entry.doomed ? { ...entry, owner: 0 } : undefined);
        }
      }
    });
  }

  tids(): Set<number> {
    return new Set([...this.#classes.values()].flatMap((entries) => [...entries.values()].map(({ owner }) => owner)).filter((tid) => tid !== 0));
  }

  async #take(tid: number, name: string, index: number, flags: number): Promise<Found> {
    const entries = this.#classes.get(name);
    const at = flags & flag.FirstAvail ? Math.min(...[...(entries?.keys() ?? [])].filter((candidate) => candidate >= index)) : index;
    const entry = entries?.get(at);
    if (!entry) return { status: pvm.NotFound };
    if (flags & flag.ReadAndDelete) {
      if (!mayChange(entry, tid)) return { status: pvm.Denied };
      await this.#save(name, at, undefined);
    }
    const { encoding, tag, context, owner, body } = entry;
    return { status: at, entry: { encoding, tag, context, owner, body: Buffer.from(body, 'base64') } };
  }

  async #save(name: string, index: number, entry: Entry | undefined): Promise<void> {
    const key = keyOf(name, index);
    const version = (await this.#store.get(key))?.version ?? 0;
    if (!(await this.#store.compareAndSet(key, version, entry))) throw new Error(`${key} was changed by another writer`);
    this.#set(name, index, entry);
  }

  #set(name: string, index: number, entry: Entry | undefined): void {
    const entries = this.#classes.get(name) ?? new Map<number, Entry>();
    if (entry) entries.set(index, entry);
    else entries.delete(index);
    if (entries.size > 0) this.#classes.set(name, entries);
    else this.#classes.delete(name);
  }
}

function mayChange(entry: Entry, tid: number): boolean {
  return entry.owner === tid || (entry.flags & flag.OverWritable) !== 0;
}

/** Which index a put goes to, or why it may not. */
function placeFor(entries: Map<number, Entry>, tid: number, { flags, index, exact }: { flags: number; index: number; exact: boolean }): number {
  if (exact) return index < 0 ? pvm.BadParam : entries.has(index) ? pvm.Denied : index;
  const from = flags >>> mailboxIndexShift;
  if (flags & flag.MultiInstance) {
    let free = from;
    while (entries.has(free)) free++;
    return free;
  }
  const entry = entries.get(from);
  return entry && !mayChange(entry, tid) ? pvm.Denied : from;
}
