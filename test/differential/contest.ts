/** The same program on both PVMs. */
import { Lab } from '../lab/lab.js';
import { Running } from '../lab/process.js';
import type { Result, RunOptions } from '../lab/process.js';
import { includeDirectory, libraryDirectory } from '../lab/paths.js';
import { Judge, judgeMissing } from './judge.js';
import type { Side } from './judge.js';
import { skip } from '../lab/skip.js';

/** Our side: a program started from a shell beside a lab. */
export class Ours implements Side {
  readonly name: string;
  readonly lab: Lab;
  constructor(lab: Lab) {
    this.lab = lab;
    this.name = `mpvm, ${lab.options.nodes ?? 3} node(s)`;
  }
  get env(): Record<string, string> {
    return this.lab.env;
  }
  run(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Result> {
    return this.lab.shell(file, args, { cwd: this.lab.directory, ...options });
  }
  start(file: string, args: readonly string[] = [], options: RunOptions = {}): Running {
    return this.lab.startShell(file, args, { cwd: this.lab.directory, ...options });
  }
}

export const ourFlags = ['-isystem', includeDirectory, `-L${libraryDirectory}`];

/** Both PVMs for a describe block; without the judge its tests are skipped. */
export function useContest(options: { judgePath: string[]; ourPath: string[]; nodes?: number }): () => { judge: Judge; ours: Ours } {
  let judge: Judge | undefined;
  let lab: Lab | undefined;
  before(async function () {
    this.timeout(180_000);
    const missing = judgeMissing();
    if (missing) skip(this, missing);
    judge = await Judge.start(options.judgePath);
    lab = await Lab.start({ nodes: options.nodes ?? 1, path: options.ourPath });
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') lab?.dump(this.currentTest.fullTitle());
  });
  after(async function () {
    this.timeout(60_000);
    await judge?.stop();
    await lab?.stop();
  });
  return () => {
    if (!judge || !lab) throw new Error('the contest has not begun');
    return { judge, ours: new Ours(lab) };
  };
}
