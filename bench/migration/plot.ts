/** Downtime against size, and against the rate at which the program writes; both axes logarithmic. */
import { time } from '../messages/table.js';
import type { Row } from './table.js';
import { figures } from './table.js';

const width = 1120, height = 470;
const panel = { left: 80, top: 50, width: 400, height: 320, gap: 120 };
const colours = ['#0b5fa5', '#4ea0dc', '#2e7d32', '#82b74b', '#c0392b', '#e59086'];

interface Line {
  name: string;
  colour: string;
  dashed: boolean;
  at: [number, number][];
}

const label = (x: number, y: number, text: string, more = ''): string => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${text}</text>`;
const log = (value: number, from: number, to: number): number => Math.log(value / from) / Math.log(to / from);

function drawPanel(index: number, title: string, lines: readonly Line[], ticks: readonly number[], text: (value: number) => string, range: [number, number]): string {
  const left = panel.left + index * (panel.width + panel.gap), bottom = panel.top + panel.height;
  const [from, to] = [ticks[0]!, ticks.at(-1)!];
  const x = (value: number): number => left + log(value, from, to) * panel.width;
  const y = (value: number): number => bottom - log(value, ...range) * panel.height;
  const parts = [label(left + panel.width / 2, panel.top - 18, title, 'class="title"')];
  for (const tick of ticks) parts.push(`<line x1="${x(tick)}" x2="${x(tick)}" y1="${panel.top}" y2="${bottom}" class="grid"/>`, label(x(tick), bottom + 16, text(tick), 'text-anchor="middle"'));
  for (let tick = range[0]; tick <= range[1] * 1.001; tick *= 10) parts.push(`<line x1="${left}" x2="${left + panel.width}" y1="${y(tick)}" y2="${y(tick)}" class="grid"/>`, label(left - 6, y(tick) + 4, time(tick / 1e6), 'text-anchor="end"'));
  for (const { at, colour, dashed } of lines) {
    const points = at.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/>`);
    for (const [a, b] of at) parts.push(`<circle cx="${x(a).toFixed(1)}" cy="${y(b).toFixed(1)}" r="2.5" fill="${colour}"/>`);
  }
  return parts.join('\n');
}

/** Lines by what they are called: median and worst of ours on each ground, and CRIU. */
function linesOf(rows: readonly Row[], x: (row: Row) => number): Line[] {
  const found = new Map<string, Line>();
  const add = (name: string, dashed: boolean, at: number, value: number | undefined): void => {
    if (!value) return;
    const line = found.get(name) ?? { name, dashed, colour: colours[found.size % colours.length]!, at: [] };
    line.at.push([at, value]);
    found.set(name, line);
  };
  for (const row of rows) {
    const f = figures(row);
    add(`${row.ground}, median`, false, x(row), f['downtime']);
    add(`${row.ground}, worst`, true, x(row), f['worstDowntime']);
    for (const way of Object.keys(row.criu)) add(way, false, x(row), f[`${way}: downtime`]);
  }
  for (const line of found.values()) line.at.sort((a, b) => a[0] - b[0]);
  return [...found.values()];
}

/** undefined when there is too little to draw. */
export function plot(rows: readonly Row[]): string | undefined {
  const bySize = rows.filter(({ point }) => point.rate === 10), byRate = rows.filter(({ point }) => point.size === 1024 || point.size === 256);
  const size = byRate.some(({ point }) => point.size === 1024 && point.rate > 10) ? 1024 : 256;
  const left = linesOf(bySize, ({ point }) => point.size), right = linesOf(byRate.filter(({ point }) => point.size === size), ({ point }) => Math.max(1, point.rate));
  const all = [...left, ...right].flatMap(({ at }) => at.map(([, value]) => value));
  if (bySize.length < 2 || all.length === 0) return undefined;
  const range: [number, number] = [10 ** Math.floor(Math.log10(Math.min(...all))), 10 ** Math.ceil(Math.log10(Math.max(...all)))];
  const sizes = [1, 4, 16, 64, 256, 1024, 4096].filter((value) => value <= Math.max(...bySize.map(({ point }) => point.size)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    '<style>.grid{stroke:#ddd}.title{font-size:14px;font-weight:bold;text-anchor:middle}</style>',
    `<rect width="${width}" height="${height}" fill="white"/>`,
    drawPanel(0, 'Downtime by size, the program writes 10 MB/s', left, sizes, (value) => (value >= 1024 ? `${value / 1024} GiB` : `${value} MiB`), range),
    drawPanel(1, `Downtime by what the program writes a second, ${size === 1024 ? '1 GiB' : '256 MiB'}`, right, [1, 10, 50, 200, 500, 1000], (value) => (value === 1 ? 'nothing' : value === 1000 ? '1 GB' : `${value} MB`), range),
    left.map(({ name, colour, dashed }, i) => {
      const at = panel.left + (i % 5) * 200, top = panel.top + panel.height + 50 + Math.floor(i / 5) * 18;
      return `<line x1="${at}" x2="${at + 26}" y1="${top - 4}" y2="${top - 4}" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/>${label(at + 32, top, name)}`;
    }).join('\n'),
    '</svg>',
    '',
  ].join('\n');
}
