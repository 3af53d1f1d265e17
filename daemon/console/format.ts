/** The console's tables, column for column as PVM prints them. Pure. */
import { plural } from '../shared/format.js';
import type { mpvm } from '../rpc/messages.js';
import { errorText } from './pvm.js';

type HostInfo = mpvm.task.IHostInfo;
type TaskInfo = mpvm.task.ITaskInfo;

const hex = (value: number, width: number): string => (value >>> 0).toString(16).padStart(width);
const hostWidth = 24;
const host = (name: string): string => name.padStart(hostWidth);

export const hostHeading = `${host('HOST')}     DTID     ARCH   SPEED`;

export function hostLine({ name, tid, architecture, speed }: HostInfo): string {
  return `${host(name ?? '')} ${hex(tid ?? 0, 8)} ${(architecture ?? '').padStart(8)}${String(speed ?? 0).padStart(8)}`;
}

/** conf */
export function configuration(hosts: readonly HostInfo[]): string[] {
  const formats = new Set(hosts.map(({ dataSignature }) => dataSignature)).size;
  return [
    `${plural(hosts.length, 'host')}, ${plural(formats, 'data format')}`,
    `${hostHeading}       DSIG`,
    ...hosts.map((info) => `${hostLine(info)} 0x${(info.dataSignature ?? 0).toString(16).padStart(8, '0')}`),
  ];
}

/** What came of hosts that were added: their tids, or why not. */
export function added(names: readonly string[], results: readonly number[]): string[] {
  return [
    `${results.filter((result) => result > 0).length} successful`,
    `${host('HOST')}     DTID`,
    ...names.map((name, at) => {
      const result = results[at] ?? 0;
      return result > 0 ? `${host(name)} ${hex(result, 8)}` : `${host(name)} ${errorText(result)}`;
    }),
  ];
}
export function deleted(names: readonly string[], results: readonly number[]): string[] {
  return [
    `${results.filter((result) => result >= 0).length} successful`,
    `${host('HOST')}  STATUS`,
    ...names.map((name, at) => hostStatus(name, (results[at] ?? 0) >= 0 ? 'deleted' : errorText(results[at] ?? 0))),
  ];
}
export const hostStatus = (name: string, status: string): string => `${host(name)}  ${status}`;
export const taskStatus = (tid: number, status: string): string => `t${hex(tid, 8)}  ${status}`;

/** Bits of ti_flag and their letters: connected, forked by the daemon, hoster, resource manager, tasker. */
const flagLetters: readonly (readonly [number, string])[] = [[0x4, 'c'], [0x2, 'f'], [0x200, 'H'], [0x100, 'R'], [0x400, 'T']];
const flagText = (flags: number): string => `${flags.toString(16)}/${flagLetters.filter(([bit]) => flags & bit).map(([, letter]) => letter).join(',')}`;

export const taskHeading = (long: boolean): string => `${host('HOST')}      TID${long ? '     PTID    PID' : ''}   FLAG 0x COMMAND`;

/** ps. `own`: the console's tid, which is not shown as such. */
export function taskLine(info: TaskInfo, hostName: string, own: number, long: boolean): string {
  const { tid = 0, parent, pid, flags, program } = info;
  const columns = [host(hostName), tid === own ? '  (cons)' : hex(tid ?? 0, 8)];
  if (long) columns.push(parent ? hex(parent, 8) : '       -', String(pid ?? 0).padStart(6));
  columns.push(flagText(flags ?? 0).padStart(9), (program || '-').padEnd(12));
  return columns.join(' ');
}

/** names: each class with its entries, and a line to part it from the next. */
export function mailboxLines(classes: readonly mpvm.task.IMailboxClass[]): string[] {
  return classes.flatMap(({ name, indices, owners, flags }) => [
    `<${name ?? ''}>:`,
    ...(indices ?? []).map((index, at) => {
      const owner = owners?.[at] ?? 0;
      return `\tindex=${index} owner=0x${owner.toString(16)}/${owner} flags=0x${(flags?.[at] ?? 0).toString(16)}`;
    }),
    '',
  ]);
}

/** Names in columns, filled from top to bottom, marked or not. */
export function marked(names: readonly { name: string; mark: boolean }[], columns = 4, width = 15): string[] {
  const rows = Math.ceil(names.length / columns);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => names[column * rows + row])
      .flatMap((entry) => (entry ? [` ${entry.mark ? '*' : ' '} ${entry.name.padEnd(width)}`] : []))
      .join(' '),
  );
}
