/** What a VM must not leave behind: looked for by its directory, so that VMs beside it do not disturb. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface Remains {
  pid: number;
  command: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function isZombie(pid: number): boolean {
  return /^\d+ \(.*\) Z/s.test(read(`/proc/${pid}/stat`));
}

/** Processes with the directory in their environment, command line, working directory or descriptors. */
export function processesOf(directory: string): Remains[] {
  const found: Remains[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid || isZombie(pid)) continue;
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    if (read(`/proc/${pid}/environ`).includes(directory) || command.includes(directory) || holds(pid, directory)) {
      found.push({ pid, command });
    }
  }
  return found;
}

function holds(pid: number, directory: string): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/cwd`).startsWith(directory)) return true;
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(directory);
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

/** Everything below a directory, as paths relative to it. */
export function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true }).map(String);
  } catch {
    return [];
  }
}

/** Names in the places where programs leave shared memory and temporary files, that speak of this VM. */
export function tracesOf(directory: string): string[] {
  const mark = basename(directory).replace('mpvm-', ''); // also the name of the VM
  return ['/dev/shm', '/tmp', '/run'].flatMap((place) => {
    try {
      return readdirSync(place).filter((name) => name !== basename(directory) && (name.includes(mark) || (place === '/dev/shm' && name.includes('mpvm')))).map((name) => join(place, name));
    } catch {
      return [];
    }
  });
}

/** One by one, by pid: nothing is killed by name. */
export function killAll(remains: readonly Remains[]): void {
  for (const { pid } of remains) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
}
