/**
 * The nodes of a VM on machines of their own, on one machine (mpvm up --lab). The first node is this machine with a
 * card on the lab's switch, so that commands and programs from a shell work as always. All share the file system:
 * commands here reach every node's directory. What there is stands in lab.json beside the nodes, for mpvm down.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { MpvmError } from '../errors.js';
import { processStartTime } from '../native/index.js';
import { boot, inside } from './machine.js';
import { checkNamespaces, Network } from './network.js';
import type { Line } from './network.js';

interface Machine { index: number; init: number; startTime: number }
interface LabFile { id: string; prefix: string; line: Line; machines: Record<string, Machine> }

export class Lab {
  readonly #path: string;
  readonly #file: LabFile;
  readonly network: Network;

  private constructor(path: string, file: LabFile) {
    this.#path = path;
    this.#file = file;
    this.network = new Network(file.id, file.prefix);
  }

  /** The one of the VM in this directory. */
  static of(directory: string): Lab | undefined {
    const path = join(directory, 'lab.json');
    try {
      return new Lab(path, JSON.parse(readFileSync(path, 'utf8')) as LabFile);
    } catch {
      return undefined;
    }
  }

  /** A switch, and this machine on it. Throws LAB_RIGHTS, LAB_TOOL, LAB_NETEM, LAB_IMPOSSIBLE. */
  static async make(directory: string, line: Line): Promise<Lab> {
    checkNamespaces();
    const digest = createHash('sha256').update(directory).digest();
    const id = `mp${(digest.readUInt32LE() % 60_466_176).toString(36).padStart(5, '0')}`;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lab = new Lab(join(directory, 'lab.json'), { id, prefix: freeNetwork(digest), line, machines: {} });
    lab.network.remove(); // of a lab whose directory was removed by hand
    lab.#write();
    try {
      lab.network.make();
      lab.network.attachHost(1);
      lab.network.shape(1, line);
    } catch (error) {
      await lab.remove();
      rmSync(lab.#path);
      rmdirSync(directory);
      throw error;
    }
    return lab;
  }

  address(index: number): string {
    return this.network.address(index);
  }

  /** A machine for one more node; the first is this one. */
  async add(node: string, index: number): Promise<void> {
    if (index === 1) return;
    this.network.attach(index);
    this.network.shape(index, this.#file.line);
    const { pid, holder } = await boot(this.network.namespace(index), node);
    holder.unref();
    this.#file.machines[node] = { index, init: pid, startTime: processStartTime(pid) ?? 0 };
    this.#write();
  }

  /** In front of a command that is to run where the node is. */
  inside(node: string): string[] {
    const machine = this.#file.machines[node];
    return machine ? inside(machine.init, process.cwd()) : [];
  }

  /** Pulls the cable of a node, or puts it back. */
  plug(node: string, plugged: boolean): void {
    const index = this.#file.machines[node]?.index ?? 1;
    if (plugged) this.network.mend(index);
    else this.network.cut(index);
  }

  /** Everything that runs in it, its cards, its namespaces. */
  async remove(): Promise<void> {
    for (const { init, startTime } of Object.values(this.#file.machines)) {
      if (processStartTime(init) === startTime) process.kill(init, 'SIGKILL');
      for (const end = Date.now() + 5000; processStartTime(init) === startTime && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.network.remove();
  }

  #write(): void {
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(this.#file)}\n`, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}

/** 10.X.Y that no card of this machine uses, nor another lab; the same for the same VM if it can be. */
function freeNetwork(digest: Buffer): string {
  const taken = new Set(Object.values(networkInterfaces()).flatMap((cards) => (cards ?? []).map(({ address }) => address.split('.').slice(0, 3).join('.'))));
  for (let i = 0; i < 128; i++) {
    const prefix = `10.${64 + ((digest.readUInt8(4) + i) % 128)}.${digest.readUInt8(5)}`;
    if (!taken.has(prefix)) return prefix;
  }
  throw new MpvmError('LAB_IMPOSSIBLE', { detail: 'no network 10.64.Y to 10.191.Y is free' });
}
