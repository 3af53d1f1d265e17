/** PVM's numbers and words as its console shows them. */

/** The first ones by code: 0, -1, -2 and so on. Programs and scripts compare them, so they are PVM's own. */
const errorTexts = [
  'Error 0', 'Error 1', 'Bad parameter', 'Parameter mismatch', 'Value too large', 'End of buffer', 'No such host', 'No such file',
  'Permission denied', 'Error 9', 'Malloc failed', 'Error 11', "Can't decode message", 'Error 13', "Can't contact local daemon",
  'No current buffer', 'No such buffer', 'Null group name', 'Already in group', 'No such group', 'Not in group', 'No such instance',
  'Host failed', 'No parent task', 'Not implemented', 'Pvmd system error', 'Version mismatch', 'Out of resources', 'Duplicate host',
  "Can't start pvmd", 'Already in progress', 'No such task', 'Not Found', 'Already Exists', 'Hoster must run on master host',
  'Spawning parent set PvmNoParent', 'Master Host IP Address is Loopback! (See pvm3/Readme)',
];

export const errorText = (code: number): string => (code > 0 ? 'Unknown Error' : (errorTexts[-code] ?? 'Unknown Error'));

export const code = { Ok: 0, BadParam: -2, NoHost: -6, Denied: -8, SysErr: -14, NotImpl: -24, NoTask: -31 } as const;

/** Of pvm_spawn. */
export const spawnFlag = { Host: 1, Arch: 2, Debug: 4, Trace: 8, NoSpawnParent: 64 } as const;

/** Of pvm_putinfo. */
export const mailboxFlag = { Persistent: 1, MultiInstance: 2 } as const;
/** Entries of this class name the tasks that a reset spares. */
export const noResetClass = '###_PVM_NO_RESET_###';

export const notifyHostAdd = 3;
/** Encoding of messages that daemons make, and of what `put` packs. */
export const xdrEncoding = 0x10000000;
/** The version of PVM that this one behaves as. */
export const version = '3.4.6';

export const tidText = (tid: number): string => `t${(tid >>> 0).toString(16)}`;
/** What has a local part, and neither of the bits of groups and daemons. */
export const isTask = (tid: number): boolean => tid > 0 && tid < 0x40000000 && (tid & 0x3ffff) !== 0;
