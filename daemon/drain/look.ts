/**
 * What is on the nodes that are being emptied. A task is asked about once; one that cannot move is asked about
 * again now and then, since what holds it may pass.
 */
import type { VirtualMachine } from '../contracts.js';
import { asMpvmError, hasCode, MpvmError } from '../errors.js';
import { asBlocker, stopping } from '../migration/blockers.js';
import type { Blocker } from '../migration/blockers.js';
import { mpvm } from '../rpc/messages.js';
import type { TaskView } from '../schedule/snapshot.js';

type TaskRow = mpvm.node.ITaskRow;

/** A task that has been started but has not enrolled is waited for so long. */
const startingLimitMs = 5000;
const askAgainMs = 1000;
const questionsAtOnce = 8;
const listTimeoutMs = 3000;

export interface Seen {
  tid: number;
  node: string;
  bytes: number;
  /** Why it cannot move anywhere. */
  blockers: Blocker[];
}
export interface Look {
  /** Tasks that can be spoken of; those under way are among them. */
  tasks: Seen[];
  /** Something there is about to be a task, or about to go: look again. */
  unsettled: boolean;
  /** Nodes that do not answer just now, and why. */
  silent: Map<string, MpvmError>;
  /** Nodes that are gone, and their tasks with them. */
  gone: string[];
}

export class Lookout {
  readonly #vm: VirtualMachine;
  readonly #known = new Map<number, Seen & { askedMs: number }>();

  constructor(vm: VirtualMachine) {
    this.#vm = vm;
  }

  /** `moving`: tasks that need no question. `closing`: it is part of the look whether the node knows that it takes no tasks. */
  async look(nodes: readonly string[], moving: ReadonlySet<number>, closing: boolean): Promise<Look> {
    const look: Look = { tasks: [], unsettled: false, silent: new Map(), gone: [] };
    const rows: { row: TaskRow; node: string }[] = [];
    await Promise.all(nodes.map(async (node) => {
      try {
        const reply = await this.#vm.peer(node).listTasks({ tid: 0 }, { timeoutMs: listTimeoutMs });
        if (closing && !reply.closed) look.unsettled = true;
        for (const row of reply.tasks) rows.push({ row, node });
      } catch (thrown) {
        if (hasCode(thrown, 'NODE_DEAD') || hasCode(thrown, 'NODE_UNKNOWN')) look.gone.push(node);
        else look.silent.set(node, asMpvmError(thrown));
      }
    }));
    const present = rows.filter(({ row }) => !row.console && row.state !== 'departed');
    this.#forget(present);
    const settled = present.filter(({ row }) => !isPassing(row));
    if (settled.length < present.length) look.unsettled = true;
    const worker = async (): Promise<void> => {
      for (let next = settled.shift(); next; next = settled.shift()) look.tasks.push(await this.#see(next.row, next.node, moving));
    };
    await Promise.all(Array.from({ length: questionsAtOnce }, worker));
    look.tasks.sort((a, b) => a.tid - b.tid);
    return look;
  }

  /** What was found out about it holds no more: a move has failed. */
  forget(tid: number): void {
    this.#known.delete(tid);
  }

  async #see(row: TaskRow, node: string, moving: ReadonlySet<number>): Promise<Seen> {
    const tid = row.tid ?? 0;
    const known = this.#known.get(tid);
    const fresh = known?.node === node && (known.blockers.length === 0 || Date.now() - known.askedMs < askAgainMs);
    if (fresh) return known;
    if (moving.has(tid)) return known ?? { tid, node, bytes: row.rssBytes ?? 0, blockers: [] };
    const seen = { ...(await this.#ask(tid, node, row.rssBytes ?? 0)), askedMs: Date.now() };
    this.#known.set(tid, seen);
    return seen;
  }

  async #ask(tid: number, node: string, resident: number): Promise<Seen> {
    const refused = (error: MpvmError): Seen => ({ tid, node, bytes: resident, blockers: [asBlocker('source', error)] });
    try {
      const reply = await this.#vm.peer(node).explainTask({ tid, to: '', engine: '' });
      if (reply.status?.status) return refused(MpvmError.received(reply.status.code ?? '', reply.status.text ?? ''));
      return { tid, node, bytes: reply.predictedBytes || resident, blockers: stopping(reply.blockers) };
    } catch (thrown) {
      return refused(asMpvmError(thrown));
    }
  }

  #forget(present: readonly { row: TaskRow }[]): void {
    const here = new Set(present.map(({ row }) => row.tid ?? 0));
    for (const tid of this.#known.keys()) if (!here.has(tid)) this.#known.delete(tid);
  }
}

/** It will be something else soon. */
function isPassing(row: TaskRow): boolean {
  if (row.state === 'arriving') return true;
  return row.state === 'starting' && Date.now() - (row.startedMs ?? 0) < startingLimitMs;
}

/** For the planner. What it computes is not asked for: each task counts as one that does. */
export function taskView({ tid, node, bytes, blockers }: Seen, moving: boolean, refusedBy: readonly string[]): TaskView {
  const blocked = moving ? ['it is moving'] : blockers.map(({ cause }) => cause ?? '');
  return { tid, node, bytes, demand: 1, blocked, refusedBy };
}
