/** Message contexts: numbers that no other program of the VM has, host part first as PVM makes them. */
import { birthHost, localLimit, pvm } from './pvm.js';
import { update } from './store.js';
import type { Store } from './store.js';

interface Contexts {
  next: number;
  live: number[];
}
const keyOf = (host: number): string => `context/${host}`;

export function newContext(store: Store, tid: number): Promise<number> {
  const host = birthHost(tid);
  return update<Contexts, number>(store, keyOf(host), (now = { next: 1, live: [] }) => {
    if (now.next > localLimit) return { result: pvm.OutOfRes };
    const context = host | now.next;
    return { value: { next: now.next + 1, live: [...now.live, context] }, result: context };
  });
}

export function freeContext(store: Store, context: number): Promise<number> {
  return update<Contexts, number>(store, keyOf(birthHost(context)), (now) => {
    if (!now?.live.includes(context)) return { result: pvm.NotFound };
    return { value: { ...now, live: now.live.filter((live) => live !== context) }, result: pvm.Ok };
  });
}
