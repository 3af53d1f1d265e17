/**
 * An engine captures a process and rebuilds it elsewhere. The move's state machine is the same for
 * all; an engine says whether it can do it, and speaks to the task on the way.
 */
import type { LocalTask } from '../contracts.js';
import { MpvmError } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';
import { asBlocker } from './blockers.js';
import type { Blocker } from './blockers.js';
import { ProcessGone } from './proc.js';
import { takeInventory } from './inventory.js';
import type { Inventory } from './inventory.js';

/** How memory is copied while the program runs. */
export interface Copying {
  maxDowntimeMs: number;
  maxRounds: number;
  tracking: mpvm.task.Tracking;
  onNoConvergence: mpvm.task.NoConvergence;
  /** 0: as fast as it goes. */
  bytesPerSecond: number;
}

export interface TransferOptions {
  id: string;
  ready: mpvm.node.IInboundReady;
  copying: Copying;
  fault: mpvm.task.IFault | undefined;
}

export interface Engine {
  readonly name: 'native' | 'criu';
  /** Is it there at all? Undefined when it is. */
  missing(): Blocker | undefined;
  /** Everything at the source that keeps this task from moving, and what its destination must know. Throws TASK_ENDED. */
  explain(task: LocalTask, node: { taskSockets: string; output: string }): Promise<Inventory>;
  /** The image begins to flow. Answers: MigrationProgress…, FreezeRequest, ImageSent, or MigrationFailed. */
  transfer(task: LocalTask, options: TransferOptions): void;
  /** From now on memory is copied at this rate. */
  pace(task: LocalTask, id: string, bytesPerSecond: number): void;
  /** The task may stop its program now. */
  freeze(task: LocalTask, id: string): void;
  /** It is there: this copy ends. */
  commit(task: LocalTask, id: string): void;
  /** It stays here: the program goes on, if it was stopped. */
  abort(task: LocalTask, id: string, reason: string): void;
}

/** libpvm's agent captures from inside (native/checkpoint). */
const native: Engine = {
  name: 'native',
  missing: () => undefined,
  async explain(task, node) {
    try {
      return await takeInventory({ tid: task.tid, pid: task.pid, ...node });
    } catch (error) {
      if (error instanceof ProcessGone) throw new MpvmError('TASK_ENDED', { tid: tidText(task.tid) }, { cause: error });
      throw error;
    }
  },
  transfer(task, { id, ready, copying, fault }) {
    const { address, port, secret } = ready;
    task.send({ request: 0, migrationStart: { id, address, port, secret, ...copying, ...(fault ? { fault } : {}) } });
  },
  pace: (task, id, bytesPerSecond) => task.send({ request: 0, migrationPace: { id, bytesPerSecond } }),
  freeze: (task, id) => task.send({ request: 0, freezeGrant: { id } }),
  commit: (task, id) => task.send({ request: 0, migrationCommitted: { id } }),
  abort: (task, id, reason) => task.send({ request: 0, migrationAbort: { id, reason: reason.slice(0, 255) } }),
};

const notBuilt = (): never => {
  throw new MpvmError('NOT_BUILT', { what: 'the engine criu' });
};
const criu: Engine = {
  name: 'criu',
  missing: () => asBlocker('source', new MpvmError('NOT_BUILT', { what: 'the engine criu' })),
  explain: (task, node) => native.explain(task, node),
  transfer: notBuilt,
  pace: notBuilt,
  freeze: notBuilt,
  commit: notBuilt,
  abort: notBuilt,
};

/** `auto` and nothing take what the task was spawned for, which by default is native. Throws ENGINE_UNKNOWN. */
export function chooseEngine(asked: string | null | undefined, task: LocalTask): Engine {
  const name = asked && asked !== 'auto' ? asked : task.record.engine && task.record.engine !== 'auto' ? task.record.engine : 'native';
  if (name === 'native') return native;
  if (name === 'criu') return criu;
  throw new MpvmError('ENGINE_UNKNOWN', { engine: name });
}

/** A task id as PVM prints it. */
export function tidText(tid: number): string {
  return `t${tid.toString(16)}`;
}
