/**
 * The lab's second level: machines that share a kernel and nothing else that counts. Each has its own network, process,
 * mount and host name namespaces; they hang on one switch. Each has the same MPVM_DIR, which is a file system of
 * its own, so that an address, a pid or a socket of another machine is really not there. Needs root.
 */
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asMpvmError } from '../../daemon/errors.js';
import { boot, inside } from '../../daemon/lab/machine.js';
import { checkNamespaces, Network } from '../../daemon/lab/network.js';
import { createControlClient } from '../../daemon/rpc/clients.js';
import type { ControlClient } from '../../daemon/rpc/clients.js';
import type { mpvm } from '../../daemon/rpc/messages.js';
import { Conversation } from './conversation.js';
import type { Move, MoveOptions } from './lab.js';
import { filesOf } from './leftovers.js';
import { command, libraryDirectory, programs, root } from './paths.js';
import { Running } from './process.js';
import type { Result, RunOptions } from './process.js';
import { buildPrograms, program } from './programs.js';
import { skip } from './skip.js';
import { verdictsIn } from './verdicts.js';
import { until } from './wait.js';

/** Why there can be no such lab here, or undefined. */
export function namespacesMissing(): string | undefined {
  try {
    checkNamespaces();
    return undefined;
  } catch (error) {
    return asMpvmError(error).message;
  }
}

let labs = 0;

/** One machine: its processes live below an init of its own, and end with it. */
export class Machine {
  readonly name: string;
  readonly address: string;
  readonly #lab: NamespaceLab;
  readonly #index: number;
  #holder: ChildProcess | undefined;
  #init = 0;

  constructor(lab: NamespaceLab, index: number) {
    this.#lab = lab;
    this.#index = index;
    this.name = `m${index}`;
    this.address = lab.network.address(index);
    lab.network.attach(index);
  }

  /** Its init: the machine has a name, an empty MPVM_DIR, and somebody who takes in orphans. */
  async boot(): Promise<void> {
    const { pid, holder } = await boot(this.#lab.network.namespace(this.#index), this.name, `mount -t tmpfs -o mode=700 none ${this.#lab.vms}`);
    this.#holder = holder;
    this.#init = pid;
  }

  /** As when its power is cut: everything on it ends at once, and what it had in its MPVM_DIR is gone. */
  async crash(): Promise<void> {
    const holder = this.#holder;
    if (holder === undefined) return;
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    process.kill(this.#init, 'SIGKILL');
    await gone;
    this.#holder = undefined;
  }

  /** Its cable is out, or in again. */
  cut(): void {
    this.#lab.network.cut(this.#index);
  }
  mend(): void {
    this.#lab.network.mend(this.#index);
  }

  begin(args: readonly string[], options: RunOptions = {}): Running {
    const [enter, ...rest] = inside(this.#init, this.#lab.directory);
    return new Running(enter, [...rest, ...args], { ...options, env: { ...this.#lab.env, ...options.env } });
  }
  run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return this.begin(args, options).ended;
  }
  cli(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return this.run([process.execPath, command, ...args], options);
  }
  /** A command that must succeed; its output. */
  async mpvm(...args: string[]): Promise<string> {
    const result = await this.cli(args, { timeoutMs: 60_000 });
    if (result.code !== 0) throw new Error(`mpvm ${args.join(' ')} on ${this.name}: exit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`);
    return result.stdout;
  }
  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.mpvm(...args, '-o', 'json')) as T;
  }
  /** A PVM program from a shell of this machine, to talk to. */
  talk(name: string): Conversation {
    return new Conversation(this.begin([program(name)], { talk: true, timeoutMs: 600_000 }));
  }

  /** A path of this machine, below its MPVM_DIR, as this process sees it. */
  path(...parts: string[]): string {
    return join(`/proc/${this.#init}/root${this.#lab.vms}`, ...parts);
  }
  control(): ControlClient {
    return createControlClient(this.path(this.#lab.vm, 'local/control.sock'), this.#lab.vm);
  }
  /** As its daemon has written it down; pids are those of this machine. */
  daemonPid(node: string): number {
    return (JSON.parse(readFileSync(this.path(this.#lab.vm, node, 'node.json'), 'utf8')) as { pid: number }).pid;
  }
  async signal(pid: number, signal: NodeJS.Signals): Promise<void> {
    await this.run(['kill', '-s', signal.replace('SIG', ''), String(pid)]);
  }
  lives(pid: number): boolean {
    return /^\d+ \(.*\) [^ZX]/s.test(read(`/proc/${this.#init}/root/proc/${pid}/stat`));
  }
  /** Command lines of what runs here beside its init. */
  processes(): string[] {
    if (this.#holder === undefined) return [];
    const proc = `/proc/${this.#init}/root/proc`;
    return readdirSync(proc).filter((entry) => /^\d+$/.test(entry) && entry !== '1').flatMap((pid) => {
      const line = read(`${proc}/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      return line === '' || line === 'sleep 600' ? [] : [line];
    });
  }

  async end(): Promise<void> {
    await this.crash();
  }
}

export class NamespaceLab {
  readonly directory: string;
  /** MPVM_DIR, of each machine its own. */
  readonly vms: string;
  readonly vm = 'lab';
  readonly network: Network;
  readonly env: Record<string, string>;
  readonly machines: Machine[] = [];
  /** More for the environment of a remote login. */
  rshEnv: Record<string, string> = {};
  /** How often a remote shell was asked for, and with what. */
  readonly rshCalls: string[][] = [];
  readonly #rsh: Server;
  #control: ControlClient | undefined;

  private constructor() {
    const number = process.pid * 4 + labs++;
    this.network = new Network(`ml${(number % 46_656).toString(36)}`, `10.${200 + (number % 50)}.${(number >> 3) % 250}`);
    this.directory = mkdtempSync(join(tmpdir(), 'mpvm-lab2-'));
    this.vms = join(this.directory, 'vm');
    mkdirSync(this.vms, { mode: 0o700 });
    cpSync(libraryDirectory, join(this.directory, 'lib'), { recursive: true, verbatimSymlinks: true });
    const own = Object.entries(process.env).filter(([name, value]) => value !== undefined && !/^M?PVM/.test(name)) as [string, string][];
    this.env = {
      ...Object.fromEntries(own),
      MPVM_DIR: this.vms,
      MPVM_NAME: this.vm,
      LD_LIBRARY_PATH: join(this.directory, 'lib'),
      PVM_PATH: programs,
      MPVM_TEST_VERDICTS: verdictsIn(this.directory),
      PVM_RSH: join(root, 'test/lab/rsh.mjs'),
      MPVM_LAB_RSH: join(this.directory, 'rsh.sock'),
    };
    this.#rsh = createServer((socket) => this.#remoteShell(socket));
  }

  static async start(count: number): Promise<NamespaceLab> {
    await buildPrograms();
    const lab = new NamespaceLab();
    try {
      await new Promise<void>((resolve) => lab.#rsh.listen(lab.env['MPVM_LAB_RSH'], resolve));
      lab.network.make();
      for (let index = 1; index <= count; index++) {
        const machine = new Machine(lab, index);
        lab.machines.push(machine);
        await machine.boot();
      }
    } catch (error) {
      await lab.end();
      throw error;
    }
    return lab;
  }

  /** By name (m2) or address. */
  machine(which: string): Machine {
    const found = this.machines.find(({ name, address }) => name === which || address === which);
    if (!found) throw new Error(`there is no machine ${which}`);
    return found;
  }

  /** Of the first machine, from here. */
  get control(): ControlClient {
    this.#control ??= this.machines[0]!.control();
    return this.#control;
  }
  async nodeNames(): Promise<string[]> {
    return (await this.control.nodes({})).nodes.map(({ name }) => name ?? '');
  }
  async tasks(): Promise<mpvm.node.ITaskRow[]> {
    return (await this.control.tasks({})).tasks;
  }
  /** The migration as it ended. */
  async migrate(tid: number, to: string, options: MoveOptions = {}): Promise<Move> {
    let last: Move | undefined;
    for await (const event of this.control.migrate({ tid, to, ...options, deadlineS: options.deadlineS ?? 30 })) last = event.migration ?? last;
    if (!last) throw new Error(`the move of t${tid.toString(16)} to ${to} ended without an event`);
    return last;
  }

  /** States as the first machine sees them: `m1 up, m2 dead`. */
  async states(): Promise<Record<string, string>> {
    const nodes = await this.machines[0]!.json<{ name: string; state: string }[]>('nodes');
    return Object.fromEntries(nodes.map(({ name, state }) => [name, state]));
  }

  /** After `mpvm down`: what is still there, on any machine. */
  async leftovers(): Promise<string[]> {
    await until('the end of all processes', () => this.machines.every((machine) => machine.processes().length === 0), { timeoutMs: 8000 }).catch(() => undefined);
    return this.machines.flatMap((machine) => [
      ...machine.processes().map((line) => `${machine.name}: process ${line}`),
      ...filesOf(machine.path()).map((file) => `${machine.name}: file ${file}`),
    ]);
  }

  dump(why: string): void {
    const lines = [`---- lab ${this.directory}: ${why}`];
    for (const machine of this.machines) {
      lines.push(...machine.processes().map((line) => `${machine.name}: ${line}`));
      for (const file of filesOf(machine.path()).filter((name) => name.endsWith('mpvmd.log') && !name.includes('local/'))) {
        lines.push(`-- ${machine.name} ${file}`, ...read(machine.path(file)).trimEnd().split('\n').slice(-40));
      }
    }
    console.error(lines.join('\n'));
  }

  async end(): Promise<void> {
    this.#control?.close();
    for (const machine of this.machines) await machine.end();
    this.network.remove();
    await new Promise((resolve) => this.#rsh.close(resolve));
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** What PVM_RSH (rsh.mjs) asks for: `HOST [-l LOGIN] COMMAND`. */
  #remoteShell(socket: Socket): void {
    let pending = '';
    let shell: Running | undefined;
    const say = (message: object): void => void socket.write(`${JSON.stringify(message)}\n`);
    socket.on('error', () => shell?.kill('SIGKILL'));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (pending + chunk).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        const { args, text, end } = JSON.parse(line) as { args?: string[]; text?: string; end?: boolean };
        if (args) shell = this.#shell(args, say);
        if (text !== undefined) shell?.child.stdin?.write(text);
        if (end) shell?.child.stdin?.end();
      }
    });
  }

  #shell(args: string[], say: (message: object) => void): Running | undefined {
    this.rshCalls.push(args);
    const [host = '', ...rest] = args;
    const words = rest[0] === '-l' ? rest.slice(2) : rest;
    const machine = this.machines.find(({ name, address }) => name === host || address === host);
    if (!machine) {
      say({ err: `rsh: no route to host ${host}\n` });
      say({ code: 1 });
      return undefined;
    }
    // A login prints what it likes, and passes nothing on of who called.
    say({ out: `Welcome to ${machine.name}\n` });
    const shell = machine.begin(['sh', '-c', words.join(' ')], { talk: true, timeoutMs: 60_000, env: this.rshEnv });
    // As it comes: PVM's daemon prints, and then waits for the end of its input.
    shell.child.stdout?.on('data', (out: string) => say({ out }));
    shell.child.stderr?.on('data', (err: string) => say({ err }));
    void shell.ended.then(({ code }) => say({ code: code ?? 1 }));
    return shell;
  }
}

/** A lab for a describe block; skipped with the reason where there can be none. */
export function useNamespaces(count: number): () => NamespaceLab {
  let lab: NamespaceLab | undefined;
  before(async function () {
    this.timeout(120_000);
    const missing = namespacesMissing();
    if (missing !== undefined) skip(this, missing);
    lab = await NamespaceLab.start(count);
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') lab?.dump(this.currentTest.fullTitle());
  });
  after(async function () {
    this.timeout(60_000);
    await lab?.end();
  });
  return () => {
    if (!lab) throw new Error('the lab is not running');
    return lab;
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
