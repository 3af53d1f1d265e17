/** mpvm up: start a VM on this machine, or bring it to the number of nodes asked for. */
import { MpvmError } from '../errors.js';
import { nodePaths } from '../paths.js';
import { paint, plural } from './format.js';
import { loopbackAddress, nodeFileOf, startNode } from './launch.js';
import { nodeList, printNodes } from './nodes.js';
import type { NodeFile } from '../vm/node-directory.js';
import { accepts } from './session.js';
import type { Session } from './session.js';
import type { NodeShape } from './shapes.js';
import { printJson } from './table.js';
import { cleanUp } from './down.js';

/** PVM's tids have room for so many; one machine surely has not. */
const most = 64;

interface Options {
  nodes: number;
  hostfile?: string;
}

export async function up(session: Session, options: Options): Promise<number> {
  if (options.hostfile !== undefined) throw new MpvmError('NOT_BUILT', { what: 'mpvm up --hostfile' });
  if (options.nodes > most) throw new MpvmError('BAD_REQUEST', { detail: `${options.nodes} nodes are too many for one machine: at most ${most}` });
  const say = (line: string): void => {
    if (!session.json) process.stdout.write(`${line}\n`);
  };
  const before = await startNodes(session, options.nodes, (node) => say(`node ${node.name} ${paint('green', 'up')} at ${node.address}`));
  const list = await nodeList(session);
  if (session.json) {
    printJson({ vm: session.name, directory: session.directory, nodes: list });
    return 0;
  }
  if (before >= options.nodes) say(`VM ${session.name} is up already, with ${plural(before, 'node')}`);
  printNodes(list);
  return 0;
}

/**
 * Returns how many nodes ran before. Daemons of this machine that were killed are started again, and
 * find their tasks. What does not come up is reported, and a VM that was new is taken down again.
 */
export async function startNodes(session: Session, wanted: number, started: (node: { name: string; address: string }) => void): Promise<number> {
  const { base, name: vm } = session;
  await revive(session, started);
  const running = await runningNodes(session);
  const names = freeNames(running, wanted - running.length);
  if (names.length === 0) return running.length;
  try {
    let registry = registryAddress(session, running);
    if (registry === undefined) {
      const { name, index } = names.shift()!;
      const node = await startNode({ base, vm, name, address: loopbackAddress(vm, index) });
      registry = `${node.address}:${node.port}`;
      started(node);
    }
    // One after the other, so that their tids come in the order of their names.
    for (const { name, index } of names) started(await startNode({ base, vm, name, address: loopbackAddress(vm, index), registry }));
  } catch (error) {
    session.close();
    if (running.length === 0) await cleanUp(session);
    throw error;
  }
  return running.length;
}

/** Nodes of this machine whose daemons are gone: the registry first, since the others join it. */
async function revive(session: Session, started: (node: { name: string; address: string }) => void): Promise<void> {
  const { base, name: vm } = session;
  const names = session.localNodes();
  const lives = await Promise.all(names.map((name) => accepts(nodePaths(base, vm, name).controlSocket)));
  if (lives.every(Boolean)) return;
  const files = names.map((name) => nodeFileOf(base, vm, name));
  const keepsRegistry = (file: NodeFile): boolean => file.registry === `${file.address}:${file.port}`;
  // Without its registry a VM cannot be put together again: what is left of it goes.
  if (!files.some((file) => file && keepsRegistry(file))) {
    await cleanUp(session);
    return;
  }
  const dead = files.filter((file, i) => file !== undefined && !lives[i]) as NodeFile[];
  for (const file of dead.sort((a, b) => Number(keepsRegistry(b)) - Number(keepsRegistry(a)))) {
    const join = keepsRegistry(file) ? undefined : file.registry;
    started(await startNode({ base, vm, name: file.name, address: file.address, registry: join }));
  }
}

async function runningNodes(session: Session): Promise<NodeShape[]> {
  return (await session.controlIfUp()) ? await nodeList(session) : [];
}

function registryAddress(session: Session, running: NodeShape[]): string | undefined {
  const first = running.find((node) => node.registry);
  if (!first) return undefined;
  const file = nodeFileOf(session.base, session.name, first.name);
  return file && `${file.address}:${file.port}`;
}

function freeNames(running: NodeShape[], count: number): { name: string; index: number }[] {
  const taken = new Set(running.map((node) => node.name));
  const names: { name: string; index: number }[] = [];
  for (let index = 1; names.length < count; index++) {
    const name = `n${index}`;
    if (!taken.has(name)) names.push({ name, index });
  }
  return names;
}
