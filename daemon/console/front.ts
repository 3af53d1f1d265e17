/** What the console talks to: a terminal, or a pipe or file with commands. */

export interface Line {
  readonly text: string;
  /** It ended with an end of line: only then PVM repeats it. */
  readonly complete: boolean;
}

export interface Front {
  /** Does the one who types see what he types? Then lines are not repeated. */
  readonly echoes: boolean;
  /** Shows the prompt and waits for a line; undefined at the end of the input. */
  next(): Promise<Line | undefined>;
  /** Results of commands. */
  write(text: string): void;
  /** Errors, as libpvm prints them. */
  complain(text: string): void;
  /** Whole lines about what happens by itself: output of jobs, hosts that come. */
  news(text: string | Buffer): void;
  /** Takes in what has happened by itself, so many bytes, when its turn has come. */
  defer(bytes: number, work: () => void): void;
  /** Runs a program that has the terminal to itself. */
  lend<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

export const prompt = 'pvm> ';
