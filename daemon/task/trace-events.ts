/**
 * The trace events that daemons make (pvmtev.h): a task has begun, a task has ended. For whoever
 * collects the events of that task. The first of a kind to a collector describes its fields.
 */
import { traceFields } from '#gen/trace-fields.js';
import type { mpvm } from '../rpc/messages.js';
import { daemonMessage, processorTimes } from './officer-messages.js';
import type { Exit } from './process.js';
import { xdr } from './xdr.js';

const mark = { names: -3, namesEnd: -4, description: -5, descriptionEnd: -6, record: -7, recordEnd: -8 } as const;
const event = { newTask: { id: 75, name: 'newtask' }, endTask: { id: 76, name: 'endtask' }, spawned: { id: 77, name: 'spntask' } } as const;
const field = { seconds: 106, microseconds: 107, task: 88, parent: 89, flags: 91, name: 92, status: 98, userS: 99, userUs: 100, systemS: 101, systemUs: 102 } as const;
const type = { int: 6, string: 12 } as const;
/** Collectors that are remembered; one more is told the forms again. */
const remembered = 1024;

type Kind = (typeof event)[keyof typeof event];
type Field = readonly [did: number, value: number | string];

export class TraceEvents {
  readonly #post: (tid: number, frames: mpvm.task.IToTask[]) => void;
  readonly #described = new Set<string>();
  /** What fields are called: the first message to a collector. */
  readonly #names = xdr(mark.names, ...traceFields.flatMap(([name, meaning], did) => [did, name, meaning]), mark.namesEnd);

  constructor(post: (tid: number, frames: mpvm.task.IToTask[]) => void) {
    this.#post = post;
  }

  /** `flags`: of its spawn; -1 for a program started from a shell. */
  begun(record: mpvm.node.ITaskRecord, flags: number): void {
    const parent = (record.parent ?? 0) > 0 ? (record.parent ?? 0) : -1;
    this.#send(record, event.newTask, [[field.parent, parent], [field.flags, flags], [field.name, record.program || '-']]);
    if (flags >= 0) this.#send(record, event.spawned, [[field.parent, parent]]);
  }

  ended(record: mpvm.node.ITaskRecord, status: number, exit: Exit): void {
    const times = processorTimes(exit);
    const fields = [field.userS, field.userUs, field.systemS, field.systemUs].map((did, index): Field => [did, times[index] ?? 0]);
    this.#send(record, event.endTask, [[field.status, status], ...fields]);
  }

  #send({ tid = 0, inherited }: mpvm.node.ITaskRecord, kind: Kind, fields: readonly Field[]): void {
    const to = inherited?.traceTid ?? 0;
    if (to === 0 || to === tid) return;
    const now = Date.now();
    const all: Field[] = [[field.seconds, Math.floor(now / 1000)], [field.microseconds, (now % 1000) * 1000], [field.task, tid ?? 0], ...fields];
    const post = (body: Buffer): void => this.#post(to, [daemonMessage(inherited?.traceTag ?? 0, body, { context: inherited?.traceContext ?? 0 })]);
    if (this.#isNew(`${to}`)) post(this.#names);
    const describe = this.#isNew(`${to} ${kind.id}`);
    const body = describe
      ? xdr(mark.description, kind.id, kind.name, ...all.flatMap(([did, value]) => [did, typeof value === 'number' ? type.int : type.string, value]), mark.descriptionEnd)
      : xdr(mark.record, kind.id, ...all.map(([, value]) => value), mark.recordEnd);
    post(body);
  }

  #isNew(key: string): boolean {
    if (this.#described.has(key)) return false;
    if (this.#described.size >= remembered) this.#described.clear();
    this.#described.add(key);
    return true;
  }
}
