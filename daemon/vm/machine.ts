/** Facts about this machine that node:os does not tell, or tells differently. */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';

/** What programs can still get, caches included, as the kernel estimates it. */
export function memoryAvailable(): number {
  try {
    const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch {
    // Not readable here: the cruder figure will do.
  }
  return freemem();
}
