/**
 * A source in doubt: it has handed over all that the destination needs, and does not know what became
 * of it. It fences, and asks until it knows; the copy stays frozen meanwhile, for ever if need be.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { MoveOutcome, VirtualMachine } from '../contracts.js';
import { asMpvmError, hasCode } from '../errors.js';
import type { Logger } from '../log.js';
import { tidText } from './engine.js';
import { verdictForSource } from './verdict.js';

const askAgainMs = { first: 50, most: 2000 } as const;
/** A node answers when the process that arrives there has run, or has been handed back. */
const askNodeMs = 5000;
/** A living node that knows nothing of the task, and a directory that names it: its end was not reported. */
const unknownThereMs = 10_000;

export interface Doubt {
  readonly vm: VirtualMachine;
  readonly tid: number;
  /** Before the move. */
  readonly epoch: number;
  readonly migration: string;
  readonly log: Logger;
}

export async function settleDoubt({ vm, tid, epoch, migration, log }: Doubt): Promise<MoveOutcome> {
  const from = vm.self.name;
  let unknownSince: number | undefined;
  for (let wait: number = askAgainMs.first; ; wait = Math.min(wait * 2, askAgainMs.most)) {
    try {
      const { committed, now } = await vm.commitMove({ tid, epoch, from, to: from, migration });
      const node = now.node ?? '';
      const { verdict, epoch: settled } = verdictForSource({ epoch, from, to: '' }, { committed, now: { epoch: now.epoch ?? 0, node } });
      log.info({ tid: tidText(tid), migration, committed, now, verdict }, 'the directory has answered');
      if (verdict === 'stays') return { task: 'here', epoch: settled, node: from };
      if (verdict === 'gone') return { task: 'there', epoch: settled, node };
      const there = await runsThere(vm, tid, node);
      if (there !== 'unknown') return { task: there, epoch: settled, node };
      unknownSince ??= Date.now();
      if (Date.now() - unknownSince > unknownThereMs) return { task: 'lost', epoch: settled, node };
    } catch (error) {
      unknownSince = undefined;
      log.warn({ tid: tidText(tid), migration, code: asMpvmError(error).code, wait }, 'in doubt, and nobody answers: the task stays frozen');
    }
    await delay(wait);
  }
}

/** `lost`: with its node, or nobody knows. Throws when the node does not answer. */
async function runsThere(vm: VirtualMachine, tid: number, node: string): Promise<'there' | 'lost' | 'unknown'> {
  try {
    const { tasks } = await vm.peer(node).listTasks({ tid }, { timeoutMs: askNodeMs });
    return tasks.some((row) => row.tid === tid) ? 'there' : 'unknown';
  } catch (error) {
    if (hasCode(error, 'NODE_DEAD') || hasCode(error, 'NODE_UNKNOWN')) return 'lost';
    throw error;
  }
}
