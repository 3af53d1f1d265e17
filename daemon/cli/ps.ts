/** mpvm ps: the tasks of the VM. */
import { MpvmError } from '../errors.js';
import { bytes, milliseconds, paint, programName } from './format.js';
import { nodeList } from './nodes.js';
import type { Session } from './session.js';
import { taskShape } from './shapes.js';
import type { TaskShape } from './shapes.js';
import { printJson, printTable } from './table.js';
import type { Column } from './table.js';

export const taskColumns: Column<TaskShape>[] = [
  { title: 'TID', cell: (task) => task.tid },
  { title: 'NODE', cell: (task) => task.node },
  { title: 'PID', cell: (task) => String(task.pid), right: true },
  { title: 'STATE', cell: (task) => (task.state === 'running' ? task.state : paint('yellow', task.state)) },
  { title: 'MOVES', cell: (task) => String(task.epoch), right: true },
  { title: 'RSS', cell: (task) => bytes(task.rssBytes), right: true },
  { title: 'CPU', cell: (task) => milliseconds(task.cpuMs), right: true },
  { title: 'PARENT', cell: (task) => task.parent ?? '-' },
  { title: 'PROGRAM', cell: (task) => programName(task.program) || '-' },
];

export async function taskList(session: Session): Promise<TaskShape[]> {
  const reply = await (await session.control()).tasks({});
  return reply.tasks.sort((a, b) => (a.tid ?? 0) - (b.tid ?? 0)).map(taskShape);
}

export async function ps(session: Session, options: { node?: string }): Promise<number> {
  if (options.node !== undefined && !(await nodeList(session)).some((node) => node.name === options.node)) {
    throw new MpvmError('NODE_UNKNOWN', { node: options.node });
  }
  const list = (await taskList(session)).filter((task) => options.node === undefined || task.node === options.node);
  if (session.json) printJson(list);
  else if (list.length === 0) process.stderr.write('no tasks\n');
  else printTable(taskColumns, list);
  return 0;
}
