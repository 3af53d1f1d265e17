/** Where tasks are moved: three nodes on this host, or three machines (namespaces) on one switch. */
import { join } from 'node:path';
import type { mpvm } from '../../daemon/rpc/messages.js';
import type { ControlClient } from '../../daemon/rpc/clients.js';
import { Lab } from '../../test/lab/lab.js';
import { NamespaceLab, namespacesMissing } from '../../test/lab/namespaces.js';
import { build } from '../../test/lab/paths.js';
import { mustRun, run, Running } from '../../test/lab/process.js';
import { TaskRun } from '../../test/lab/task-run.js';

export type Move = mpvm.node.IMigrationInfo;

export const programPath = (name: string): string => join(build, 'bench/programs/migration', name);
const tcpCopy = join(build, 'test/programs/tcp_copy');

export interface Ground {
  readonly name: string;
  readonly nodes: readonly string[];
  readonly directory: string;
  run(program: string, args: string[], node: string): Promise<TaskRun>;
  move(tid: number, to: string): Promise<Move>;
  /** SIGTERM: it writes its diary and ends. */
  end(run: TaskRun): Promise<void>;
  /** MB/s of a plain C program that sends as many bytes from one node to another: the limit. */
  plain(mebibytes: number): Promise<number>;
  close(): Promise<void>;
}

class VmGround implements Ground {
  readonly name: string;
  readonly nodes: readonly string[];
  readonly directory: string;
  readonly control: ControlClient;
  readonly plain: (mebibytes: number) => Promise<number>;
  readonly close: () => Promise<void>;

  constructor(parts: Pick<VmGround, 'name' | 'nodes' | 'directory' | 'control' | 'plain' | 'close'>) {
    this.name = parts.name;
    this.nodes = parts.nodes;
    this.directory = parts.directory;
    this.control = parts.control;
    this.plain = parts.plain;
    this.close = parts.close;
  }

  async run(program: string, args: string[], node: string): Promise<TaskRun> {
    const task = await TaskRun.start(this.control.run({ program: programPath(program), argv: args, count: 1, node, directory: this.directory }));
    await task.printed(`${program} ready`, 120_000);
    return task;
  }
  async move(tid: number, to: string): Promise<Move> {
    let last: Move = {};
    for await (const { migration } of this.control.migrate({ tid, to, deadlineS: 60 })) last = migration ?? last;
    return last;
  }
  async end(task: TaskRun): Promise<void> {
    await this.control.signal({ tid: task.tid, signum: 15 });
    await task.finish();
  }
}

async function copy(address: string, mebibytes: number, receive: (args: string[]) => Running, send: (args: string[]) => Promise<unknown>): Promise<number> {
  const receiver = receive([tcpCopy, 'receive', address, String(mebibytes)]);
  await receiver.printed('\n');
  await send([tcpCopy, 'send', address, receiver.stdout.trim(), String(mebibytes)]);
  return Number((await receiver.ended).stdout.trim().split('\n')[1]);
}

async function oneHost(): Promise<Ground> {
  const lab = await Lab.start({ nodes: 3 });
  const begin = ([file = '', ...args]: string[]): Running => new Running(file, args, { timeoutMs: 120_000 });
  const plain = (mebibytes: number): Promise<number> => copy('127.0.0.1', mebibytes, begin, ([file = '', ...args]) => mustRun(file, args, { timeoutMs: 120_000 }));
  return new VmGround({ name: 'one host', nodes: ['n2', 'n3'], directory: lab.directory, control: lab.control, plain, close: () => lab.stop() });
}

async function machines(): Promise<Ground> {
  const lab = await NamespaceLab.start(3);
  const [first, second, third] = lab.machines as [NamespaceLab['machines'][0], NamespaceLab['machines'][0], NamespaceLab['machines'][0]];
  await first.mpvm('up', '--address', first.address);
  const token = (await first.mpvm('token', '--reusable')).trim();
  for (const other of [second, third]) await other.mpvm('join', token);
  const plain = (mebibytes: number): Promise<number> => copy(third.address, mebibytes, (args) => third.begin(args, { timeoutMs: 120_000 }), (args) => second.run(args, { timeoutMs: 120_000 }));
  const close = async (): Promise<void> => {
    await first.mpvm('down');
    await lab.end();
  };
  return new VmGround({ name: 'veth', nodes: ['m2', 'm3'], directory: lab.directory, control: lab.control, plain, close });
}

export const grounds: readonly { name: string; missing(): string | undefined; open(): Promise<Ground> }[] = [
  { name: 'host', missing: () => undefined, open: oneHost },
  { name: 'veth', missing: namespacesMissing, open: machines },
];

/** Compiles the programs. Throws when that fails. */
export async function buildPrograms(directory: string): Promise<void> {
  const made = await run('make', ['-s', '-C', directory], { timeoutMs: 120_000 });
  if (made.code !== 0) throw new Error(made.stderr);
}
