/** Descriptors that whoever started us left open: tasks must not inherit them, and a pipe of theirs must not stay open because of us. */
import { closeSync, readFileSync, readdirSync } from 'node:fs';

const closeOnExec = 0o2000000;

/** To be called before anything of our own is opened. Node opens all of its own close-on-exec; what is not, came from outside. */
export function closeInherited(): void {
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    if (fd <= 2) continue;
    try {
      const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
      if (flags !== undefined && (parseInt(flags, 8) & closeOnExec) === 0) closeSync(fd);
    } catch {
      // It was the one that listed them, and is closed.
    }
  }
}
