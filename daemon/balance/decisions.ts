/** The log of decisions: JSON lines in the registry node's directory, bounded: one file before this one is kept. */
import { appendFileSync, renameSync, statSync } from 'node:fs';
import type { Logger } from '../log.js';
import type { DecisionRecord, OutcomeRecord } from '../schedule/replay.js';

const mostBytes = 16 << 20;

export class DecisionLog {
  readonly path: string;
  readonly #log: Logger;
  readonly #limit: number;

  constructor(path: string, log: Logger, limit = mostBytes) {
    this.path = path;
    this.#log = log;
    this.#limit = limit;
  }

  /** A log that cannot be written keeps nobody from balancing. */
  append(record: DecisionRecord | OutcomeRecord): void {
    const line = `${JSON.stringify(record)}\n`;
    try {
      const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
      if (size > 0 && size + line.length > this.#limit) renameSync(this.path, `${this.path}.1`);
      appendFileSync(this.path, line, { mode: 0o600 });
    } catch (error) {
      this.#log.warn({ err: error, path: this.path }, 'a decision was not logged');
    }
  }
}
