/**
 * mpvm down: stop a VM so that nothing of it remains. Its daemons are asked first; whatever is left
 * of daemons that were killed before (processes, sockets, files) is found by the VM's directory.
 */
import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, MpvmError } from '../errors.js';
import { Lab } from '../lab/lab.js';
import { defaultBase } from '../paths.js';
import { plural } from './format.js';
import { nodeList } from './nodes.js';
import { accepts } from '../accepts.js';
import type { Session } from './session.js';
import { expectOk } from './status.js';
import { printJson } from './table.js';

/** Daemons end their tasks (SIGTERM, then SIGKILL) before they go. */
const patienceMs = 15_000;

export async function down(session: Session): Promise<number> {
  const nodes = await stop(session);
  if (session.json) printJson({ vm: session.name, stopped: nodes });
  else if (nodes === undefined) process.stdout.write(`no VM named ${session.name} is running: nothing to do\n`);
  else process.stdout.write(`VM ${session.name} is down: ${plural(nodes, 'node')} stopped, nothing left behind\n`);
  return 0;
}

/** Undefined when there was nothing to stop. */
export async function stop(session: Session): Promise<number | undefined> {
  if (!existsSync(session.directory)) return undefined;
  const client = await session.controlIfUp();
  let nodes = session.localNodes().length;
  if (client) {
    nodes = (await nodeList(session)).filter((node) => node.state !== 'dead').length;
    try {
      expectOk(await client.down({}, { timeoutMs: patienceMs }));
    } catch (error) {
      // It may end before its answer is out, and a node that hangs must not keep the rest up.
      if (!['NO_DAEMON', 'NO_VM', 'NODE_TIMEOUT', 'SHUTTING_DOWN', 'CANCELLED', 'REGISTRY_UNREACHABLE'].some((code) => hasCode(error, code as 'NO_VM'))) throw error;
    }
    session.close();
    // With the registry gone nobody tells the others to stop: cleanUp does.
    const orderly = (await crashed(session)).length === 0;
    await until(() => processesOf(session.directory).length === 0, orderly ? patienceMs : 500);
  }
  await cleanUp(session);
  return nodes;
}

/** Nodes of this machine whose daemons were killed. */
async function crashed(session: Session): Promise<string[]> {
  const lives = await Promise.all(session.localNodes().map(async (node) => ({ node, lives: await accepts(join(session.directory, node, 'control.sock')) })));
  return lives.filter((one) => !one.lives).map(({ node }) => node);
}

/** Ends what still runs, and removes the files. */
export async function cleanUp(session: Session): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const rest = processesOf(session.directory);
    for (const pid of rest) send(pid, signal);
    if (await until(() => processesOf(session.directory).length === 0, signal === 'SIGTERM' ? 2000 : 5000)) break;
  }
  const rest = processesOf(session.directory);
  if (rest.length > 0) throw new MpvmError('INTERNAL', { detail: `processes ${rest.join(', ')} of the VM do not end` });
  await Lab.of(session.directory)?.remove();
  rmSync(session.directory, { recursive: true, force: true });
  // A directory that the user has named is the user's.
  if (session.base !== defaultBase()) return;
  try {
    rmdirSync(session.base);
  } catch {
    // Other VMs are in it.
  }
}

/**
 * Daemons and tasks of the VM in this directory: both carry it in their environment, a task (or a
 * restorer) as the path of its daemon's socket.
 */
export function processesOf(directory: string): number[] {
  const base = join(directory, '..');
  const name = directory.slice(base.length + 1);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid && belongs(pid, directory, base, name));
}

function belongs(pid: number, directory: string, base: string, name: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    if (environment.some((entry) => entry.startsWith(`PVMSOCK=${directory}/`))) return true;
    if (!environment.includes(`MPVM_DIR=${base}`) || !environment.includes(`MPVM_NAME=${name}`)) return false;
    // A daemon calls itself "mpvmd VM/NODE" as soon as it runs.
    return /^mpvmd |\/mpvmd\.js\0|mpvm-restorer\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  } catch {
    return false;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

async function until(condition: () => boolean, limitMs: number): Promise<boolean> {
  for (const end = Date.now() + limitMs; Date.now() < end; ) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return condition();
}
