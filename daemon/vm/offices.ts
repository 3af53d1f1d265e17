/**
 * Tasks that the VM asks or tells: the resource manager, the hoster, the tracer, and taskers, each
 * for the node it is on (pvm_reg_rm and its relatives). An office belongs to a task, wherever
 * that is, and ends with it.
 */
import { mpvm } from '../rpc/messages.js';
import { pvm } from './pvm.js';
import { Serial } from './serial.js';
import type { Store } from './store.js';

export type Officer = mpvm.node.IOfficer;
const Office = mpvm.task.Office;

const prefix = 'office/';
const keyOf = ({ office, tid }: Officer): string => `${prefix}${Office[office ?? 0]}${office === Office.TASKER ? `/${tid}` : ''}`;

export class Offices {
  readonly #store: Store;
  readonly #nodeOf: (tid: number) => string;
  readonly #changed: () => void;
  readonly #held = new Map<string, Officer>();
  readonly #serial = new Serial();

  /** `changed` is called after each change, with `officers` as it is now. */
  constructor(store: Store, nodeOf: (tid: number) => string, changed: () => void) {
    this.#store = store;
    this.#nodeOf = nodeOf;
    this.#changed = changed;
  }

  async load(): Promise<void> {
    for (const [key, { value }] of await this.#store.list<Officer>(prefix)) this.#held.set(key, value);
  }

  get officers(): Officer[] {
    return [...this.#held.values()];
  }

  tids(): Set<number> {
    return new Set(this.officers.map(({ tid }) => tid ?? 0));
  }

  /** A resource manager takes the place of the one before; every other office must be free. */
  register(officer: Officer, on: boolean): Promise<mpvm.node.IRegisterReply> {
    return this.#serial.run(async () => {
      const key = keyOf(officer);
      const previous = (this.#held.get(key) ?? (on ? this.#rival(officer) : undefined))?.tid ?? 0;
      const own = previous === officer.tid;
      if (on) {
        if (officer.office !== Office.RM && previous !== 0 && !own) return { status: pvm.Already, previous };
        await this.#save(key, officer);
        return { status: pvm.Ok, previous };
      }
      if (!own) return { status: pvm.NoTask, previous };
      await this.#save(key, undefined);
      return { status: pvm.Ok, previous };
    });
  }

  /** Another tasker of the same node. */
  #rival({ office, tid }: Officer): Officer | undefined {
    if (office !== Office.TASKER) return undefined;
    return this.officers.find((other) => other.office === office && this.#nodeOf(other.tid ?? 0) === this.#nodeOf(tid ?? 0));
  }

  taskEnded(tid: number): Promise<void> {
    return this.#serial.run(async () => {
      for (const [key, officer] of [...this.#held]) if (officer.tid === tid) await this.#save(key, undefined);
    });
  }

  async #save(key: string, officer: Officer | undefined): Promise<void> {
    const version = (await this.#store.get(key))?.version ?? 0;
    if (!(await this.#store.compareAndSet(key, version, officer))) throw new Error(`${key} was changed by another writer`);
    if (officer) this.#held.set(key, officer);
    else this.#held.delete(key);
    this.#changed();
  }
}
