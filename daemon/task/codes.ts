/** PVM's numbers, as its programs see them (pvm3.h), and the parts of a tid. */

/** Status codes. */
export const pvm = {
  Ok: 0,
  BadParam: -2,
  NoHost: -6,
  NoFile: -7,
  NoMem: -10,
  SysErr: -14,
  HostFail: -22,
  NoParent: -23,
  NotImpl: -24,
  OutOfRes: -27,
  CantStart: -29,
  Already: -30,
  NoTask: -31,
  ParentNotSet: -35,
} as const;

/** Flags of pvm_spawn. */
export const spawnFlag = {
  Host: 1,
  Arch: 2,
  Debug: 4,
  Trace: 8,
  /** Run on the front end of a parallel machine: every host is its own here. */
  MppFront: 16,
  /** All hosts but the ones that Host or Arch name. */
  HostComplement: 32,
  /** The tasks are not told who has spawned them. */
  NoSpawnParent: 64,
} as const;

/** Kinds of pvm_notify. */
export const notifyKind = { TaskExit: 1, HostDelete: 2, HostAdd: 3 } as const;

/** In the flags of a task that was started from a shell: it has given itself a name. Not for programs to see. */
export const namedFlag = 1 << 16;
/** ti_flag of pvm_tasks. */
export const taskFlag = { Forked: 2, Connected: 4, ResourceManager: 0x100, Hoster: 0x200, Tasker: 0x400, Tracer: 0x800 } as const;

/** Source of the messages that daemons make. */
export const daemonTid = 0x80000000;
/** Encoding of notices: XDR. */
export const xdrEncoding = 0x10000000;

/** What every node of this version is: 64-bit Linux on x86-64, in PVM's words. */
export const architecture = 'LINUX64';
export const hostSpeed = 1000;
export const dataSignature = 0x00408c41;

const hostMask = 0x3ffc0000;
export const localMask = 0x0003ffff;
export const hostOf = (tid: number): number => (tid & hostMask) >>> 0;
export const localOf = (tid: number): number => (tid & localMask) >>> 0;
/** A host's own tid has no local part. */
export const isTaskTid = (tid: number): boolean => tid > 0 && tid < 0x40000000 && localOf(tid) !== 0 && hostOf(tid) !== 0;

/** As PVM prints tids: t40002. */
export const tidText = (tid: number): string => `t${tid.toString(16)}`;
