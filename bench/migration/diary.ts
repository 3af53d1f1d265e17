/** What a program wrote down of itself (programs/diary.h), and what can be read from it. */
import { readFileSync } from 'node:fs';

export interface Entry {
  /** CLOCK_REALTIME, microseconds. */
  at: number;
  value: number;
}

export function readDiary(path: string): Entry[] {
  const bytes = readFileSync(path);
  const numbers = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 3);
  const entries: Entry[] = [];
  for (let i = 0; i + 1 < numbers.length; i += 2) entries.push({ at: Number(numbers[i]), value: Number(numbers[i + 1]) });
  return entries.sort((a, b) => a.at - b.at);
}

export const between = (entries: readonly Entry[], from: number, till: number): Entry[] => entries.filter(({ at }) => at >= from && at <= till);

/** The longest time without an entry: how long the program stood still, seen by itself. */
export function longestHole(entries: readonly Entry[], from: number, till: number): number | undefined {
  const seen = between(entries, from, till);
  if (seen.length < 2) return undefined;
  return Math.max(...seen.slice(1).map(({ at }, i) => at - seen[i]!.at));
}

/** What it got done a microsecond. Undefined when too short a time is asked for. */
export function speed(entries: readonly Entry[], from: number, till: number): number | undefined {
  const seen = between(entries, from, till);
  const first = seen[0], last = seen.at(-1);
  return first && last && last.at - first.at >= 5000 ? (last.value - first.value) / (last.at - first.at) : undefined;
}
