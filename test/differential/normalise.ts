/**
 * What may differ between two runs of one program: task ids, process ids, addresses of contexts,
 * paths. Everything else has to be the same.
 */

export interface Mask {
  /** Lines may come in any order. */
  sorted?: boolean;
  /** The same line again and again counts once (polling loops). */
  unique?: boolean;
  /** More of what may differ. */
  replace?: readonly (readonly [RegExp, string])[];
  /** Directories whose names are masked. */
  paths?: readonly string[];
}

/** A decimal number that is a task id, a host or a context: host part of a few hosts, small counter. */
const decimalId = /\b\d{6,9}\b/g;

export function normalise(text: string, mask: Mask = {}): string {
  let out = text;
  for (const path of mask.paths ?? []) out = out.replaceAll(path, '<dir>');
  for (const [pattern, replacement] of mask.replace ?? []) out = out.replace(pattern, replacement);
  out = out
    .replace(/\b0x[0-9a-f]{5,8}\b/g, '0x<id>')
    .replace(/\bt[0-9a-f]{5,8}\b/g, '<tid>')
    .replace(/\bpid ?\d+/g, 'pid<n>')
    .replace(/\b[4-9a-f][0-9a-f]{4,5}\b(?=[\s,.:)]|$)/gm, (word) => (isId(Number.parseInt(word, 16)) ? '<id>' : word))
    .replace(decimalId, (word) => (isId(Number(word)) ? '<id>' : word));
  let lines = out.split('\n').map((line) => line.trimEnd());
  while (lines.at(-1) === '') lines.pop();
  if (mask.unique) lines = lines.filter((line, at) => lines.indexOf(line) === at);
  if (mask.sorted) lines.sort();
  return lines.join('\n');
}

function isId(value: number): boolean {
  const host = value >>> 18;
  return host >= 1 && host <= 64 && (value & 0x3ffff) < 5000;
}
