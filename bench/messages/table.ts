/** The terminal's table: ours as it is, every other as time and as ratio to ours. */
import type { Contestant } from './contestants.js';
import type { Results } from './points.js';
import type { Row } from './rows.js';

export function time(seconds: number): string {
  if (seconds < 1e-6) return `${(seconds * 1e9).toFixed(0)} ns`;
  if (seconds < 1e-3) return `${(seconds * 1e6).toPrecision(3)} us`;
  if (seconds < 1) return `${(seconds * 1e3).toPrecision(3)} ms`;
  return `${seconds.toPrecision(3)} s`;
}

export function bytes(size: number): string {
  if (size >= 1 << 20 && size % (1 << 20) === 0) return `${size >> 20} MiB`;
  if (size >= 1024 && size % 1024 === 0) return `${size >> 10} KiB`;
  return `${size} B`;
}

const countRows = ['barrier', 'reduce', 'ring', 'pairs', 'spawn'];

function label(point: string): string {
  const [row = '', name = '', size = '0'] = point.split(' ');
  if (countRows.includes(row)) return `${size} tasks`;
  if (row === 'mcast') return `${name} tasks, ${bytes(Number(size))}`;
  if (row === 'compute') return name;
  return `${bytes(Number(size))} ${name}`;
}

/** How many times as long as ours: above 1 we are ahead. */
export function ratio(theirs: number, ours: number): string {
  const value = theirs / ours;
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function rowLines(row: Row, contestants: readonly Contestant[], results: Results): string[][] {
  const points = results.points('mpvm').filter((point) => point.startsWith(`${row.name} `));
  const others = contestants.filter(({ name }) => name !== 'mpvm');
  return points.map((point) => {
    const ours = results.figure('mpvm', point)!;
    const cells = others.map((other) => {
      const theirs = results.figure(other.name, row.counterpart?.(point, other) ?? point);
      return theirs ? `${time(theirs.median)} (${ratio(theirs.median, ours.median)})` : '';
    });
    return [label(point), time(ours.median), ...cells];
  });
}

export function formatTable(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines.map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd()).join('\n');
}

/** One row's table with a head; undefined when we have no figures there. Columns without any figure are left out. */
export function rowTable(row: Row, contestants: readonly Contestant[], results: Results): string | undefined {
  const lines = rowLines(row, contestants, results);
  if (lines.length === 0) return undefined;
  const head = ['', 'mpvm', ...contestants.filter(({ name }) => name !== 'mpvm').map(({ name }) => name)];
  const used = head.map((_, column) => column < 2 || lines.some((line) => line[column] !== ''));
  return formatTable([head, ...lines].map((line) => line.filter((_, column) => used[column])));
}
