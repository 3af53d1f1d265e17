/**
 * A VM of several real daemons on this machine, started and stopped as a user would, in a
 * directory of its own, so that any number of labs can run side by side. What a test does many
 * times a second goes through control.sock, as a scheduler's calls would; the rest through the CLI.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { createControlClient } from '../../daemon/rpc/clients.js';
import type { ControlClient } from '../../daemon/rpc/clients.js';
import type { mpvm } from '../../daemon/rpc/messages.js';
import { buildPrograms, program } from './programs.js';
import { build, command, libraryDirectory, programs } from './paths.js';
import { filesOf, killAll, processesOf, tracesOf } from './leftovers.js';
import { run, Running } from './process.js';
import type { Result, RunOptions } from './process.js';
import { TaskRun } from './task-run.js';
import { verdictsIn } from './verdicts.js';
import { until } from './wait.js';

export interface LabOptions {
  nodes?: number;
  /** Directories in which pvm_spawn finds programs, before test/programs. */
  path?: string[];
  /** More for the daemons' environment. */
  env?: Record<string, string>;
  /** Daemons that inject faults on request. */
  faults?: boolean;
  /** Daemons are killed and come back: no node is declared dead meanwhile, however long a busy machine takes to start one. */
  restarts?: boolean;
}
export interface MoveOptions {
  fault?: { point: string; action: mpvm.task.Fault.Action };
  deadlineS?: number;
  maxDowntimeMs?: number;
  tracking?: mpvm.task.Tracking;
  onNoConvergence?: mpvm.task.NoConvergence;
}
export type Move = mpvm.node.IMigrationInfo;

export class Lab {
  readonly directory: string;
  readonly name: string;
  readonly env: Record<string, string>;
  readonly options: LabOptions;
  readonly #addresses = new Map<string, { address: string; port: number }>();
  #control: ControlClient | undefined;
  #down = false;

  private constructor(options: LabOptions) {
    this.options = options;
    this.directory = mkdtempSync(join(tmpdir(), 'mpvm-lab-'));
    this.name = basename(this.directory).replace('mpvm-', ''); // VMs of different names have different addresses
    const path = [...(options.path ?? []), programs];
    this.env = {
      ...clean(process.env),
      MPVM_DIR: this.directory,
      MPVM_NAME: this.name,
      LD_LIBRARY_PATH: join(this.directory, 'lib'),
      PVM_PATH: path.join(delimiter),
      MPVM_TEST_VERDICTS: verdictsIn(this.directory),
      ...(options.faults ? { MPVM_FAULTS: '1' } : {}),
      ...(options.restarts ? { MPVM_GRACE_MS: '60000' } : {}),
      ...options.env,
    };
  }

  static async start(options: LabOptions = {}): Promise<Lab> {
    await buildPrograms();
    const lab = new Lab(options);
    // A copy: a library that is built anew while tasks run would keep them from moving.
    cpSync(libraryDirectory, join(lab.directory, 'lib'), { recursive: true, verbatimSymlinks: true });
    try {
      const result = await lab.cli(['up', '--nodes', String(options.nodes ?? 3)], { timeoutMs: 60_000 + 10_000 * (options.nodes ?? 3) });
      if (result.code !== 0) throw new Error(`mpvm up: exit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`);
      await until('all nodes up', async () => {
        const { nodes } = await lab.control.nodes({});
        return nodes.length === (options.nodes ?? 3) && nodes.every((node) => (node.state ?? 0) === 0);
      });
      for (const node of await lab.nodes()) lab.#addresses.set(node.name ?? '', { address: node.address ?? '', port: node.port ?? 0 });
    } catch (error) {
      lab.dump(`the lab did not start: ${String(error)}`);
      await lab.abandon();
      throw error;
    }
    return lab;
  }

  // ------------------------------------------------------------ the command

  cli(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run(process.execPath, [command, ...args], { ...options, env: { ...this.env, ...options.env } });
  }
  /** A command that keeps running, `mpvm run` for instance. */
  startCli(args: readonly string[], options: RunOptions = {}): Running {
    return new Running(process.execPath, [command, ...args], { ...options, env: { ...this.env, ...options.env } });
  }
  async json<T>(args: readonly string[]): Promise<T> {
    const result = await this.cli([...args, '-o', 'json']);
    if (result.code !== 0) throw new Error(`mpvm ${args.join(' ')}: exit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`);
    return JSON.parse(result.stdout) as T;
  }

  /** A PVM program started as from a shell. */
  shell(name: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Result> {
    return run(name.includes('/') ? name : program(name), args, { ...options, env: { ...this.env, ...options.env } });
  }
  startShell(name: string, args: readonly string[] = [], options: RunOptions = {}): Running {
    return new Running(name.includes('/') ? name : program(name), args, { ...options, env: { ...this.env, ...options.env } });
  }

  // ------------------------------------------------------------ control.sock

  get control(): ControlClient {
    this.#control ??= createControlClient(join(this.directory, this.name, 'local/control.sock'), this.name);
    return this.#control;
  }
  async nodes(): Promise<mpvm.node.INodeInfo[]> {
    return (await this.control.nodes({})).nodes;
  }
  async nodeNames(): Promise<string[]> {
    return (await this.nodes()).map((node) => node.name ?? '');
  }
  async tasks(): Promise<mpvm.node.ITaskRow[]> {
    return (await this.control.tasks({})).tasks;
  }
  async task(tid: number): Promise<mpvm.node.ITaskRow | undefined> {
    return (await this.tasks()).find((row) => row.tid === tid);
  }
  async spawn(name: string, argv: string[] = [], node = '', count = 1): Promise<number[]> {
    const reply = await this.control.spawn({ program: name.includes('/') ? name : program(name), argv, count, node, directory: this.directory });
    const { tids } = reply;
    if (tids.length !== count || tids.some((tid) => tid <= 0)) throw new Error(`spawn of ${name}: ${JSON.stringify(reply)}`);
    return tids;
  }
  /** As `mpvm run` does it. */
  async run(name: string, argv: string[] = [], node = ''): Promise<TaskRun> {
    const stream = this.control.run({ program: name.includes('/') ? name : program(name), argv, count: 1, node, directory: this.directory });
    return await TaskRun.start(stream);
  }
  /** The migration as it ended; never rejects because a move was refused or aborted. */
  async migrate(tid: number, to: string, options: MoveOptions = {}): Promise<Move> {
    let last: Move | undefined;
    for await (const event of this.control.migrate({ tid, to, deadlineS: 30, ...options })) {
      // To its end: to break off thousands of streams is what HTTP/2 servers take for an attack.
      last = event.migration ?? last;
    }
    if (!last) throw new Error(`the move of t${tid.toString(16)} to ${to} ended without an event`);
    return last;
  }
  /** A move that must succeed, and without a moment of doubt: nobody dies or is cut off. */
  async move(tid: number, to: string): Promise<Move> {
    const move = await this.migrate(tid, to);
    if (move.outcome !== 'completed' || wasInDoubt(move)) throw new Error(`t${tid.toString(16)} did not move to ${to}: ${JSON.stringify(move)}`);
    return move;
  }

  // ------------------------------------------------------------ daemons

  daemonPid(node: string): number {
    const file = join(this.directory, this.name, node, 'node.json');
    return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid;
  }
  async killDaemon(node: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const pid = this.daemonPid(node);
    process.kill(pid, signal);
    if (signal === 'SIGKILL') await until(`the end of the daemon of ${node}`, () => !alive(pid));
  }

  /** The same daemon again, as an operator would start it; resolves when its node is up. */
  async restart(node: string): Promise<void> {
    const address = this.#addresses.get(node);
    if (address === undefined) throw new Error(`no node ${node}`);
    const first = [...this.#addresses.keys()][0]!;
    const args = ['--name', this.name, '--node', node, '--address', address.address];
    if (node === first) args.push('--port', String(address.port));
    else args.push('--join', `${this.#addresses.get(first)!.address}:${this.#addresses.get(first)!.port}`);
    const daemon = new Running(process.execPath, [join(build, 'js/mpvmd.js'), ...args], { env: this.env, timeoutMs: 3_600_000 });
    daemon.child.unref();
    await until(`node ${node} up again`, async () => {
      if (daemon.child.exitCode !== null) throw new Error(`it ended: ${daemon.stderr}`);
      const row = (await this.nodes()).find((one) => one.name === node);
      return (row?.state ?? 9) === 0 && this.daemonPid(node) === daemon.child.pid;
    });
  }

  /** Of a daemon that is about to be killed. */
  async daemonEnded(node: string): Promise<void> {
    const pid = this.daemonPid(node);
    await until(`the end of the daemon of ${node}`, () => !alive(pid));
  }
  /** For a daemon that is about to be killed: restarted within the grace that the others give it. */
  async restartWhenDead(node: string): Promise<void> {
    await this.daemonEnded(node);
    await this.restart(node);
  }
  /** The process that waits at a node to become this task; as its daemon has written it down. */
  arrivingPid(node: string, tid: number): number {
    const lines = readFileSync(join(this.directory, this.name, node, 'tasks'), 'utf8').split('\n').filter((line) => line.includes('"put"'));
    const found = lines.map((line) => (JSON.parse(line) as { put: { tid: number; pid: number; arriving: string } }).put).filter((put) => put.tid === tid).at(-1);
    if (!found?.arriving) throw new Error(`t${tid.toString(16)} does not arrive at ${node}: ${JSON.stringify(found)}`);
    return found.pid;
  }

  // ------------------------------------------------------------ the end

  /** `mpvm down`; then nothing may be left. */
  async stop(): Promise<void> {
    if (this.#down) return;
    this.#down = true;
    this.#control?.close();
    const result = await this.cli(['down'], { timeoutMs: 30_000 + 1000 * (this.options.nodes ?? 3) });
    const complaints: string[] = [];
    if (result.code !== 0) complaints.push(`mpvm down: exit ${result.code ?? result.signal} ${result.stdout}${result.stderr}`);
    try {
      await until('all processes ended', () => processesOf(this.directory).length === 0, { timeoutMs: 5000 });
    } catch {
      complaints.push(...processesOf(this.directory).map(({ pid, command }) => `process ${pid}: ${command}`));
    }
    complaints.push(...filesOf(join(this.directory, this.name)).map((path) => `file ${path}`), ...tracesOf(this.directory).map((path) => `file ${path}`));
    if (complaints.length > 0) this.dump('leftovers');
    await this.abandon();
    if (complaints.length > 0) throw new Error(`mpvm down left behind:\n  ${complaints.join('\n  ')}`);
  }

  /** Ends everything by force, without a word. */
  async abandon(): Promise<void> {
    this.#down = true;
    this.#control?.close();
    await until('all processes killed', () => {
      const remains = processesOf(this.directory);
      killAll(remains);
      return remains.length === 0;
    });
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** For a failed test: who runs, and what the daemons wrote last. */
  dump(why: string): void {
    const lines = [`---- lab ${this.directory}: ${why}`];
    for (const { pid, command } of processesOf(this.directory)) lines.push(`process ${pid}: ${command}`);
    for (const path of filesOf(this.directory).filter((name) => name.endsWith('mpvmd.log') || name.endsWith('.trace'))) {
      if (path.includes('/local/')) continue;
      const text = readText(join(this.directory, path)).trimEnd().split('\n');
      lines.push(`-- ${path} (last ${Math.min(text.length, 60)} of ${text.length} lines)`, ...text.slice(-60));
    }
    console.error(lines.join('\n'));
  }
}

/** It had to ask the directory what had become of it: word of it was lost. */
export function wasInDoubt(move: Move): boolean {
  return (move.phases ?? []).some(({ name }) => name === 'in doubt');
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(readText(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Nothing of the caller's own VM may reach into the lab. */
function clean(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== undefined && !/^M?PVM/.test(name))) as Record<string, string>;
}

/** A lab for a describe block: started before, stopped and checked after, its logs shown when a test fails. */
export function useLab(options: LabOptions = {}): () => Lab {
  let lab: Lab | undefined;
  before(async function () {
    this.timeout(180_000);
    lab = await Lab.start(options);
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') lab?.dump(this.currentTest.fullTitle());
  });
  after(async function () {
    this.timeout(60_000);
    await lab?.stop();
  });
  return () => {
    if (!lab) throw new Error('the lab is not running');
    return lab;
  };
}
