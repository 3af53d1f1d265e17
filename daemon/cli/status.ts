/** What a StatusReply says, as an error when it is one. */
import { MpvmError } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';

export function expectOk(status: mpvm.node.IStatusReply | null | undefined): void {
  if (!status) return;
  if ((status.status ?? 0) < 0 || status.code) throw MpvmError.received(status.code || 'INTERNAL', status.text || 'it failed');
}
