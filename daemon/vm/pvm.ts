/** PVM's status codes and the parts of a tid, as far as the registry answers with them. */
export const pvm = {
  Ok: 0,
  BadParam: -2,
  Mismatch: -3,
  Denied: -8,
  SysErr: -14,
  NullGroup: -17,
  DupGroup: -18,
  NoGroup: -19,
  NotInGroup: -20,
  NoInst: -21,
  OutOfRes: -27,
  Already: -30,
  NoTask: -31,
  NotFound: -32,
} as const;

const hostShift = 18;
const hostMask = 0x3ffc0000;
/** Host numbers are 1 .. 4095. */
export const hostLimit = 4095;
export const localLimit = 0x3ffff;

/** Host part of the tids born at the node with this number. */
export const hostPart = (number: number): number => number << hostShift;
export const hostNumber = (host: number): number => host >>> hostShift;
export const birthHost = (tid: number): number => (tid & hostMask) >>> 0;
export const localPart = (tid: number): number => tid & localLimit;

export const mailboxFlag = { Persistent: 1, MultiInstance: 2, OverWritable: 4, FirstAvail: 8, ReadAndDelete: 16, WaitForInfo: 32 } as const;
export const mailboxIndexShift = 10;
