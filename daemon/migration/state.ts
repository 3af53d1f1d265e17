/**
 * The states of a move, as its source sees them, and of an arrival, as its destination does. Each
 * machine is one union, one table and the one function `advance`, which refuses what the table does
 * not allow. docs/protocols/migration.md says who may die in each state, and what then.
 */
import type { Logger } from '../log.js';
import { mpvm } from '../rpc/messages.js';

export type MoveState =
  /** Accepted: an id, an entry in the list. Nothing has been touched, no other party knows of it. */
  | 'PLANNED'
  /** Both ends check. The destination starts a restorer, which listens. The task knows nothing. */
  | 'PREPARING'
  /** The agent streams memory; the program runs, and is found and reached where it is. */
  | 'PRECOPY'
  /** The program is parked, frames for it are held back, its record is with the destination: from
   *  here on the destination might commit, so only the directory can say that it has not. */
  | 'FROZEN'
  /** The destination has told us that it holds a complete, verified process. It commits by itself. */
  | 'ARRIVED'
  /** The directory says that the task is there. Our copy stays frozen until the process there has run its
   *  first instruction: should it die before, the destination hands the task back. */
  | 'COMMITTED'
  /** It runs there. Our copy is destroyed, what comes for it is forwarded. The end. */
  | 'RESUMED'
  /** It runs here as if nothing had been asked. The end. */
  | 'ABORTED';

export const moveTable: Readonly<Record<MoveState, readonly MoveState[]>> = {
  PLANNED: ['PREPARING', 'ABORTED'],
  PREPARING: ['PRECOPY', 'ABORTED'],
  PRECOPY: ['FROZEN', 'ABORTED'],
  // COMMITTED without ARRIVED: the word of the arrival was lost, the directory gave the verdict.
  FROZEN: ['ARRIVED', 'COMMITTED', 'ABORTED'],
  ARRIVED: ['COMMITTED', 'ABORTED'],
  // ABORTED: handed back.
  COMMITTED: ['RESUMED', 'ABORTED'],
  RESUMED: [],
  ABORTED: [],
};

export type ArrivalState =
  /** The manifest is being judged; there is no process yet. */
  | 'JUDGING'
  /** It can be taken in; nothing listens for the image yet. */
  | 'STARTING'
  /** The source knows where. What takes the image in is started, if it has to be. */
  | 'RECEIVING'
  /** It holds a complete process, or the record has been handed over: one of the two. */
  | 'HALF'
  /** Both. Nobody can call it back from here but the directory. */
  | 'COMMITTING'
  /** The directory says that the task is here: it is let go, whatever happens to the source. */
  | 'COMMITTED'
  /** It runs. The end. */
  | 'RESUMED'
  /** Given up, before the commit or because it never ran: the restorer is dead and nothing is left. The end. */
  | 'GONE';

export const arrivalTable: Readonly<Record<ArrivalState, readonly ArrivalState[]>> = {
  JUDGING: ['STARTING', 'GONE'],
  STARTING: ['RECEIVING', 'GONE'],
  RECEIVING: ['HALF', 'GONE'],
  HALF: ['COMMITTING', 'GONE'],
  // GONE: the source's fence was first.
  COMMITTING: ['COMMITTED', 'GONE'],
  // GONE: it died before it ran, and was handed back; or it ran, and ended before it said so.
  COMMITTED: ['RESUMED', 'GONE'],
  RESUMED: [],
  GONE: [],
};

export class IllegalTransition extends Error {
  override readonly name = 'IllegalTransition';
}

/** One state machine at work: where it is, and the only way to move it. */
export class Machine<State extends string> {
  #state: State;
  readonly #table: Readonly<Record<State, readonly State[]>>;
  readonly #log: Logger;

  constructor(table: Readonly<Record<State, readonly State[]>>, start: State, log: Logger) {
    this.#table = table;
    this.#state = start;
    this.#log = log;
  }

  get state(): State {
    return this.#state;
  }

  /** Throws IllegalTransition, and logs it, when the table does not allow it. */
  advance(to: State): void {
    if (!this.#table[this.#state].includes(to)) {
      this.#log.error({ from: this.#state, to }, 'illegal transition');
      throw new IllegalTransition(`${this.#state} -> ${to} is not allowed`);
    }
    this.#log.debug({ from: this.#state, to }, 'transition');
    this.#state = to;
  }

  /** True in one of these states. */
  is(...states: State[]): boolean {
    return states.includes(this.#state);
  }
}

export function stateNumber(state: MoveState): mpvm.node.MigrationState {
  return mpvm.node.MigrationState[state];
}
