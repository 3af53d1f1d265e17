/**
 * Calls between daemons that are sent again when their answer is lost. What must not happen twice (a
 * frame for a task, output, a signal) carries a name; a call that comes again gets the first one's answer.
 */
import { randomBytes } from 'node:crypto';

/** A sender repeats itself within seconds; so many calls of all senders lie between a call and its repetition at most. */
const remembered = 10_000;

const origin = randomBytes(6).toString('hex');
let count = 0;
/** The name of one call, the same for all its repetitions. */
export const callName = (): string => `${origin}.${++count}`;

export class Once {
  /** Oldest first. */
  readonly #answers = new Map<string, Promise<unknown>>();

  run<T>(call: string, work: () => Promise<T>): Promise<T> {
    if (call === '') return work();
    const before = this.#answers.get(call);
    if (before) return before as Promise<T>;
    const answer = work();
    this.#answers.set(call, answer);
    // What failed has not happened: it may be tried again.
    answer.catch(() => this.#answers.delete(call));
    if (this.#answers.size > remembered) this.#answers.delete(this.#answers.keys().next().value!);
    return answer;
  }
}
