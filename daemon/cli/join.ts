/** mpvm join: make this machine a node of the VM that a token is for. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join as path } from 'node:path';
import { accepts } from '../accepts.js';
import { hasCode, MpvmError } from '../errors.js';
import { askToJoin } from '../hosts/ask-to-join.js';
import { ownAddress } from '../hosts/resolve.js';
import { writeSettings } from '../hosts/settings.js';
import { startNode } from '../hosts/start-node.js';
import { parseToken } from '../hosts/token.js';
import type { JoinToken } from '../hosts/token.js';
import { checkName, checkSocketPaths, nodePaths, privateDirectory } from '../paths.js';
import type { NodePaths } from '../paths.js';
import { fingerprintOf, readIdentity } from '../rpc/certificates.js';
import { readNodeFile, removeDirectory } from '../vm/node-directory.js';
import type { NodeFile } from '../vm/node-directory.js';
import { paint } from './format.js';
import { nodesIn } from '../local-nodes.js';
import type { Session } from './session.js';
import { printJson } from './table.js';
import { formatTid } from './tid.js';

interface Options {
  node?: string;
  address?: string;
}

export async function join(session: Session, text: string, options: Options): Promise<number> {
  const token = parseToken(text === '-' ? readFileSync(0, 'utf8') : text);
  const node = nodeName(token, options);
  const paths = nodePaths(session.base, token.vm, node);
  checkSocketPaths(paths);
  const address = options.address === undefined ? undefined : await ownAddress(options.address);
  checkAuthorities(paths, token);
  if (await accepts(paths.controlSocket)) throw new MpvmError('DAEMON_RUNNING', { node, pid: readNodeFile(paths)?.pid });
  const started = comesBack(paths, token) ? await startAgain(paths) : await startNew(paths, token, address);
  if (session.json) printJson({ vm: token.vm, node, address: started.address, port: started.port, host: formatTid(started.host), registry: started.registry });
  else process.stdout.write(`node ${node} of VM ${token.vm} ${paint('green', 'up')} at ${started.address}\n`);
  return 0;
}

/** The one asked for, the one that the token is for, or what this machine is called. */
function nodeName(token: JoinToken, options: Options): string {
  const name = options.node ?? (token.node || (hostname().split('.')[0] ?? ''));
  if (token.node !== '' && name !== token.node) throw new MpvmError('TOKEN_OTHER_NODE', { wanted: token.node, node: name });
  checkName(name, 'node');
  return name;
}

/** A directory serves one VM: one of the same name but another authority is another VM. */
function checkAuthorities({ base, vm, authority }: NodePaths, token: JoinToken): void {
  const known = [path(authority, 'ca.pem'), ...nodesIn(vm).map((node) => path(vm, node, 'tls/ca.pem'))].filter((file) => existsSync(file));
  for (const file of known) {
    if (!fingerprintOf(readFileSync(file, 'utf8')).equals(Buffer.from(token.authority))) throw new MpvmError('VM_NAME_CLASH', { name: token.vm, path: vm, base });
  }
}

/** Its daemon was killed: the certificate from before is still good, and the token is not needed. */
function comesBack(paths: NodePaths, token: JoinToken): boolean {
  const identity = readIdentity(paths.tls);
  return identity !== undefined && readNodeFile(paths) !== undefined && fingerprintOf(identity.authority).equals(Buffer.from(token.authority));
}

function startAgain(paths: NodePaths): Promise<NodeFile> {
  const { vm, name, address, registry } = readNodeFile(paths)!;
  return startNode({ base: paths.base, vm, name, address, registry });
}

async function startNew(paths: NodePaths, token: JoinToken, address: string | undefined): Promise<NodeFile> {
  const fresh = !existsSync(paths.node);
  const node = paths.node.slice(paths.vm.length + 1);
  try {
    mkdirSync(paths.base, { recursive: true, mode: 0o700 });
    for (const directory of [paths.vm, paths.node]) privateDirectory(directory);
    const admission = await askToJoin(token, { node, address, directory: paths.tls });
    writeSettings(paths, admission.settings);
    return await startNode({ base: paths.base, vm: token.vm, name: admission.node, address: admission.address, registry: admission.registry });
  } catch (error) {
    // After that one the key is needed for the next attempt.
    if (fresh && !hasCode(error, 'JOIN_BROKEN')) removeDirectory(paths, false);
    else if (!hasCode(error, 'JOIN_BROKEN')) rmSync(path(paths.tls, 'joining-key.pem'), { force: true });
    throw error;
  }
}
