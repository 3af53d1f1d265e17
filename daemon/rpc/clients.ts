/**
 * Typed clients of the services: unary calls are promises, server streams async iterables.
 * Every call carries a deadline, so that a peer that is gone is an error soon and never a hang.
 */
import { Client, credentials as grpcCredentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { MpvmError } from '../errors.js';
import type { CallOptions } from '../contracts.js';
import { controlService, nodeService, registryService } from './services.js';
import type { AnyMethod, Method, Service } from './services.js';
import { fromStatus } from './wire-errors.js';
import type { PeerDescription } from './wire-errors.js';

/** A unary call without timeoutMs of its own. */
const defaultTimeoutMs = 5000;
/** A stream has no end in time, but its server must have taken it up by then. */
const acceptTimeoutMs = 5000;
/** Messages of a stream kept for a slow reader before the peer is made to wait. */
const streamWindow = 64;

export type ClientOf<S extends Service> = {
  [K in keyof S]: S[K] extends Method<infer Request, infer _R, infer _P, infer Reply, infer Streams>
    ? Streams extends true
      ? (request: Request, options?: CallOptions) => AsyncIterableIterator<Reply>
      : (request: Request, options?: CallOptions) => Promise<Reply>
    : never;
} & { close(): void };

export type NodeClient = ClientOf<typeof nodeService>;
export type RegistryClient = ClientOf<typeof registryService>;
export type ControlClient = ClientOf<typeof controlService>;

export interface Target extends PeerDescription {
  /** `127.0.0.3:4711` or `unix:/path` */
  readonly target: string;
  /** Left out: no TLS (unix sockets). */
  readonly credentials?: ChannelCredentials;
}

export function createNodeClient(target: Target): NodeClient {
  return createClient(nodeService, target);
}
export function createRegistryClient(target: Target): RegistryClient {
  return createClient(registryService, target);
}
/** For the CLI: the daemon behind a control.sock. */
export function createControlClient(socketPath: string, vm: string): ControlClient {
  return createClient(controlService, { target: `unix:${socketPath}`, peer: `mpvmd at ${socketPath}`, unreachable: 'NO_DAEMON', details: { vm, path: socketPath } });
}

export function createClient<S extends Service>(service: S, target: Target): ClientOf<S> {
  const channel = new Client(target.target, target.credentials ?? grpcCredentials.createInsecure(), {
    // A daemon that restarts is found again within a second, and a dead one costs no more than that.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.min_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    'grpc.keepalive_time_ms': 5000,
    'grpc.keepalive_timeout_ms': 5000,
    'grpc.keepalive_permit_without_calls': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
    'grpc.default_authority': 'mpvm',
    'grpc.ssl_target_name_override': 'mpvm', // an address is no server name; who it is says the certificate
    'grpc.service_config_disable_resolution': 1,
    'grpc.max_receive_message_length': 64 << 20,
  });
  const client: Record<string, unknown> = { close: () => channel.close() };
  for (const [name, method] of Object.entries(service)) {
    client[name] = method.streams
      ? (request: unknown, options?: CallOptions) => callStream(channel, method, target, request, options)
      : (request: unknown, options?: CallOptions) => callUnary(channel, method, target, request, options);
  }
  return client as ClientOf<S>;
}

const serializer = (method: AnyMethod) => (message: unknown) => Buffer.from(method.request.encode(message).finish());
const deserializer = (method: AnyMethod) => (bytes: Buffer): unknown => method.reply.decode(bytes);

function callUnary(channel: Client, method: AnyMethod, whom: PeerDescription, request: unknown, options: CallOptions = {}): Promise<unknown> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) return reject(new MpvmError('CANCELLED'));
    const cancel = (): void => call.cancel();
    const call = channel.makeUnaryRequest(method.path, serializer(method), deserializer(method), request, { deadline: Date.now() + timeoutMs }, (error, reply) => {
      options.signal?.removeEventListener('abort', cancel);
      if (error) reject(fromStatus(error, whom, timeoutMs));
      else resolve(reply);
    });
    options.signal?.addEventListener('abort', cancel, { once: true });
  });
}

function callStream(channel: Client, method: AnyMethod, whom: PeerDescription, request: unknown, options: CallOptions = {}): AsyncIterableIterator<unknown> {
  const deadline = options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
  const call = channel.makeServerStreamRequest(method.path, serializer(method), deserializer(method), request, deadline);
  return new ReplyStream(call, whom, options);
}

/**
 * The replies of one streaming call. Reads from the start, so that an error is never left without
 * a listener; what came before an error is still handed out. Leaving the loop cancels the call.
 */
class ReplyStream implements AsyncIterableIterator<unknown> {
  readonly #call: ClientReadableStream<unknown>;
  readonly #queue: unknown[] = [];
  #end: { error?: MpvmError } | undefined;
  #wake: (() => void) | undefined;
  #accepted: NodeJS.Timeout | undefined;

  constructor(call: ClientReadableStream<unknown>, whom: PeerDescription, options: CallOptions) {
    this.#call = call;
    const cancel = (): void => call.cancel();
    const finish = (error?: MpvmError): void => {
      clearTimeout(this.#accepted);
      options.signal?.removeEventListener('abort', cancel);
      this.#end ??= { error };
      this.#wake?.();
    };
    this.#accepted = setTimeout(() => {
      finish(new MpvmError(whom.unreachable, { ...whom.details, peer: whom.peer, detail: 'it did not take up the call' }));
      call.cancel();
    }, Math.min(acceptTimeoutMs, options.timeoutMs ?? acceptTimeoutMs));
    call.on('metadata', () => clearTimeout(this.#accepted));
    call.on('data', (message: unknown) => {
      clearTimeout(this.#accepted);
      this.#queue.push(message);
      if (this.#queue.length >= streamWindow) call.pause();
      this.#wake?.();
    });
    call.on('error', (error: ServiceError) => finish(fromStatus(error, whom, options.timeoutMs ?? acceptTimeoutMs)));
    call.on('end', () => setImmediate(finish)); // an error status is told right after the end
    if (options.signal?.aborted) cancel();
    else options.signal?.addEventListener('abort', cancel, { once: true });
  }

  async next(): Promise<IteratorResult<unknown>> {
    for (;;) {
      if (this.#queue.length > 0) {
        const value = this.#queue.shift();
        if (this.#call.isPaused() && this.#queue.length < streamWindow / 2) this.#call.resume();
        return { done: false, value };
      }
      if (this.#end?.error) {
        const { error } = this.#end;
        this.#end = {};
        throw error;
      }
      if (this.#end) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }

  return(): Promise<IteratorResult<unknown>> {
    this.#end ??= {};
    this.#queue.length = 0;
    this.#call.resume();
    this.#call.cancel();
    this.#wake?.();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
