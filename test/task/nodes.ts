/** Real daemons without any PVM program: what the tests of task.sock talk to. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientCredentials, readIdentity } from '../../daemon/rpc/certificates.js';
import { createControlClient, createNodeClient, type ControlClient, type NodeClient } from '../../daemon/rpc/clients.js';
import { nodePaths, type NodePaths } from '../../daemon/paths.js';
import { build } from '../lab/paths.js';
import { killAll, processesOf } from '../lab/leftovers.js';
import { Running } from '../lab/process.js';
import { until } from '../lab/wait.js';
import { TaskClient } from './client.js';

const vm = 'tasks';

export class Nodes {
  readonly directory = mkdtempSync(join(tmpdir(), 'mpvm-tasks-'));
  readonly #daemons = new Map<string, Running>();
  readonly #controls = new Map<string, ControlClient>();
  readonly #clients: TaskClient[] = [];
  readonly #address: (index: number) => string;

  /** Of a node that says nothing. */
  readonly #graceMs: number;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
    // Tests run side by side: each lab has addresses of its own.
    const part = 10 + (process.pid % 200);
    this.#address = (index) => `127.77.${part}.${index}`;
  }

  #port(name: string): number {
    return 20_000 + (process.pid % 10_000) + Number(name.slice(1));
  }

  async start(count: number): Promise<void> {
    for (let index = 1; index <= count; index++) await this.daemon(`n${index}`);
  }

  /** Starts a daemon, or starts it again. */
  async daemon(name: string): Promise<void> {
    const index = Number(name.slice(1));
    const args = ['--dir', this.directory, '--vm', vm, '--node', name, '--address', this.#address(index), '--port', String(this.#port(name)), '--grace-ms', String(this.#graceMs)];
    if (index > 1) args.push('--join', `${this.#address(1)}:${this.#port('n1')}`);
    const environment = { ...process.env, HOME: this.directory, PVM_PATH: '/usr/bin:/bin', DAEMON_SAYS: 'hello' };
    const running = new Running(process.execPath, [join(build, 'js/mpvmd.js'), ...args], { env: environment, timeoutMs: 600_000 });
    this.#daemons.set(name, running);
    await until(`${name} ready`, () => {
      if (running.child.exitCode !== null) throw new Error(running.stderr);
      return running.stdout.includes('ready');
    });
  }

  async kill(name: string): Promise<void> {
    const daemon = this.#daemons.get(name)!;
    daemon.kill('SIGKILL');
    await daemon.ended;
    this.#controls.get(name)?.close();
    this.#controls.delete(name);
  }

  paths(name: string): NodePaths {
    return nodePaths(this.directory, vm, name);
  }
  control(name = 'n1'): ControlClient {
    let client = this.#controls.get(name);
    if (client === undefined) this.#controls.set(name, (client = createControlClient(this.paths(name).controlSocket, vm)));
    return client;
  }

  /** Service Node of a node, as node `from` calls it. */
  peer(node: string, from: string): NodeClient {
    const identity = readIdentity(this.paths(from).tls)!;
    const target = `${this.#address(Number(node.slice(1)))}:${this.#port(node)}`;
    return createNodeClient({ target, peer: node, unreachable: 'NODE_UNREACHABLE', credentials: clientCredentials(identity, node) });
  }

  /** This process as a task of a node, as a program started from a shell. */
  async task(node: string): Promise<TaskClient> {
    const client = this.stranger(node);
    await client.enroll();
    return client;
  }
  stranger(node: string): TaskClient {
    const client = new TaskClient(this.paths(node).taskSocket);
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const control of this.#controls.values()) control.close();
    for (const daemon of [...this.#daemons.values()].reverse()) daemon.child.kill('SIGTERM');
    await Promise.all([...this.#daemons.values()].map((daemon) => daemon.ended));
    await until('no process is left', () => processesOf(this.directory).length === 0, { timeoutMs: 30_000 }).finally(() => {
      killAll(processesOf(this.directory));
      rmSync(this.directory, { recursive: true, force: true });
    });
  }
}

/** For a describe block. `restarts`: no node is declared dead, however long a busy machine takes to start its daemon again. */
export function useNodes(count: number, { restarts = false } = {}): () => Nodes {
  let nodes: Nodes | undefined;
  before(async function () {
    this.timeout(60_000);
    nodes = new Nodes(restarts ? 60_000 : 3000);
    await nodes.start(count);
  });
  after(async function () {
    this.timeout(30_000);
    await nodes?.stop();
  });
  return () => nodes!;
}
