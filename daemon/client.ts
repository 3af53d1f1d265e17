/**
 * The typed client of a VM, for programs in TypeScript or JavaScript (`import { connect } from 'mpvm'`), and what the
 * command itself uses. Each rpc of service Control (docs/API.md) is a method: a promise, or an async iterable where
 * the reply is a stream. What goes wrong is an MpvmError with a code of the catalogue.
 *
 *   const vm = await connect({ name: 'default' });
 *   for await (const { plan, done } of vm.drain({ nodes: ['n3'] })) console.log(plan ?? done);
 *   vm.close();
 */
import { join } from 'node:path';
import { accepts } from './accepts.js';
import { MpvmError } from './errors.js';
import { nodesIn, resolved, vmsIn } from './local-nodes.js';
import { baseDirectory, checkName, localNodeName, nodePaths, vmName } from './paths.js';
import type { ControlClient } from './rpc/clients.js';

export { hasCode, MpvmError } from './errors.js';
export type { ErrorCode } from './errors.js';
export { mpvm } from './rpc/messages.js';
export type { CallOptions } from './contracts.js';
export type { ControlClient } from './rpc/clients.js';

export interface ConnectOptions {
  /** Of the VM; default: MPVM_NAME, else "default". */
  name?: string;
  /** Where the VMs of this machine lie; default: MPVM_DIR, else /tmp/mpvm-UID. */
  directory?: string;
}

/** A client of a daemon of this machine that answers; any of them answers for the whole VM. Throws NO_VM, BAD_NAME. */
export async function connect({ name = vmName(), directory = baseDirectory() }: ConnectOptions = {}): Promise<ControlClient> {
  checkName(name, 'VM');
  for (const path of candidates(name, directory)) {
    if (!(await accepts(path))) continue;
    // Loading gRPC takes longer than finding out that there is nobody.
    const { createControlClient } = await import('./rpc/clients.js');
    return createControlClient(path, name);
  }
  throw noVm(name, vmsIn(directory));
}

/** The local link comes first. */
function candidates(name: string, directory: string): string[] {
  const socket = (node: string): string => nodePaths(directory, name, node).controlSocket;
  const first = socket(localNodeName());
  // One that was asked for by name is not replaced by another.
  if (process.env.MPVM_NODE) return [first];
  return [...new Set([first, ...nodesIn(join(directory, name)).map(socket)].map(resolved))];
}

function noVm(name: string, others: string[]): MpvmError {
  const running = others.length > 0 ? ` (there is: ${others.join(', ')})` : '';
  return new MpvmError('NO_VM', { name, running, command: name === 'default' ? 'mpvm up' : `mpvm up --name ${name}` });
}
