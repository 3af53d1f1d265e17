/**
 * The messages between daemons and tasks with an office, in PVM's form (SM_* of pvmproto.h): their
 * tags, what is in them. Pure.
 */
import type { Exit } from './process.js';
import type { mpvm } from '../rpc/messages.js';
import { daemonTid, xdrEncoding } from './codes.js';
import { type MessageReader, xdr } from './xdr.js';

/** R: resource manager, d: daemon, H: hoster, T: tasker. */
export const sm = {
  /** R to d: start tasks. */
  Exec: 0x80040002 | 0,
  /** d to R: the answer; also, unasked: a task that R has not started is there. */
  ExecAck: 0x80040003 | 0,
  /** R to d: add hosts. */
  Add: 0x80040008 | 0,
  AddAck: 0x80040009 | 0,
  /** d to R, T to d: a task has ended. */
  TaskX: 0x8004000b | 0,
  /** d to R: a host is gone. */
  HostX: 0x8004000c | 0,
  /** R to d: from now on another task is the resource manager. */
  Handoff: 0x8004000d | 0,
  /** d to H: start daemons on hosts. */
  StartHosts: 0x8004000f | 0,
  StartHostsAck: 0x80040010 | 0,
  /** d to T: start a task. */
  StartTask: 0x80040011 | 0,
} as const;

/** A message of a daemon. */
export function daemonMessage(tag: number, body: Buffer, more: { context?: number; waitId?: number; source?: number } = {}): mpvm.task.IToTask {
  const { context = 0, waitId = 0, source = daemonTid } = more;
  return { request: 0, deliver: { source, tag, context, encoding: xdrEncoding, body, about: 0, waitId } };
}

/** What SM_EXEC asks for. */
export interface ExecRequest {
  parent: number;
  program: string;
  flags: number;
  count: number;
  argv: string[];
  environment: string[];
  context: number;
  inherited: mpvm.task.IInherited;
}

/** Of SM_EXEC's environment: what says who the task is, and is not for its environment as it stands. */
const identity = ['PVMTMASK', 'PVMTRCBUF', 'PVMTRCOPT', 'PVMCTX'];

/** Throws XdrError. */
export function readExec(from: MessageReader): ExecRequest {
  const parent = from.int();
  const program = from.string();
  const flags = from.int();
  const count = from.int();
  const argv = from.strings(from.int());
  const [outputTid = 0, outputContext = 0, outputTag = 0] = from.ints(3);
  const [traceTid = 0, traceContext = 0, traceTag = 0] = from.ints(3);
  const environment = from.strings(from.int());
  // Named twice, the first counts: as getenv finds it.
  const valueOf = (name: string): string => environment.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  const unsigned = (value: number): number => value >>> 0;
  return {
    parent,
    program,
    flags,
    count,
    argv,
    environment: environment.filter((each) => !identity.includes(each.slice(0, Math.max(0, each.indexOf('='))))),
    context: unsigned(Number(valueOf('PVMCTX')) || 0),
    inherited: {
      outputTid: unsigned(outputTid),
      outputContext: unsigned(outputContext),
      outputTag,
      traceTid: unsigned(traceTid),
      traceContext: unsigned(traceContext),
      traceTag,
      traceBuffer: Number.parseInt(valueOf('PVMTRCBUF')) || 0,
      traceOptions: Number.parseInt(valueOf('PVMTRCOPT')) || 0,
      traceMask: valueOf('PVMTMASK'),
    },
  };
}

/** SM_TASKX of a tasker: how a task ended, as wait(2) reports it. Throws XdrError. */
export function readTaskEnd(from: MessageReader): { tid: number; code: number; signal: number } {
  const tid = from.uint();
  const status = from.int();
  return { tid, code: (status >> 8) & 0xff, signal: status & 0x7f };
}

/** SM_TASKX to the resource manager. */
export const taskEnd = (tid: number, code: number, signal: number, times: Exit): Buffer => xdr(tid, signal || code << 8, ...processorTimes(times));

/** User and system time of a process that has ended: seconds and microseconds of each. */
export function processorTimes({ userUs = 0, systemUs = 0 }: Exit): number[] {
  return [userUs, systemUs].flatMap((time) => [Math.floor(time / 1e6), time % 1e6]);
}

export function startTask(task: { tid: number; flags: number; path: string; argv: readonly string[]; environment: readonly string[] }): Buffer {
  return xdr(task.tid, task.flags, task.path, task.argv.length + 1, task.path, ...task.argv, task.environment.length, ...task.environment);
}

/** One daemon that a hoster is to start. */
export interface HostStart {
  tid: number;
  /** The so= field of a host file. */
  options: string;
  /** [user@]host */
  login: string;
  command: string;
}

export const startHosts = (hosts: readonly HostStart[]): Buffer =>
  // Two more strings each, as PVM 3.4.6 sends them after what its manual describes: for Windows hosts, and its VM's name.
  xdr(hosts.length, ...hosts.flatMap(({ tid, options, login, command }) => [tid, options, login, command, '', '']));

/** SM_STHOSTACK: what each daemon printed, or the name of an error. Throws XdrError. */
export function readHostsStarted(from: MessageReader): Map<number, string> {
  const results = new Map<number, string>();
  while (from.left > 0) results.set(from.uint(), from.string());
  return results;
}

/** SM_ADDACK: a host, or an error as its tid. */
export function hostsAdded(hosts: readonly (mpvm.task.IHostInfo | number)[]): Buffer {
  const one = (host: mpvm.task.IHostInfo | number): (number | string)[] =>
    typeof host === 'number' ? [host, '', '', 0, 0] : [host.tid ?? 0, host.name ?? '', host.architecture ?? '', host.speed ?? 0, host.dataSignature ?? 0];
  return xdr(hosts.length, 0, ...hosts.flatMap(one));
}
