/**
 * The link to the daemon. The token comes in the fragment of the address (`#token=…`), which a
 * browser sends to nobody, and is kept for this tab alone; every request shows it in a header, which
 * no page from elsewhere can make a browser do.
 */
import { EventDecoder } from '../../shared/event-stream.js';
import type { StreamEvent } from '../../shared/event-stream.js';
import type { Failure, News } from '../../shared/wire.js';

const storageKey = 'mpvm-token';
const firstRetryMs = 500;
const longestRetryMs = 5000;
/** The daemon says something at least every five seconds. */
const silenceMs = 15_000;

export type Status = 'connecting' | 'live' | 'lost' | 'refused';

export class RequestFailed extends Error {
  readonly code: string;
  readonly remedy: string;
  constructor({ code, text, remedy }: Failure) {
    super(text);
    this.code = code;
    this.remedy = remedy;
  }
}

/** Takes the token out of the address, so that it stays in no history. */
export function takeToken(): void {
  const token = /^#token=([\w.~-]+)$/.exec(location.hash)?.[1];
  if (token === undefined) return;
  setToken(token);
  history.replaceState(null, '', location.pathname);
}

export function setToken(token: string): void {
  sessionStorage.setItem(storageKey, token);
}

const headers = (): Record<string, string> => ({ Authorization: `Bearer ${sessionStorage.getItem(storageKey) ?? ''}` });

/** Follows the news for as long as the page is open; `status` says how that goes. */
export async function follow(tell: (news: News) => void, status: (status: Status) => void): Promise<never> {
  for (let retryMs = firstRetryMs; ; ) {
    status('connecting');
    try {
      const response = await fetch('/api/events', { headers: headers(), cache: 'no-store' });
      if (response.status === 401) {
        status('refused');
        await tokenChanged();
        continue;
      }
      for await (const event of eventsOf(response)) {
        if (event.event === 'snapshot') status('live');
        tell(event as News);
        retryMs = firstRetryMs;
      }
    } catch {
      // tried again
    }
    status('lost');
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(longestRetryMs, retryMs * 2);
  }
}

let wakeUp: () => void = () => undefined;
function tokenChanged(): Promise<void> {
  return new Promise((resolve) => (wakeUp = resolve));
}
/** Somebody has typed one. */
export function tryToken(token: string): void {
  setToken(token);
  wakeUp();
}

/** One question, one answer. Throws RequestFailed. */
export async function ask<T>(path: string, body: Record<string, unknown>): Promise<T> {
  const response = await post(path, body);
  return (await response.json()) as T;
}

/** One question, many answers. Throws RequestFailed. */
export async function* listen<T extends StreamEvent>(path: string, body: Record<string, unknown>): AsyncGenerator<T> {
  const response = await post(path, body);
  yield* eventsOf(response) as AsyncGenerator<T>;
}

async function post(path: string, body: Record<string, unknown>): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { method: 'POST', headers: { ...headers(), 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw new RequestFailed({ code: 'NO_DAEMON', text: 'the daemon does not answer', remedy: 'see whether it runs: mpvm nodes' });
  }
  if (response.ok) return response;
  const answer = (await response.json().catch(() => ({}))) as { error?: Failure };
  throw new RequestFailed(answer.error ?? { code: 'INTERNAL', text: `the daemon answered ${response.status}`, remedy: '' });
}

async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const decoder = new EventDecoder();
  let silence: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      silence = setTimeout(() => void reader.cancel(), silenceMs);
      const { done, value } = await reader.read();
      clearTimeout(silence);
      if (done) return;
      yield* decoder.take(value);
    }
  } finally {
    clearTimeout(silence);
    await reader.cancel().catch(() => undefined);
  }
}
