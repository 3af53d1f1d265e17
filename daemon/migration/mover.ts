/** One planned move, made: what drains and balancing have in common. */
import type { VirtualMachine } from '../contracts.js';
import { asMpvmError, MpvmError } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';
import type { PlannedMove } from '../schedule/snapshot.js';
import type { Blocker } from './blockers.js';

type Info = mpvm.node.IMigrationInfo;

export interface Moved {
  /** Why the task has not moved. */
  error?: MpvmError;
  blockers: Blocker[];
}

/**
 * Asks the task's node to move it. `tell` hears every event; `news` is true when state or outcome
 * have changed. Never rejects.
 */
export async function performMove(vm: VirtualMachine, { tid, from, to }: PlannedMove, reason: string, tell: (migration: Info, news: boolean) => void): Promise<Moved> {
  let last: Info | undefined;
  try {
    for await (const { migration } of vm.peer(from).migrate({ tid, to, reason })) {
      if (!migration) continue;
      tell(migration, migration.state !== last?.state || migration.outcome !== last?.outcome);
      last = migration;
    }
  } catch (thrown) {
    return { error: asMpvmError(thrown), blockers: [] };
  }
  if (last?.outcome === 'completed') return { blockers: [] };
  return { error: MpvmError.received(last?.code || 'INTERNAL', last?.reason ?? ''), blockers: last?.blockers ?? [] };
}

export function plannedMove({ tid, from, to, bytes, seconds, reason }: PlannedMove): mpvm.node.DrainEvent.IPlannedMove {
  return { tid, from, to, bytes, us: Math.round(seconds * 1e6), reason };
}
