/**
 * A line into words, by the rules of PVM's console. Pure.
 *
 * White space separates. '...' and "..." keep what is between them as it is; outside of quotes a
 * backslash keeps the next character. "#" where a word could begin makes the rest a comment.
 * There is no expansion of variables: `$HOME` stays `$HOME`.
 */

export type Parsed = { readonly words: string[] } | { readonly wrong: string };

/** PVM's console takes no more in one command, its name included. */
export const mostWords = 127;
export const tooLong = 'command too long';

const space = /\s/;

export function parse(line: string): Parsed {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  const end = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  while (at < line.length) {
    const char = line[at++]!;
    if (space.test(char)) end();
    else if (char === '#' && word === undefined) break;
    else if (char === '"' || char === "'") {
      const close = line.indexOf(char, at);
      if (close < 0) return { wrong: `unmatched ${char}\n${tooLong}` };
      word = (word ?? '') + line.slice(at, close);
      at = close + 1;
    } else if (char === '\\') {
      const kept = line[at++];
      if (kept === undefined) return { wrong: `unmatched \\\n${tooLong}` };
      word = (word ?? '') + kept;
    } else word = (word ?? '') + char;
  }
  end();
  return words.length > mostWords ? { wrong: tooLong } : { words };
}

/** The beginning of a number, as C's atoi reads it; 0 when there is none. */
export function leadingNumber(text: string): number {
  const value = Number.parseInt(/^\s*[+-]?\d+/.exec(text)?.[0] ?? '0', 10);
  return Math.max(-0x80000000, Math.min(0x7fffffff, value));
}

/** A task or host id as it is typed: hexadecimal, with or without a "t" in front; 0 when it is none. */
export function readTid(text: string): number {
  const match = /^t?(?:0x)?([0-9a-f]{1,8})/i.exec(text);
  return match?.[1] === undefined ? 0 : Number.parseInt(match[1], 16);
}
