/** Starting daemons of this machine: detached from the terminal, on loopback addresses of their own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MpvmError } from '../errors.js';
import { projectRoot } from '../native/index.js';
import { nodePaths } from '../paths.js';
import { readNodeFile } from '../vm/node-directory.js';
import type { NodeFile } from '../vm/node-directory.js';
import { accepts } from '../accepts.js';

export interface NewNode {
  base: string;
  vm: string;
  name: string;
  address: string;
  /** address:port of the registry's daemon; undefined for the first node itself. */
  registry?: string;
  /** That it is started with, as are its tasks; left out: ours. */
  environment?: NodeJS.ProcessEnv;
  /** A command in front of the daemon's, that takes it to where it is to run. */
  inside?: readonly string[];
}

const readyTimeoutMs = 30_000;

/** VMs of one machine get different parts of 127/8, so that their addresses tell them apart in `ss` and logs. */
export function loopbackAddress(vm: string, index: number): string {
  let hash = 7;
  for (const char of vm) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 240;
  return `127.0.${10 + hash}.${index}`;
}

export function nodeFileOf(base: string, vm: string, node: string): NodeFile | undefined {
  return readNodeFile(nodePaths(base, vm, node));
}

/** Resolves when the daemon answers; rejects with its own last words when it ends instead. */
export async function startNode(node: NewNode): Promise<NodeFile> {
  const script = join(projectRoot(), 'build/js/mpvmd.js');
  if (!existsSync(script)) throw new MpvmError('NOT_PREPARED', { what: script });
  const paths = nodePaths(node.base, node.vm, node.name);
  mkdirSync(node.base, { recursive: true, mode: 0o700 });
  const words = join(node.base, `.${node.vm}.${node.name}.start`);
  const file = openSync(words, 'w', 0o600);
  const [command = '', ...args] = [...(node.inside ?? []), process.execPath, script, ...daemonArguments(node)];
  const child = spawn(command, args, {
    cwd: process.cwd(),
    env: { ...(node.environment ?? process.env), MPVM_DIR: node.base, MPVM_NAME: node.vm },
    stdio: ['ignore', file, file],
    detached: true,
  });
  closeSync(file);
  try {
    await ready(child, paths.controlSocket, node.name, words);
    child.unref();
    const written = readNodeFile(paths);
    if (!written) throw new MpvmError('INTERNAL', { detail: `${paths.nodeFile} is missing` });
    return written;
  } finally {
    rmSync(words, { force: true });
  }
}

function daemonArguments(node: NewNode): string[] {
  const args = ['--name', node.vm, '--node', node.name, '--address', node.address];
  return node.registry === undefined ? args : [...args, '--join', node.registry];
}

async function ready(child: ChildProcess, socket: string, name: string, words: string): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  while (Date.now() < deadline) {
    if (await accepts(socket)) return;
    if (failure) throw failure;
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new MpvmError('DAEMON_ENDED', { node: name, detail: lastWords(words) || `exit ${child.exitCode ?? child.signalCode ?? '?'}` });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGTERM');
  throw new MpvmError('DAEMON_ENDED', { node: name, detail: `it was not ready after ${readyTimeoutMs / 1000} s: ${lastWords(words)}` });
}

/** What it said before it ended: one line, without its own name in front. */
function lastWords(path: string): string {
  const lines = readFileSync(path, 'utf8').trim().split('\n').filter(Boolean);
  return (lines.at(-1) ?? '').replace(/^mpvmd: /, '');
}
