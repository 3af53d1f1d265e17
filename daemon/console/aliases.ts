/** Names for the beginnings of commands. */

/** Longer chains are loops. */
const mostSteps = 64;

export class Aliases {
  readonly #words = new Map<string, readonly string[]>();

  set(name: string, words: readonly string[]): void {
    this.#words.set(name, words);
  }
  remove(name: string): void {
    this.#words.delete(name);
  }
  names(): string[] {
    return [...this.#words.keys()].sort();
  }
  list(): { name: string; text: string }[] {
    return this.names().map((name) => ({ name, text: (this.#words.get(name) ?? []).join(' ') }));
  }

  /** The words with their first one replaced, as long as it is an alias. One that stands for itself is replaced once. Undefined: a loop. */
  expand(words: readonly string[]): readonly string[] | undefined {
    let expanded = words;
    let before: string | undefined;
    for (let step = 0; step < mostSteps; step++) {
      const [name, ...rest] = expanded;
      const replacement = name === undefined || name === before ? undefined : this.#words.get(name);
      if (replacement === undefined) return expanded;
      before = name;
      expanded = [...replacement, ...rest];
    }
    return undefined;
  }
}
