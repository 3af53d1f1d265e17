/**
 * PVM's console: `pvm`, and `mpvm console`. Reads commands until it is told to leave, and shows
 * meanwhile what its jobs print and which hosts come.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stop } from '../cli/down.js';
import type { Session } from '../cli/session.js';
import { localNodeName, nodePaths } from '../paths.js';
import type { mpvm } from '../rpc/messages.js';
import { Aliases } from './aliases.js';
import { commands } from './commands/index.js';
import { spareConsole } from './commands/mailbox.js';
import { completions } from './complete.js';
import { Context } from './context.js';
import { hostHeading, hostLine } from './format.js';
import type { Front, Line } from './front.js';
import { Jobs } from './jobs.js';
import { PvmFailure, TaskLink } from './link.js';
import { Options } from './options.js';
import { Pipe } from './pipe.js';
import { code, errorText, notifyHostAdd, tidText } from './pvm.js';
import { readOptions, startIfDown } from './start.js';
import { Terminal } from './terminal.js';
import { TraceMask } from './tracing.js';
import { parse } from './words.js';

/** Of the notices about hosts; jobs have their numbers for tags. */
const hostTag = 0x7fffffff;

export async function runConsole(session: Session, words: readonly string[]): Promise<number> {
  // As PVM's console: what is being typed goes (see Terminal), the console stays.
  process.on('SIGINT', () => undefined);
  const running = await startIfDown(session, readOptions(words));
  const console = await Console.open(session);
  if (running) console.context.parts.front.write('pvmd already running.\n');
  return console.run();
}

class Console {
  readonly context: Context;
  readonly #front: Front;
  readonly #session: Session;

  private constructor(session: Session, front: Front, link: TaskLink, options: Options, jobs: Jobs) {
    this.#session = session;
    this.#front = front;
    this.context = new Context({ session, front, link, options, jobs, commands, aliases: new Aliases(), tracing: new TraceMask() });
  }

  static async open(session: Session): Promise<Console> {
    const path = nodePaths(session.base, session.name, localNodeName()).taskSocket;
    const slot: { console?: Console } = {};
    const early: mpvm.task.IDeliver[] = [];
    const link = await TaskLink.enrol(path, {
      message: (message) => {
        if (slot.console) slot.console.#take(message);
        else early.push(message);
      },
      lost: () => slot.console && slot.console.#lost(),
    });
    const options = new Options(link.tid);
    const front = process.stdin.isTTY && process.stdout.isTTY ? new Terminal((line) => slot.console!.#complete(line)) : new Pipe(process.stdin);
    const jobs = new Jobs({
      get showTids() {
        return options.value('PvmShowTids') !== 0;
      },
      finished: (job) => front.news(`[${job}] finished\n`),
    });
    slot.console = new Console(session, front, link, options, jobs);
    for (const message of early) slot.console.#take(message);
    await slot.console.#introduce();
    return slot.console;
  }

  /** Spared by resets, and told of hosts that come. */
  async #introduce(): Promise<void> {
    await spareConsole(this.context, true);
    await this.context.link.ask({ notify: { kind: notifyHostAdd, tag: hostTag, count: -1 } });
  }

  // ---------------------------------------------------------------- commands

  async run(): Promise<number> {
    for (const line of startFile()) {
      this.#repeat(line);
      await this.#execute(line.text);
      if (this.context.ending) break;
    }
    while (!this.context.ending) {
      const line = await this.#front.next();
      if (this.context.ending) break;
      if (line === undefined) {
        this.#front.write('quit\n');
        this.context.ending = { how: 'quit' };
      } else {
        if (!this.#front.echoes) this.#repeat(line);
        await this.#execute(line.text);
      }
    }
    return this.#end();
  }

  #repeat({ text, complete }: Line): void {
    if (complete) this.#front.write(`${text}\n`);
  }

  async #execute(line: string): Promise<void> {
    const parsed = parse(line);
    if ('wrong' in parsed) { this.context.print(parsed.wrong); return; }
    if (parsed.words.length === 0) return;
    const words = this.context.parts.aliases.expand(parsed.words);
    if (words === undefined) { this.context.print('alias loop'); return; }
    const [name = '', ...args] = words;
    const command = commands.find((one) => one.name === name);
    if (!command) { this.context.print(`${name}: not found`); return; }
    if (args.length < command.least || args.length > (command.most ?? Infinity)) { this.context.print(`${name}: wrong #args`); return; }
    try {
      await command.run(this.context, args);
    } catch (error) {
      if (!(error instanceof PvmFailure)) throw error;
      this.context.failed(name, error.code);
    }
  }

  async #complete(line: string): Promise<{ candidates: string[]; word: string }> {
    const { aliases, options } = this.context.parts;
    const quietly = <T>(work: Promise<T[]>): Promise<T[]> => work.catch(() => []);
    const [hosts, tasks] = await Promise.all([quietly(this.context.hosts()), quietly(this.context.tasks(0))]);
    return completions(line, {
      commands: commands.map(({ name }) => name),
      aliases: aliases.names(),
      hosts: hosts.map(({ name }) => name ?? ''),
      tids: tasks.map(({ tid }) => tidText(tid ?? 0)),
      options: options.names(),
      variables: Object.keys(process.env),
    });
  }

  // ---------------------------------------------------------------- news

  #take(message: mpvm.task.IDeliver): void {
    this.#front.defer(message.body?.length ?? 0, () => this.#message(message));
  }

  #message({ tag, body }: mpvm.task.IDeliver): void {
    const data = Buffer.from(body ?? []);
    const int = (at: number): number => (data.length >= at * 4 + 4 ? data.readInt32BE(at * 4) : 0);
    if (tag !== hostTag) this.context.parts.jobs.take(tag ?? 0, int(0) >>> 0, int(1), data.subarray(8));
    else void this.#hostsCame(Array.from({ length: int(0) }, (_, at) => int(at + 1))).catch(() => undefined);
  }

  async #hostsCame(tids: readonly number[]): Promise<void> {
    const hosts = await this.context.hosts();
    const news = hosts.filter(({ tid }) => tids.includes(tid ?? 0) && !this.context.addedHere.has(tid ?? 0));
    if (news.length === 0) return;
    const lines = [`Console: ${news.length} new host${news.length === 1 ? '' : 's'} added`, hostHeading, ...news.map(hostLine)];
    this.#front.news(`\n${lines.join('\n')}\n`);
  }

  #lost(): void {
    this.#front.complain(`libpvm [${tidText(this.context.link.tid)}]: pvm_nrecv(): ${errorText(code.SysErr)}\n`);
    this.context.ending ??= { how: 'lost' };
    void this.#end().then((exitCode) => process.exit(exitCode));
  }

  // ---------------------------------------------------------------- the end

  async #end(): Promise<number> {
    const ending = this.context.ending ?? { how: 'quit' };
    this.context.link.leave();
    this.#front.close();
    if (ending.how === 'halt') return this.#halted();
    if (ending.how === 'lost') return 1;
    this.#front.write(ending.how === 'quit' ? '\nConsole: exit handler called\npvmd still running.\n' : 'Console: exit handler called\n');
    return ending.how === 'error' ? ending.code : 0;
  }

  /** The console of a virtual machine that is halted ends by a signal, as PVM's does. */
  async #halted(): Promise<number> {
    await stop(this.#session);
    process.kill(process.pid, 'SIGTERM');
    return new Promise(() => undefined);
  }
}

/** ~/.pvmrc: commands for every console. */
function startFile(): Line[] {
  let text: string;
  try {
    text = readFileSync(join(process.env['HOME'] ?? '', '.pvmrc'), 'utf8');
  } catch {
    return [];
  }
  const lines = text.split('\n').map((line) => ({ text: line, complete: true }));
  if (lines.at(-1)?.text === '') lines.pop();
  return lines;
}
