/**
 * Implementing a service: an async function for each unary rpc, an async generator (or any async
 * iterable) for each stream. What they throw reaches the client as the same MpvmError.
 */
import { Metadata } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall, ServerWritableStream, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Logger } from '../log.js';
import { asMpvmError, MpvmError } from '../errors.js';
import type { RevokedCertificates } from './revoked.js';
import type { AnyMethod, Method, Service } from './services.js';
import { toStatus } from './wire-errors.js';

/** Of one call: aborted when the client is gone, has cancelled, or its deadline has passed. */
export interface CallContext {
  readonly signal: AbortSignal;
  /** The certificate's common name of the calling node; undefined on a unix socket. */
  readonly caller: string | undefined;
  /** SHA-256 of that certificate, as TLS tells it. */
  readonly fingerprint?: string;
}

export type ImplementationOf<S extends Service> = {
  [K in keyof S]: S[K] extends Method<infer _Q, infer Request, infer Reply, infer _P, infer Streams>
    ? Streams extends true
      ? (request: Request, context: CallContext) => AsyncIterable<Reply>
      : (request: Request, context: CallContext) => Promise<Reply> | Reply
    : never;
};

type AnyHandler = (request: unknown, context: CallContext) => unknown;

/** For `server.addService(...serve(nodeService, {...}, log))`. Callers with a revoked certificate get CERTIFICATE_REVOKED. */
export function serve<S extends Service>(service: S, implementation: ImplementationOf<S>, log: Logger, revoked?: RevokedCertificates): [ServiceDefinition, UntypedServiceImplementation] {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(service)) {
    const handler = (implementation as Record<string, AnyHandler>)[name];
    if (handler === undefined) throw new Error(`${method.path} is not implemented`);
    definition[name] = grpcMethod(method);
    const bound = handler.bind(implementation);
    handlers[name] = method.streams
      ? (call: ServerWritableStream<unknown, unknown>) => void answerStream(method, bound, call, { log, revoked })
      : (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>) => void answerUnary(method, bound, call, reply, { log, revoked });
  }
  return [definition, handlers];
}

function grpcMethod(method: AnyMethod): ServiceDefinition[string] {
  return {
    path: method.path,
    requestStream: false,
    responseStream: method.streams,
    requestSerialize: (message: unknown) => Buffer.from(method.request.encode(message).finish()),
    requestDeserialize: (bytes: Buffer): unknown => method.request.decode(bytes),
    responseSerialize: (message: unknown) => Buffer.from(method.reply.encode(message).finish()),
    responseDeserialize: (bytes: Buffer): unknown => method.reply.decode(bytes),
  };
}

type AnyCall = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>;

interface Keeper {
  log: Logger;
  revoked?: RevokedCertificates;
}

/** A reason of our own, or one with a stack would be made for each call. */
const hungUp = new MpvmError('CANCELLED');

function contextOf(call: AnyCall, { revoked }: Keeper): CallContext {
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort(hungUp));
  const certificate = call.getAuthContext().sslPeerCertificate;
  const name: unknown = certificate?.subject.CN;
  const fingerprint = certificate?.fingerprint256;
  if (revoked?.has(fingerprint)) throw new MpvmError('CERTIFICATE_REVOKED', { node: String(name) });
  return { signal: controller.signal, caller: typeof name === 'string' ? name : undefined, fingerprint };
}

async function answerUnary(method: AnyMethod, handler: AnyHandler, call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>, keeper: Keeper): Promise<void> {
  try {
    reply(null, await handler(call.request, contextOf(call, keeper)));
  } catch (thrown) {
    report(method, thrown, keeper.log);
    reply(toStatus(thrown));
  }
}

async function answerStream(method: AnyMethod, handler: AnyHandler, call: ServerWritableStream<unknown, unknown>, keeper: Keeper): Promise<void> {
  let context: CallContext | undefined;
  call.on('error', () => undefined); // the client is told below; a broken transport has nobody to tell
  call.sendMetadata(new Metadata()); // tells the client at once that the call has been taken up
  try {
    const { signal } = (context = contextOf(call, keeper));
    const replies = (handler(call.request, context) as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    const stop = (): void => void replies.return?.().catch(() => undefined);
    signal.addEventListener('abort', stop, { once: true });
    for (let next = await replies.next(); !next.done && !signal.aborted; next = await replies.next()) {
      if (!call.write(next.value)) await drained(call, signal);
    }
    call.end();
  } catch (thrown) {
    if (!context?.signal.aborted) report(method, thrown, keeper.log);
    call.emit('error', toStatus(thrown));
  }
}

function drained(call: ServerWritableStream<unknown, unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

function report(method: AnyMethod, thrown: unknown, log: Logger): void {
  const error = asMpvmError(thrown);
  if (error.code === 'INTERNAL') log.error({ rpc: method.path, err: error.cause ?? error }, 'rpc failed');
  else log.debug({ rpc: method.path, code: error.code, cause: error.message }, 'rpc refused');
}
