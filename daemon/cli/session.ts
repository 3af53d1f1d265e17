/** What every command knows: which VM is meant, how to print, and how to reach a daemon of it. */
import { join } from 'node:path';
import { MpvmError } from '../errors.js';
import { nodesIn } from '../local-nodes.js';
import { baseDirectory, checkName, vmName } from '../paths.js';
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
    this.#client ??= await (await import('../client.js')).connect({ name: this.name, directory: this.base });
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
}
