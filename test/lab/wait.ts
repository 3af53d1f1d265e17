/** Waiting for a condition, never for a time. */

export interface Patience {
  timeoutMs?: number;
  everyMs?: number;
}

/**
 * Asks until the answer is neither false nor undefined; a failure says what it waited for and the
 * last answer. What the probe throws counts as "not yet", but is told at the end.
 */
export async function until<T>(what: string, probe: () => T | Promise<T>, patience: Patience = {}): Promise<Exclude<T, false | undefined | null>> {
  const deadline = performance.now() + (patience.timeoutMs ?? 45_000);
  let last: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== false && answer !== undefined && answer !== null) return answer as Exclude<T, false | undefined | null>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited in vain for: ${what}${last instanceof Error ? ` (${last.message})` : ''}`);
    }
    await pause(patience.everyMs ?? 20);
  }
}

/** Between two looks, and to pace load; never to wait for something to have happened. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A promise with a deadline. */
export async function within<T>(what: string, timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms in vain for: ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
