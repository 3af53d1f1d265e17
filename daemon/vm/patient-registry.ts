/**
 * The registry's client as the rest of the daemon sees it: what tasks ask of the registry outlasts
 * its restart. A request whose link broke is sent again under the same identity, marked `again`,
 * so that it counts once.
 */
import { hasCode, MpvmError } from '../errors.js';
import type { CallOptions } from '../contracts.js';
import type { RegistryClient } from '../rpc/clients.js';
import { mpvm } from '../rpc/messages.js';
import { mailboxFlag } from './pvm.js';

const pauseMs = 200;
/** Of one sending, when the answer does not wait for other tasks. */
const sendingMs = 10_000;
const Verb = mpvm.task.Group.Verb;

export interface PatientOptions {
  /** Ends all that still waits. */
  stop: AbortSignal;
  /** Random, of this daemon: makes identities of requests. */
  instance: string;
  /** The registry now knows something of this task. */
  used: (tid: number) => void;
}

export function patientRegistry(client: RegistryClient, { stop, instance, used }: PatientOptions): RegistryClient {
  let sent = 0;
  const identity = (): string => `${instance}.${++sent}`;
  const patient = <T>(send: (again: boolean, options: CallOptions) => Promise<T>, options: CallOptions, waits = false): Promise<T> =>
    persist(send, options, stop, waits);
  return {
    ...client,
    group: (request, options = {}) => {
      const verb = request.group?.verb ?? Verb.JOIN;
      if (verb === Verb.JOIN) used(request.tid ?? 0);
      const id = identity();
      const waits = verb === Verb.BARRIER || verb === Verb.FREEZE;
      return patient((again, call) => client.group({ ...request, id, again }, call), options, waits);
    },
    mailbox: (request, options = {}) => {
      if (request.put) used(request.tid ?? 0);
      const id = identity();
      const waits = ((request.get?.flags ?? 0) & mailboxFlag.WaitForInfo) !== 0;
      return patient((again, call) => client.mailbox({ ...request, id, again }, call), options, waits);
    },
    register: (request, options = {}) => {
      if (request.on) used(request.officer?.tid ?? 0);
      return patient((_, call) => client.register(request, call), options);
    },
    newContext: (request, options = {}) => patient((_, call) => client.newContext(request, call), options),
    freeContext: (request, options = {}) => patient((_, call) => client.freeContext(request, call), options),
    locate: (request, options = {}) => patient((_, call) => client.locate(request, call), options),
    commitMove: (request, options = {}) => patient((_, call) => client.commitMove(request, call), options),
    forget: (request, options = {}) => patient((_, call) => client.forget(request, call), options),
  };
}

/** Sends until there is an answer; `waits`: the answer may take as long as it likes. */
async function persist<T>(send: (again: boolean, options: CallOptions) => Promise<T>, options: CallOptions, stop: AbortSignal, waits: boolean): Promise<T> {
  const deadline = options.timeoutMs === undefined ? Infinity : Date.now() + options.timeoutMs;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  for (const signal of [stop, options.signal]) {
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
  }
  try {
    for (let again = false; ; again = true) {
      if (ended.signal.aborted) throw new MpvmError('CANCELLED');
      try {
        const timeoutMs = Math.max(1, Math.min(waits ? Infinity : sendingMs, deadline - Date.now()));
        return await send(again, { timeoutMs, signal: ended.signal });
      } catch (error) {
        const broken = hasCode(error, 'REGISTRY_UNREACHABLE') || hasCode(error, 'NODE_TIMEOUT') || hasCode(error, 'SHUTTING_DOWN');
        if (!broken || Date.now() + pauseMs >= deadline) throw error;
      }
      await pause(ended.signal);
    }
  } finally {
    for (const signal of [stop, options.signal]) signal?.removeEventListener('abort', end);
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, pauseMs);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
