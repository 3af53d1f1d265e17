/** What every command knows: which VM is meant, how to print, and how to reach a daemon of it. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { accepts } from '../accepts.js';
import { MpvmError } from '../errors.js';
import { baseDirectory, checkName, localNodeName, nodePaths, vmName } from '../paths.js';
import type { ControlClient } from '../rpc/clients.js';

export interface CommonOptions {
  output?: 'table' | 'json';
  json?: boolean;
  name?: string;
}

export class Session {
  readonly json: boolean;
  /** Of the VM. */
  readonly name: string;
  readonly base: string;
  #client: ControlClient | undefined;

  constructor(options: CommonOptions) {
    this.json = options.json === true || options.output === 'json';
    this.name = options.name ?? vmName();
    this.base = baseDirectory();
  }

  /** Directory of the VM: one folder a node of this machine. */
  get directory(): string {
    checkName(this.name, 'VM');
    return join(this.base, this.name);
  }

  /** Nodes of this machine that have a directory, whether or not their daemons live. */
  localNodes(): string[] {
    return nodesIn(this.directory);
  }

  /** A client of a daemon that answers: the one asked for, else any of this machine. Throws NO_VM. */
  async control(): Promise<ControlClient> {
    this.#client ??= await this.#connect();
    return this.#client;
  }

  /** Undefined when no daemon of the VM answers. */
  async controlIfUp(): Promise<ControlClient | undefined> {
    try {
      return await this.control();
    } catch (error) {
      if (error instanceof MpvmError && error.code === 'NO_VM') return undefined;
      throw error;
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #connect(): Promise<ControlClient> {
    for (const path of this.#candidates()) {
      if (!(await accepts(path))) continue;
      const { createControlClient } = await import('../rpc/clients.js');
      return createControlClient(path, this.name);
    }
    throw noVm(this.name, vmsIn(this.base));
  }

  /** Any node answers for the whole VM; the local link comes first. */
  #candidates(): string[] {
    const first = nodePaths(this.base, this.name, localNodeName()).controlSocket;
    const rest = this.localNodes().map((node) => nodePaths(this.base, this.name, node).controlSocket);
    // One that was asked for by name is not replaced by another.
    if (process.env.MPVM_NODE) return [first];
    return [...new Set([resolved(first), ...rest.map(resolved)])];
  }
}

function noVm(name: string, others: string[]): MpvmError {
  const running = others.length > 0 ? ` (there is: ${others.join(', ')})` : '';
  return new MpvmError('NO_VM', { name, running, command: name === 'default' ? 'mpvm up' : `mpvm up --name ${name}` });
}

/** Nodes with a directory in that of a VM. */
export function nodesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isSocket(join(directory, entry.name, 'control.sock')))
      .map((entry) => entry.name)
      .sort(new Intl.Collator('en', { numeric: true }).compare);
  } catch {
    return [];
  }
}

/** Names of VMs with a directory here. */
export function vmsIn(base: string): string[] {
  try {
    return readdirSync(base, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && statSync(join(base, entry.name, 'local'), { throwIfNoEntry: false }))
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}
