/** Reading /proc/PID from outside: pure parsers, and readers that say "gone" instead of throwing. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from '../errors.js';

export interface Mapping {
  start: number;
  end: number;
  readable: boolean;
  writable: boolean;
  executable: boolean;
  shared: boolean;
  offset: number;
  device: string;
  inode: number;
  /** As the kernel prints it, without " (deleted)". */
  path: string;
  deleted: boolean;
}

const mapsLine = /^([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])([x-])([ps]) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+)\s*(.*)$/;
const deletedMark = ' (deleted)';

export function parseMaps(text: string): Mapping[] {
  const result: Mapping[] = [];
  for (const line of text.split('\n')) {
    const field = mapsLine.exec(line);
    if (!field) continue;
    const name = unescapePath(field[10] ?? '');
    const deleted = name.endsWith(deletedMark);
    result.push({
      // Above 2^53 only [vsyscall] lies, which is no memory of the process.
      start: Number.parseInt(field[1]!, 16),
      end: Number.parseInt(field[2]!, 16),
      readable: field[3] === 'r',
      writable: field[4] === 'w',
      executable: field[5] === 'x',
      shared: field[6] === 's',
      offset: Number.parseInt(field[7]!, 16),
      device: field[8]!,
      inode: Number(field[9]),
      path: deleted ? name.slice(0, -deletedMark.length) : name,
      deleted,
    });
  }
  return result;
}

/** The kernel writes a newline in a name as \012. */
function unescapePath(name: string): string {
  return name.replace(/\\012/g, '\n');
}

export interface DescriptorInfo {
  fd: number;
  /** What /proc/PID/fd/N points to, without " (deleted)". */
  target: string;
  deleted: boolean;
  position: number;
  flags: number;
  locked: boolean;
  leased: boolean;
}

export function parseFdinfo(text: string): { position: number; flags: number; locked: boolean; leased: boolean } {
  return {
    position: Number(/^pos:\s*(\d+)/m.exec(text)?.[1] ?? 0),
    flags: Number.parseInt(/^flags:\s*([0-7]+)/m.exec(text)?.[1] ?? '0', 8),
    locked: /^lock:/m.test(text),
    leased: /^lock:\s+\d+: (LEASE|DELEG)/m.test(text),
  };
}

/** `Key:   value` lines of /proc/PID/status. */
export function parseStatus(text: string): Map<string, string> {
  const result = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) result.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return result;
}

/** "Max stack size   8388608   unlimited   bytes": the soft limit; undefined for unlimited. */
export function parseStackLimit(text: string): number | undefined {
  const soft = /^Max stack size\s+(\S+)/m.exec(text)?.[1];
  return soft === undefined || soft === 'unlimited' ? undefined : Number(soft);
}

export class ProcessGone extends Error {
  override readonly name = 'ProcessGone';
}

/** One process under /proc. Everything throws ProcessGone once it has ended. */
export class ProcessView {
  readonly pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  read(name: string): string {
    return this.#reading(() => readFileSync(`/proc/${this.pid}/${name}`, 'utf8'));
  }
  link(name: string): string {
    return this.#reading(() => readlinkSync(`/proc/${this.pid}/${name}`));
  }
  maps(): Mapping[] {
    return parseMaps(this.read('maps'));
  }
  status(): Map<string, string> {
    return parseStatus(this.read('status'));
  }
  threads(): { tid: number; name: string }[] {
    return this.#reading(() => readdirSync(`/proc/${this.pid}/task`))
      .map((tid) => ({ tid: Number(tid), name: this.#optional(`task/${tid}/comm`)?.trim() ?? '' }));
  }
  /** Of one thread; empty when it has ended. */
  threadStatus(tid: number): Map<string, string> {
    return parseStatus(this.#optional(`task/${tid}/status`) ?? '');
  }
  children(): number[] {
    return this.threads()
      .flatMap(({ tid }) => (this.#optional(`task/${tid}/children`) ?? '').split(' '))
      .filter((word) => word !== '')
      .map(Number);
  }
  descriptors(): DescriptorInfo[] {
    const result: DescriptorInfo[] = [];
    for (const name of this.#reading(() => readdirSync(`/proc/${this.pid}/fd`))) {
      const info = this.#optional(`fdinfo/${name}`);
      const target = this.#optionalLink(`fd/${name}`);
      if (info === undefined || target === undefined) continue; // closed meanwhile
      const deleted = target.endsWith(deletedMark);
      result.push({ fd: Number(name), target: deleted ? target.slice(0, -deletedMark.length) : target, deleted, ...parseFdinfo(info) });
    }
    return result.sort((a, b) => a.fd - b.fd);
  }
  /** The namespace's name, as `pid:[4026531836]`. */
  namespace(kind: string): string {
    return this.link(`ns/${kind}`);
  }

  #optional(name: string): string | undefined {
    try {
      return readFileSync(`/proc/${this.pid}/${name}`, 'utf8');
    } catch {
      return undefined;
    }
  }
  #optionalLink(name: string): string | undefined {
    try {
      return readlinkSync(`/proc/${this.pid}/${name}`);
    } catch {
      return undefined;
    }
  }
  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' || errno === 'ESRCH') throw new ProcessGone(`process ${this.pid} has ended`, { cause: error });
      throw error;
    }
  }
}
