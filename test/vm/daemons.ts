/** Real daemons in a directory of their own, started one by one. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createControlClient } from '../../daemon/rpc/clients.js';
import type { ControlClient } from '../../daemon/rpc/clients.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import { Running } from '../lab/process.js';
import type { Result } from '../lab/process.js';
import { root } from '../lab/paths.js';
import { until } from '../lab/wait.js';
import { scratch } from './scratch.js';

const script = join(root, 'build/js/mpvmd.js');
const State = mpvm.node.NodeState;
let used = 0;

export interface NodeFile {
  address: string;
  port: number;
  pid: number;
  host: number;
  registry: string;
}

export class Daemons {
  readonly directory: string;
  readonly vm = 'v';
  /** Of 127/8, so that daemons of different tests never meet. */
  readonly network: string;
  readonly #running = new Map<string, Running>();
  readonly #clients = new Map<string, ControlClient>();

  constructor(directory: string) {
    this.directory = directory;
    this.network = `127.${64 + (process.pid % 128)}.${++used}`;
  }

  path(node: string, ...parts: string[]): string {
    return join(this.directory, this.vm, node, ...parts);
  }
  address(node: string): string {
    return `${this.network}.${node.slice(1)}`;
  }
  file(node: string): NodeFile {
    return JSON.parse(readFileSync(this.path(node, 'node.json'), 'utf8')) as NodeFile;
  }
  log(node: string): Record<string, unknown>[] {
    return readFileSync(this.path(node, 'mpvmd.log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** With `args` instead of the usual ones. */
  raw(args: string[]): Running {
    return new Running(process.execPath, [script, ...args], { timeoutMs: 120_000, env: { ...process.env, MPVM_DIR: this.directory } });
  }
  launch(node: string, extra: string[] = []): Running {
    return this.raw(['--vm', this.vm, '--node', node, '--address', this.address(node), '--dir', this.directory, ...extra]);
  }
  /** Starts a node (the first one keeps the registry) and waits until it serves. */
  async start(node: string, extra: string[] = []): Promise<void> {
    const first = existsSync(this.path('n1', 'node.json')) ? this.file('n1') : undefined;
    const join = node === 'n1' || extra.includes('--join') || first === undefined ? [] : ['--join', `${first.address}:${first.port}`];
    const daemon = this.launch(node, [...join, ...extra]);
    await daemon.printed('ready');
    this.#running.set(node, daemon);
  }
  async up(...nodes: string[]): Promise<void> {
    for (const node of nodes) await this.start(node);
  }

  control(node: string): ControlClient {
    let client = this.#clients.get(node);
    if (!client) this.#clients.set(node, (client = createControlClient(this.path(node, 'control.sock'), this.vm)));
    return client;
  }
  /** State by name, as `node` sees it. */
  async states(node: string): Promise<Record<string, string>> {
    const { nodes } = await this.control(node).nodes({});
    return Object.fromEntries(nodes.map(({ name, state }) => [name ?? '', State[state ?? 0] ?? '?']));
  }
  async sees(node: string, wanted: Record<string, string>): Promise<void> {
    await until(`${node} sees ${JSON.stringify(wanted)}`, async () => {
      const seen = await this.states(node);
      return Object.entries(wanted).every(([name, state]) => seen[name] === state);
    }, { timeoutMs: 40_000 });
  }

  async kill(node: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<Result> {
    const daemon = this.#running.get(node)!;
    this.#running.delete(node);
    daemon.child.kill(signal);
    return await daemon.ended;
  }
  running(node: string): Running {
    return this.#running.get(node)!;
  }

  async end(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    const all = [...this.#running.values()];
    this.#running.clear();
    for (const daemon of all) daemon.child.kill('SIGTERM');
    const late = setTimeout(() => all.forEach((daemon) => daemon.child.kill('SIGKILL')), 15_000);
    await Promise.all(all.map((daemon) => daemon.ended));
    clearTimeout(late);
  }
}

/** Daemons for each test of the suite, in a directory of their own; they end with it. */
export function useDaemons(): () => Daemons {
  const base = scratch();
  let count = 0;
  let vm: Daemons;
  beforeEach(() => {
    const directory = join(base, String(++count));
    mkdirSync(directory, { mode: 0o700 });
    vm = new Daemons(directory);
  });
  afterEach(() => vm.end());
  return () => vm;
}
