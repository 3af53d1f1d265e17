/** How errors cross gRPC: an MpvmError's code, cause and remedy travel in metadata and are rebuilt at the client. */
import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceError, StatusObject } from '@grpc/grpc-js';
import { asMpvmError, MpvmError } from '../errors.js';

/** Together they stay far below the 8 KiB that HTTP/2 peers allow for headers. */
const textLimit = 1500;
const clip = (text: string): Buffer => Buffer.from(text.slice(0, textLimit));

export function toStatus(thrown: unknown): Partial<StatusObject> {
  const error = asMpvmError(thrown);
  const metadata = new Metadata();
  metadata.set('mpvm-code', error.code);
  metadata.set('mpvm-cause-bin', clip(error.message));
  metadata.set('mpvm-remedy-bin', clip(error.remedy));
  return { code: status.ABORTED, details: error.code, metadata };
}

/** Whom a client speaks to, and what to say when nobody answers. */
export interface PeerDescription {
  /** For people: `node n2 (127.0.0.3:4711)`. */
  readonly peer: string;
  readonly unreachable: 'NODE_UNREACHABLE' | 'REGISTRY_UNREACHABLE' | 'NO_DAEMON';
  readonly details?: Record<string, string>;
}

export function fromStatus(thrown: unknown, whom: PeerDescription, timeoutMs: number): MpvmError {
  const error = thrown as Partial<ServiceError>;
  const code = error.metadata?.get('mpvm-code')[0];
  if (code !== undefined) {
    const text = (key: string): string => String(error.metadata?.get(key)[0] ?? '');
    return MpvmError.received(String(code), text('mpvm-cause-bin'), text('mpvm-remedy-bin'));
  }
  const detail = error.details ?? error.message ?? String(thrown);
  switch (error.code) {
    case status.UNAVAILABLE:
      return new MpvmError(whom.unreachable, { ...whom.details, peer: whom.peer, detail: shortReason(detail) });
    case status.DEADLINE_EXCEEDED:
      return new MpvmError('NODE_TIMEOUT', { peer: whom.peer, ms: timeoutMs });
    case status.CANCELLED:
      return new MpvmError('CANCELLED', {});
    case status.UNIMPLEMENTED:
      return new MpvmError('NOT_BUILT', { what: detail });
    default:
      return new MpvmError('INTERNAL', { detail: `${whom.peer}: ${detail}` });
  }
}

/** grpc-js tells its whole story; people want the last word of it. */
function shortReason(detail: string): string {
  const last = /Last error: (?:Error: )?([^\n]*?)(?:\. Resolution note: .*)?$/.exec(detail)?.[1];
  return (last ?? detail).slice(0, 200);
}
