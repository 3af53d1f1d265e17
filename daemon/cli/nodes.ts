/** mpvm nodes: the nodes of the VM. */
import { MpvmError } from '../errors.js';
import { bytes, paint } from './format.js';
import { lacking } from '../schedule/baseline.js';
import type { Session } from './session.js';
import { nodeShape } from './shapes.js';
import type { NodeShape } from './shapes.js';
import { printJson, printTable } from './table.js';
import type { Column } from './table.js';

/** As Slurm shows it: the state, and what it takes no tasks for. */
export function nodeState(node: NodeShape): string {
  if (node.state !== 'up') return paint('red', node.state);
  if (!node.cordoned) return paint('green', 'up');
  return paint('yellow', node.draining ? 'up, draining' : node.tasks > 0 ? 'up, cordoned' : 'up, drained');
}

/** What every table of nodes shows. */
export const nodeColumns: Column<NodeShape>[] = [
  { title: 'NODE', cell: (node) => node.name },
  { title: 'ADDRESS', cell: (node) => node.address },
  { title: 'STATE', cell: nodeState },
  { title: 'TASKS', cell: (node) => String(node.tasks), right: true },
  { title: 'LOAD', cell: (node) => node.load.toFixed(2), right: true },
  { title: 'CPUS', cell: (node) => String(node.cpus), right: true },
  { title: 'FREE', cell: (node) => bytes(node.memoryFreeBytes), right: true },
];
const columns: Column<NodeShape>[] = [
  ...nodeColumns,
  { title: 'TIDS', cell: (node) => node.host },
  { title: 'NOTE', cell: (node) => noteOf(node) },
];

function noteOf(node: NodeShape): string {
  if (!node.cordoned) return node.registry ? 'registry' : '';
  const who = [node.cordonUser, node.cordonTime?.slice(0, 16).replace('T', ' ')].filter(Boolean).join(', ');
  return `${node.cordonReason}${who ? ` (${who})` : ''}`.trim();
}

export async function nodeList(session: Session): Promise<NodeShape[]> {
  const reply = await (await session.control()).nodes({});
  const list = reply.nodes.map(nodeShape).filter((node) => node.state !== 'left');
  return list.sort((a, b) => new Intl.Collator('en', { numeric: true }).compare(a.name, b.name));
}

/** Throws NODE_UNKNOWN, or NODE_CORDONED when tasks are to start there. */
export async function expectUsable(session: Session, name: string): Promise<void> {
  const node = (await nodeList(session)).find((one) => one.name === name);
  if (!node) throw new MpvmError('NODE_UNKNOWN', { node: name });
  if (node.cordoned) throw new MpvmError('NODE_CORDONED', { node: name, reason: node.cordonReason || 'no reason was given' });
}

export function printNodes(list: NodeShape[]): void {
  printTable(columns, list);
}

export async function nodes(session: Session): Promise<number> {
  const list = await nodeList(session);
  if (session.json) printJson(list);
  else printNodes(list);
  return 0;
}

/** Where the processors of a VM differ. */
export function sayLacking(nodes: readonly NodeShape[]): void {
  const found = lacking(nodes.filter(({ state }) => state === 'up').map(({ name, cpuFeatures }) => ({ name, cpuFeatures })));
  for (const { node, lacks } of found) process.stdout.write(`the processor of ${node} lacks ${lacks.join(' ')}\n`);
  if (found.length > 0) process.stdout.write('tasks started with --cpu-baseline can move to all nodes\n');
}
