/** The ping-pong row as a picture: latency and bandwidth against size, both axes logarithmic. */
import type { Contestant } from './contestants.js';
import type { Results } from './points.js';
import { bytes, time } from './table.js';

const width = 1120, height = 490;
const panel = { left: 70, top: 50, width: 400, height: 340, gap: 110 };
const colours = ['#0b5fa5', '#4ea0dc', '#c0392b', '#e59086', '#7b241c', '#d98880', '#2e7d32', '#82b74b', '#222222', '#777777', '#bbbbbb'];

interface Line {
  name: string;
  colour: string;
  dashed: boolean;
  /** Size in bytes, value. */
  at: [number, number][];
}
interface Axis {
  title: string;
  from: number;
  to: number;
  ticks: number[];
  text(value: number): string;
}

const decades = (from: number, to: number): number[] => {
  const ticks: number[] = [];
  for (let power = Math.ceil(Math.log10(from) - 1e-9); 10 ** power <= to * 1.0001; power++) ticks.push(10 ** power);
  return ticks;
};

/** Which lines the picture has: ours by two cases, each other contestant by its best way. */
function linesOf(contestants: readonly Contestant[], results: Results, value: (size: number, seconds: number) => number | undefined): Line[] {
  const wanted: { contestant: string; name: string; label: string; dashed?: boolean }[] = [];
  for (const { name, kind, method } of contestants) {
    if (name === 'mpvm, no agent') continue;
    if (kind === 'pvm') wanted.push({ contestant: name, name: 'psend', label: `${name}, psend` }, { contestant: name, name: 'xdr', label: `${name}, XDR`, dashed: true });
    else wanted.push({ contestant: name, name: kind === 'mpi' ? 'mpi' : method ?? '', label: name });
  }
  return wanted.map(({ contestant, name, label, dashed }, i) => ({
    name: label,
    colour: colours[i % colours.length]!,
    dashed: dashed ?? false,
    at: results.points(contestant).flatMap((point): [number, number][] => {
      const [row, one, text] = point.split(' ');
      const size = Number(text), y = row === 'pingpong' && one === name ? value(size, results.figure(contestant, point)!.median) : undefined;
      return y === undefined ? [] : [[size, y]];
    }),
  }));
}

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
const label = (x: number, y: number, text: string, more = ''): string => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escape(text)}</text>`;

function drawPanel(index: number, title: string, xAxis: Axis, yAxis: Axis, lines: readonly Line[]): string {
  const left = panel.left + index * (panel.width + panel.gap), bottom = panel.top + panel.height;
  const place = (axis: Axis, value: number): number => Math.log(value / axis.from) / Math.log(axis.to / axis.from);
  const x = (value: number): number => left + place(xAxis, Math.max(value, xAxis.from)) * panel.width;
  const y = (value: number): number => bottom - place(yAxis, value) * panel.height;
  const parts = [label(left + panel.width / 2, panel.top - 18, title, 'class="title"')];
  for (const tick of xAxis.ticks) {
    parts.push(`<line x1="${x(tick)}" x2="${x(tick)}" y1="${panel.top}" y2="${bottom}" class="grid"/>`, label(x(tick), bottom + 16, xAxis.text(tick), 'text-anchor="middle"'));
  }
  for (const tick of yAxis.ticks) {
    parts.push(`<line x1="${left}" x2="${left + panel.width}" y1="${y(tick)}" y2="${y(tick)}" class="grid"/>`, label(left - 6, y(tick) + 4, yAxis.text(tick), 'text-anchor="end"'));
  }
  parts.push(label(left + panel.width / 2, bottom + 34, xAxis.title, 'text-anchor="middle"'));
  for (const line of lines) {
    const points = line.at.map(([size, value]) => `${x(size).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${points}" fill="none" stroke="${line.colour}" stroke-width="2"${line.dashed ? ' stroke-dasharray="5 4"' : ''}/>`);
    for (const [size, value] of line.at) parts.push(`<circle cx="${x(size).toFixed(1)}" cy="${y(value).toFixed(1)}" r="2.5" fill="${line.colour}"/>`);
  }
  return parts.join('\n');
}

function legend(lines: readonly Line[]): string {
  return lines.map((line, i) => {
    const left = panel.left + (i % 5) * 200, top = panel.top + panel.height + 56 + Math.floor(i / 5) * 18;
    return `<line x1="${left}" x2="${left + 26}" y1="${top - 4}" y2="${top - 4}" stroke="${line.colour}" stroke-width="2"${line.dashed ? ' stroke-dasharray="5 4"' : ''}/>${label(left + 32, top, line.name)}`;
  }).join('\n');
}

/** undefined when the row has not been run. */
export function plot(contestants: readonly Contestant[], results: Results): string | undefined {
  const latency = linesOf(contestants, results, (_, seconds) => seconds * 1e6).filter(({ at }) => at.length > 0);
  if (latency.length === 0) return undefined;
  const bandwidth = linesOf(contestants, results, (size, seconds) => (size >= 4096 ? size / seconds / 1e9 : undefined)).filter(({ at }) => at.length > 0);
  const values = (lines: readonly Line[]): number[] => lines.flatMap(({ at }) => at.map(([, value]) => value));
  const largest = Math.max(...latency.flatMap(({ at }) => at.map(([size]) => size)));
  const sizes = (from: number): Axis => ({
    title: 'size of a message', from, to: largest, ticks: [8, 512, 4096, 65536, 1 << 20, 16 << 20].filter((size) => size >= from && size <= largest), text: bytes,
  });
  const yAxis = (title: string, lines: readonly Line[], text: (value: number) => string): Axis => {
    const all = values(lines), from = 10 ** Math.floor(Math.log10(Math.min(...all))), to = 10 ** Math.ceil(Math.log10(Math.max(...all)));
    return { title, from, to, ticks: decades(from, to), text };
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    '<style>.grid{stroke:#ddd}.title{font-size:14px;font-weight:bold;text-anchor:middle}</style>',
    `<rect width="${width}" height="${height}" fill="white"/>`,
    drawPanel(0, 'Half a round trip between two tasks of one node', sizes(8), yAxis('', latency, (value) => time(value / 1e6).replace(/\.00?(?=\s)/, '')), latency),
    drawPanel(1, 'Bandwidth', sizes(4096), yAxis('', bandwidth, (value) => `${value} GB/s`), bandwidth),
    legend(latency),
    '</svg>',
    '',
  ].join('\n');
}
