/**
 * A client of a service in this very process: same interface, same messages, same errors, no
 * socket. Requests and replies pass the codecs, so that defaults are filled in as for a remote call.
 */
import { asMpvmError, MpvmError } from '../errors.js';
import type { CallOptions } from '../contracts.js';
import type { ClientOf } from './clients.js';
import type { CallContext, ImplementationOf } from './server.js';
import type { AnyMethod, Codec, Service } from './services.js';

export function createLocalClient<S extends Service>(service: S, implementation: ImplementationOf<S>, caller: string): ClientOf<S> {
  const client: Record<string, unknown> = { close: () => undefined };
  for (const [name, method] of Object.entries(service)) {
    const handler = (implementation as Record<string, (request: unknown, context: CallContext) => unknown>)[name]!;
    client[name] = method.streams ? stream(method, handler, caller) : unary(method, handler, caller);
  }
  return client as ClientOf<S>;
}

type Handler = (request: unknown, context: CallContext) => unknown;

const pass = (codec: Codec<unknown, unknown>, message: unknown): unknown => codec.decode(codec.encode(message).finish());

function unary(method: AnyMethod, handler: Handler, caller: string) {
  return async (request: unknown, options: CallOptions = {}): Promise<unknown> => {
    const { timeoutMs = 5000 } = options;
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const given = new Promise<never>((_, reject) => {
      const cancel = (): void => {
        controller.abort();
        reject(new MpvmError('CANCELLED'));
      };
      if (options.signal?.aborted) cancel();
      else options.signal?.addEventListener('abort', cancel, { once: true, signal: controller.signal });
      if (timeoutMs < 2 ** 31) timer = setTimeout(() => {
        controller.abort();
        reject(new MpvmError('NODE_TIMEOUT', { peer: `node ${caller}`, ms: timeoutMs }));
      }, timeoutMs);
    });
    given.catch(() => undefined);
    try {
      const answer = (async () => handler(pass(method.request, request), { signal: controller.signal, caller }))();
      return pass(method.reply, await Promise.race([answer, given]));
    } catch (thrown) {
      throw asMpvmError(thrown);
    } finally {
      clearTimeout(timer);
      controller.abort(); // lets go of the caller's signal
    }
  };
}

function stream(method: AnyMethod, handler: Handler, caller: string) {
  return async function* (request: unknown, options: CallOptions = {}): AsyncGenerator {
    const controller = new AbortController();
    const cancel = (): void => controller.abort();
    options.signal?.addEventListener('abort', cancel, { once: true });
    if (options.signal?.aborted) cancel();
    try {
      const replies = handler(pass(method.request, request), { signal: controller.signal, caller }) as AsyncIterable<unknown>;
      for await (const reply of replies) yield pass(method.reply, reply);
      if (options.signal?.aborted) throw new MpvmError('CANCELLED');
    } catch (thrown) {
      throw asMpvmError(thrown);
    } finally {
      options.signal?.removeEventListener('abort', cancel);
      controller.abort();
    }
  };
}
