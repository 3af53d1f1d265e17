/** Reasons why a task cannot move, in the words of the error catalogue. */
import { MpvmError } from '../errors.js';
import type { ErrorCode, ErrorDetails } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';

export type Blocker = mpvm.node.IBlocker;
export type Side = 'source' | 'destination';

export function blocker(side: Side, code: ErrorCode, details: ErrorDetails = {}): Blocker {
  const { message, remedy } = new MpvmError(code, details);
  return { code, cause: message, remedy, warning: false, side };
}
/** It does not stop the move, but whoever asks should know. */
export function warning(side: Side, code: ErrorCode, details: ErrorDetails = {}): Blocker {
  return { ...blocker(side, code, details), warning: true };
}
export function asBlocker(side: Side, error: MpvmError): Blocker {
  return { code: error.code, cause: error.message, remedy: error.remedy, warning: false, side };
}
/** Of an engine that is not used after all: worth knowing, no hindrance. */
export function asWarnings(blockers: readonly Blocker[]): Blocker[] {
  return blockers.map((entry) => ({ ...entry, warning: true }));
}
/** Those that do stop it. */
export function stopping(blockers: readonly Blocker[]): Blocker[] {
  return blockers.filter((entry) => !entry.warning);
}
/** One line for all of them. */
export function causes(blockers: readonly Blocker[]): string {
  const texts = stopping(blockers).map((entry) => entry.cause ?? '');
  const shown = texts.slice(0, 3).join('; ');
  return texts.length > 3 ? `${shown}; and ${texts.length - 3} more` : shown;
}
