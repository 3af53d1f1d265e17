/**
 * The trace events that daemons make (pvmtev.h): a task has begun, a task has ended. For whoever
 * collects the events of that task. The first of a kind to a collector describes its fields.
 */
import type { mpvm } from '../rpc/messages.js';
import { daemonMessage } from './officer-messages.js';
import { xdr } from './xdr.js';

const mark = { description: -5, descriptionEnd: -6, record: -7, recordEnd: -8 } as const;
const event = { newTask: { id: 75, name: 'newtask' }, endTask: { id: 76, name: 'endtask' } } as const;
const field = { seconds: 106, microseconds: 107, task: 88, parent: 89, flags: 91, name: 92, status: 103, userS: 99, userUs: 100, systemS: 101, systemUs: 102 } as const;
const type = { int: 6, string: 12 } as const;
/** Collectors that are remembered; one more is told the forms again. */
const remembered = 1024;

type Kind = (typeof event)[keyof typeof event];
type Field = readonly [did: number, value: number | string];

export class TraceEvents {
  readonly #post: (tid: number, frames: mpvm.task.IToTask[]) => void;
  readonly #described = new Set<string>();

  constructor(post: (tid: number, frames: mpvm.task.IToTask[]) => void) {
    this.#post = post;
  }

  /** `flags`: of its spawn; -1 for a program started from a shell. */
  begun(record: mpvm.node.ITaskRecord, flags: number): void {
    const parent = (record.parent ?? 0) > 0 ? (record.parent ?? 0) : -1;
    this.#send(record, event.newTask, [[field.parent, parent], [field.flags, flags], [field.name, record.program || '-']]);
  }

  ended(record: mpvm.node.ITaskRecord, status: number): void {
    const times = [field.userS, field.userUs, field.systemS, field.systemUs].map((did): Field => [did, 0]);
    this.#send(record, event.endTask, [[field.status, status], ...times]);
  }

  #send({ tid = 0, inherited }: mpvm.node.ITaskRecord, kind: Kind, fields: readonly Field[]): void {
    const to = inherited?.traceTid ?? 0;
    if (to === 0 || to === tid) return;
    const now = Date.now();
    const all: Field[] = [[field.seconds, Math.floor(now / 1000)], [field.microseconds, (now % 1000) * 1000], [field.task, tid ?? 0], ...fields];
    const known = `${to} ${kind.id}`;
    const describe = !this.#described.has(known);
    if (this.#described.size >= remembered) this.#described.clear();
    this.#described.add(known);
    const body = describe
      ? xdr(mark.description, kind.id, kind.name, ...all.flatMap(([did, value]) => [did, typeof value === 'number' ? type.int : type.string, value]), mark.descriptionEnd)
      : xdr(mark.record, kind.id, ...all.map(([, value]) => value), mark.recordEnd);
    this.#post(to, [daemonMessage(inherited?.traceTag ?? 0, body, { context: inherited?.traceContext ?? 0 })]);
  }
}
