/** What test programs say of themselves at their end, past all daemons: `t40002 ring member ok seed=7` (test/programs/common.h). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function verdictsIn(directory: string): string {
  return join(directory, 'verdicts');
}

export class Verdicts {
  readonly #path: string;

  constructor(directory: string) {
    this.#path = verdictsIn(directory);
  }

  /** The lines so far that speak of this seed; and all that speak of a failure. */
  of(seed: number): string[] {
    return this.#lines().filter((line) => new RegExp(`\\bseed=${seed}$`).test(line));
  }
  get failures(): string[] {
    return this.#lines().filter((line) => line.includes(' failed: '));
  }

  #lines(): string[] {
    try {
      return readFileSync(this.#path, 'utf8').split('\n').filter(Boolean);
    } catch {
      return [];
    }
  }
}
