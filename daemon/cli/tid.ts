/** Task ids as people write them: t40002, 40002, 0x40002, always hexadecimal, as PVM prints them. */
import { MpvmError } from '../errors.js';

export function formatTid(tid: number): string {
  return `t${(tid >>> 0).toString(16)}`;
}

export function parseTid(text: string): number {
  const match = /^(?:t|0x)?([0-9a-f]{1,8})$/i.exec(text);
  const tid = match?.[1] === undefined ? 0 : parseInt(match[1], 16);
  // Bits 30 and 31 mark groups and daemons; a task has a host part and a local part.
  if (tid <= 0 || tid >= 0x40000000 || (tid & 0x3ffff) === 0 || tid >>> 18 === 0) {
    throw new MpvmError('BAD_REQUEST', { detail: `"${text}" is not a task id: they look like t40002; \`mpvm ps\` lists them` });
  }
  return tid;
}

/** All of them are checked before anything is done with the first. */
export const parseTids = (texts: string[]): number[] => [...new Set(texts.map(parseTid))];
