/** What the parts of this folder share: the table of tasks and the machine around it. */
import type { TaskEvents, VirtualMachine } from '../contracts.js';
import type { Logger } from '../log.js';
import type { NodePaths } from '../paths.js';
import type { Book } from './book.js';
import type { TaskEntry } from './entry.js';

export interface Core {
  readonly vm: VirtualMachine;
  readonly paths: NodePaths;
  readonly log: Logger;
  readonly book: Book;
  /** Tasks of this node by tid; also those that arrive or have departed, until nothing is left to do for them. */
  readonly table: Map<number, TaskEntry>;
  readonly stopping: boolean;
  /** What is known of it has changed: written down before long, or before somebody is told so. */
  persist(entry: TaskEntry): void;
  writeDown(): void;
  emit<E extends keyof TaskEvents>(event: E, ...args: TaskEvents[E]): void;
}

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
