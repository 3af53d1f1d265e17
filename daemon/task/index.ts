/** task/: the tasks of one node (see ../contracts.ts). */
import { NodeTasks, type TasksOptions } from './tasks.js';

export type { TasksOptions } from './tasks.js';

/** To be start()ed when the VM has been joined. */
export function createTasks(options: TasksOptions): NodeTasks {
  return new NodeTasks(options);
}
