/** Numbers for people; the command and the page print them alike. Runs in the daemon and in the browser. */

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

/** Names as people order them: n2 before n10. */
export const byName = new Intl.Collator('en', { numeric: true }).compare;
