/** Which engine moves a task: the first that can, and the reason why not an earlier one. */
import type { LocalTask } from '../contracts.js';
import { asWarnings, causes, stopping } from './blockers.js';
import type { Blocker } from './blockers.js';
import type { Engine, NodeFolders } from './engine.js';
import type { Inventory } from './inventory.js';

export interface Examined extends Inventory {
  /** The engine can be used on this node; if not, nothing else has been looked at. */
  usable: boolean;
}

/** What an engine finds at the source. Throws TASK_ENDED. */
export async function examine(engine: Engine, task: LocalTask, node: NodeFolders): Promise<Examined> {
  const missing = await engine.missing();
  if (missing) return { usable: false, manifest: {}, blockers: [{ ...missing, engine: engine.name }] };
  const { manifest, blockers } = await engine.explain(task, node);
  return { usable: true, manifest, blockers: blockers.map((entry) => ({ ...entry, engine: engine.name })) };
}

export interface Choice {
  engine: Engine;
  /** Empty for the first choice. */
  reason: string;
  blockers: Blocker[];
  manifest: Inventory['manifest'];
}

/** `look`: what speaks against an engine, at both ends. When none can, all blockers of all are told, and the first is named. */
export async function choose(engines: readonly Engine[], look: (engine: Engine) => Promise<Inventory>): Promise<Choice> {
  const declined: Blocker[] = [];
  let first: Choice | undefined;
  for (const engine of engines) {
    const { manifest, blockers } = await look(engine);
    if (stopping(blockers).length === 0) {
      const reason = first ? `the ${first.engine.name} engine cannot: ${causes(declined)}` : '';
      return { engine, reason, manifest, blockers: [...blockers, ...asWarnings(declined)] };
    }
    first ??= { engine, reason: '', manifest, blockers: declined };
    declined.push(...blockers);
  }
  return first!;
}
