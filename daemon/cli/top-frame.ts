/** What `mpvm top` shows, from two looks at the VM. Pure. */
import { bytes, paint, programName, width } from './format.js';
import { progress, summary } from './migrate.js';
import { nodeColumns } from './nodes.js';
import type { MigrationShape, NodeShape, TaskShape } from './shapes.js';
import { table } from './table.js';
import type { Column } from './table.js';

export interface Look {
  /** Milliseconds, by any clock. */
  at: number;
  nodes: NodeShape[];
  tasks: TaskShape[];
}
export interface TopTask extends TaskShape {
  /** Of one processor, since the look before. */
  cpuPercent: number;
}
export const orders = ['cpu', 'rss', 'node', 'tid'] as const;
export type Order = (typeof orders)[number];

/** A task that has moved has a new process, whose time may begin anew. */
export function withCpu(now: Look, before: Look | undefined): TopTask[] {
  const known = new Map(before?.tasks.map((task) => [task.tid, task]));
  const elapsed = before ? now.at - before.at : 0;
  return now.tasks.map((task) => {
    const then = known.get(task.tid);
    const spent = then === undefined ? 0 : task.cpuMs - (then.pid === task.pid ? then.cpuMs : Math.min(then.cpuMs, task.cpuMs));
    return { ...task, cpuPercent: elapsed > 0 ? Math.round((Math.max(0, spent) / elapsed) * 1000) / 10 : 0 };
  });
}

const natural = new Intl.Collator('en', { numeric: true });
const byTid = (a: TopTask, b: TopTask): number => parseInt(a.tid.slice(1), 16) - parseInt(b.tid.slice(1), 16);
const comparisons: Record<Order, (a: TopTask, b: TopTask) => number> = {
  cpu: (a, b) => b.cpuPercent - a.cpuPercent || byTid(a, b),
  rss: (a, b) => b.rssBytes - a.rssBytes || byTid(a, b),
  node: (a, b) => natural.compare(a.node, b.node) || byTid(a, b),
  tid: byTid,
};
export const sorted = (tasks: readonly TopTask[], order: Order): TopTask[] => [...tasks].sort(comparisons[order]);

const taskColumns: Column<TopTask>[] = [
  { title: 'TID', cell: (task) => task.tid },
  { title: 'NODE', cell: (task) => task.node },
  { title: 'STATE', cell: (task) => (task.state === 'running' ? task.state : paint('yellow', task.state)) },
  { title: 'CPU', cell: (task) => `${task.cpuPercent.toFixed(1)} %`, right: true },
  { title: 'TIME', cell: (task) => clock(task.cpuMs), right: true },
  { title: 'RSS', cell: (task) => bytes(task.rssBytes), right: true },
  { title: 'MOVES', cell: (task) => String(task.epoch), right: true },
  { title: 'PROGRAM', cell: (task) => programName(task.program) || '-' },
];

/** 0:07.4, 12:05.0 */
function clock(ms: number): string {
  const tenths = Math.floor(ms / 100);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`;
}

export interface Frame {
  vm: string;
  nodes: NodeShape[];
  tasks: TopTask[];
  /** Moves under way, then those that have ended lately. */
  moves: MigrationShape[];
  order: Order;
}

export function sections(frame: Frame): { nodes: string[]; tasks: string[]; moves: string[] } {
  return {
    nodes: table(nodeColumns, frame.nodes),
    tasks: table(taskColumns, sorted(frame.tasks, frame.order)),
    moves: frame.moves.map(moveLine),
  };
}

function moveLine(move: MigrationShape): string {
  if (move.outcome === 'completed') return summary(move);
  if (move.outcome === 'running' || move.outcome === '') return progress(move);
  return `${paint('bold', move.tid)} ${paint('red', `stays at ${move.from}`)}: ${move.reason || move.code}`;
}

/** So many rows and columns of a terminal: nodes and moves whole, tasks as far as there is room. */
export function screenful(frame: Frame, rows: number, columns: number, note: string): string[] {
  const { nodes, tasks, moves } = sections(frame);
  const title = `${paint('bold', `VM ${frame.vm}`)}  ${frame.tasks.length} task${frame.tasks.length === 1 ? '' : 's'}, by ${frame.order}${note ? `  ${paint('red', note)}` : ''}`;
  const help = paint('dim', 'q leaves; c, m, n, t order by cpu, memory, node, tid');
  const fixed = [title, '', ...nodes, ...(moves.length > 0 ? ['', ...moves] : []), ''];
  const room = Math.max(2, rows - fixed.length - 1);
  const shown = tasks.length > room ? [...tasks.slice(0, room - 1), paint('dim', `… and ${tasks.length - room + 1} more`)] : tasks;
  return [...fixed, ...shown, help].slice(0, rows).map((line) => clip(line, columns));
}

function clip(line: string, columns: number): string {
  return width(line) <= columns ? line : Array.from(line.replace(/\x1b\[[0-9;]*m/g, '')).slice(0, columns).join('');
}
