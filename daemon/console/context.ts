/** What the commands work with, and what they are. */
import type { Session } from '../cli/session.js';
import type { mpvm } from '../rpc/messages.js';
import type { Aliases } from './aliases.js';
import type { Front } from './front.js';
import type { Jobs } from './jobs.js';
import { PvmFailure } from './link.js';
import type { TaskLink } from './link.js';
import type { Options } from './options.js';
import { errorText, tidText } from './pvm.js';
import type { TraceMask } from './tracing.js';

type HostInfo = mpvm.task.IHostInfo;

/** PvmAutoErr: fail means to print, or to print and leave with the error as exit code. */
const leaveOnError = 2;

export interface Command {
  readonly name: string;
  /** For `help`: one line, then how it is used, then what has to be known for that. */
  readonly summary: string;
  readonly usage: readonly string[];
  readonly details?: readonly string[];
  /** How many words may follow; no upper bound: any number. */
  readonly least: number;
  readonly most?: number;
  /** PVM's console does not have it. */
  readonly own?: boolean;
  run(context: Context, args: readonly string[]): Promise<void> | void;
}

export interface Parts {
  readonly session: Session;
  readonly front: Front;
  readonly link: TaskLink;
  readonly aliases: Aliases;
  readonly options: Options;
  readonly jobs: Jobs;
  readonly tracing: TraceMask;
  readonly commands: readonly Command[];
}

export type Ending = { readonly how: 'quit' | 'halt' | 'lost' } | { readonly how: 'error'; readonly code: number };

export class Context {
  readonly parts: Parts;
  /** Set when the console is to end. */
  ending: Ending | undefined;
  /** Index of the entry that keeps resets from ending this console. */
  noReset: number | undefined;
  /** Hosts that this console has added itself: no news to it. */
  readonly addedHere = new Set<number>();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  get link(): TaskLink {
    return this.parts.link;
  }

  readonly print = (...lines: string[]): void => this.parts.front.write(lines.map((line) => `${line}\n`).join(''));

  /** Runs what libpvm's `name` would do: its failure is printed as libpvm prints it. Undefined then. */
  async call<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PvmFailure)) throw error;
      this.failed(name, error.code);
      return undefined;
    }
  }

  failed(name: string, status: number): void {
    const how = this.parts.options.value('PvmAutoErr');
    if (how > 0) this.parts.front.complain(`libpvm [${tidText(this.link.tid)}]: ${name}(): ${errorText(status)}\n`);
    if (how >= leaveOnError) this.ending = { how: 'error', code: status & 0xff };
  }

  /** pvm_config */
  async hosts(): Promise<HostInfo[]> {
    return (await this.link.ask({ listHosts: {} })).hostList?.hosts ?? [];
  }
  /** pvm_tasks, the local host's first */
  async tasks(where: number): Promise<mpvm.task.ITaskInfo[]> {
    const tasks = (await this.link.ask({ listTasks: { where } })).taskList?.tasks ?? [];
    const local = (host: number | null | undefined): number => Number(host !== this.link.host);
    return tasks.sort((a, b) => local(a.host) - local(b.host));
  }
}
