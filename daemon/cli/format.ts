/** Numbers and colours for people. */
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export function colourful(stream: NodeJS.WriteStream = process.stdout): boolean {
  return stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}
export function paint(style: Style, text: string, stream?: NodeJS.WriteStream): string {
  return colourful(stream) ? styleText(style, text) : text;
}

/** 512 B, 1.5 KiB, 412 MiB */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** 0.42 ms, 7.9 ms, 412 ms, 1.53 s, 3 min 20 s */
export function milliseconds(ms: number): string {
  if (ms === 0) return '0 ms';
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  const total = Math.round(ms / 1000);
  return `${Math.floor(total / 60)} min ${total % 60} s`;
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** What a person would type for this program. */
export function programName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Length as a terminal shows it: colours take no room. */
export const width = (text: string): number => Array.from(text.replace(/\x1b\[[0-9;]*m/g, '')).length;
