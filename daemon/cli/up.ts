/** mpvm up: start a VM on this machine, or bring it to the number of nodes asked for. */
import { existsSync, mkdirSync } from 'node:fs';
import { MpvmError } from '../errors.js';
import { formatHost, parseHostfile } from '../hosts/hostfile.js';
import type { Hostfile, HostOptions } from '../hosts/hostfile.js';
import { addressOf, isLoopback, isOwn, ownAddress } from '../hosts/resolve.js';
import { writeSettings } from '../hosts/settings.js';
import { checkName, nodePaths } from '../paths.js';
import { blocked, done } from './exit.js';
import { paint, plural } from './format.js';
import { addThem, readHostfile } from './hosts.js';
import { loopbackAddress, nodeFileOf, startNode } from '../hosts/start-node.js';
import { nodeList, printNodes, sayLacking } from './nodes.js';
import type { NodeFile } from '../vm/node-directory.js';
import { accepts } from '../accepts.js';
import type { Session } from './session.js';
import type { NodeShape } from './shapes.js';
import { printJson } from './table.js';
import { cleanUp } from './down.js';

/** PVM's tids have room for so many; one machine surely has not. */
const most = 64;

interface Options {
  nodes: number;
  address?: string;
  hostfile?: string;
  detach?: boolean;
  cpuBaseline?: boolean;
}

/** The first node, when it is not simply n1 at a loopback address. */
export interface First {
  name?: string;
  /** For all nodes of this machine. */
  address?: string;
  settings?: HostOptions;
  /** New tasks of the VM use what all its processors have in common. */
  cpuBaseline?: boolean;
}

export async function up(session: Session, options: Options): Promise<number> {
  if (options.nodes > most) throw new MpvmError('BAD_REQUEST', { detail: `${options.nodes} nodes are too many for one machine: at most ${most}` });
  const address = options.address === undefined ? undefined : await ownAddress(options.address);
  const hostfile = options.hostfile === undefined ? undefined : parseHostfile(readHostfile(options.hostfile));
  const first = { ...(hostfile ? await firstOf(hostfile, address) : { address }), cpuBaseline: options.cpuBaseline };
  const say = (line: string): void => {
    if (!session.json) process.stdout.write(`${line}\n`);
  };
  const before = await startNodes(session, options.nodes, (node) => say(`node ${node.name} ${paint('green', 'up')} at ${node.address}`), first);
  const hosts = hostfile ? await addThem(session, [], await missing(session, hostfile, first), options.detach) : [];
  const list = await nodeList(session);
  if (session.json) printJson({ vm: session.name, directory: session.directory, nodes: list, ...(hostfile ? { hosts } : {}) });
  else {
    if (before >= options.nodes && hosts.length === 0) say(`VM ${session.name} is up already, with ${plural(before, 'node')}`);
    printNodes(list);
    sayLacking(list);
  }
  // The VM is up: hosts that are not are a part of the work.
  return hosts.every((host) => host.done) ? done : blocked;
}

/** The line of a hostfile that is about this machine says how its node is called and where it is reached. */
async function firstOf(hostfile: Hostfile, address: string | undefined): Promise<First> {
  for (const entry of hostfile.entries) {
    const found = await addressOf(entry.address ?? entry.name).catch(() => undefined);
    if (found === undefined || !isOwn(found)) continue;
    checkName(entry.name, 'node');
    return { name: entry.name, address: address ?? found, settings: entry };
  }
  return { address };
}

/** The hostfile without this machine and the nodes that are up already. */
async function missing(session: Session, { entries, defaults }: Hostfile, first: First): Promise<string> {
  const up = new Set((await nodeList(session)).filter(({ state }) => state !== 'dead').map(({ name }) => name));
  const lines = entries
    .filter(({ name, wanted }) => name !== first.name && !(wanted && up.has(name)))
    .map((entry) => `${entry.wanted ? '' : '& '}${entry.overload ? '$' : ''}${formatHost(entry)}`);
  return [...lines, formatHost({ name: '*', ...defaults }), ''].join('\n');
}

/**
 * Returns how many nodes ran before. Daemons of this machine that were killed are started again, and
 * find their tasks. What does not come up is reported, and a VM that was new is taken down again.
 */
export async function startNodes(session: Session, wanted: number, started: (node: { name: string; address: string }) => void, first: First = {}): Promise<number> {
  const { base, name: vm } = session;
  await revive(session, started);
  const running = await runningNodes(session);
  const names = freeNames(running, wanted - running.length);
  if (names.length === 0) return running.length;
  if (running.length > 0 && !existsSync(nodePaths(base, vm, 'local').authority)) throw new MpvmError('VM_ELSEWHERE', { name: vm });
  const address = addressFor(vm, running, first);
  try {
    let registry = registryAddress(session, running);
    if (registry === undefined) {
      const { name, index } = names.shift()!;
      const own = first.name ?? name;
      if (first.settings || first.cpuBaseline) {
        mkdirSync(base, { recursive: true, mode: 0o700 });
        const { executionPath, directory, debugger: program, speed } = first.settings ?? {};
        writeSettings(nodePaths(base, vm, own), { executionPath, directory, debugger: program, speed, cpuBaseline: first.cpuBaseline });
      }
      const node = await startNode({ base, vm, name: own, address: address(index) });
      registry = `${node.address}:${node.port}`;
      started(node);
    }
    // One after the other, so that their tids come in the order of their names.
    for (const { name, index } of names) started(await startNode({ base, vm, name, address: address(index), registry }));
  } catch (error) {
    session.close();
    if (running.length === 0) await cleanUp(session);
    throw error;
  }
  return running.length;
}

/** All nodes of this machine have the one address that others reach it at, or each a loopback address. */
function addressFor(vm: string, running: NodeShape[], first: First): (index: number) => string {
  const now = running.find((node) => node.registry)?.address;
  if (now !== undefined && first.address !== undefined && first.address !== now) throw new MpvmError('BAD_REQUEST', { detail: `the VM ${vm} is up at ${now}: an address can be chosen at its start only` });
  const shared = first.address ?? (now !== undefined && !isLoopback(now) ? now : undefined);
  return (index) => shared ?? loopbackAddress(vm, index);
}

/** Nodes of this machine whose daemons are gone: the registry first, since the others join it. */
async function revive(session: Session, started: (node: { name: string; address: string }) => void): Promise<void> {
  const { base, name: vm } = session;
  const names = session.localNodes();
  const lives = await Promise.all(names.map((name) => accepts(nodePaths(base, vm, name).controlSocket)));
  if (lives.every(Boolean)) return;
  const files = names.map((name) => nodeFileOf(base, vm, name));
  const keepsRegistry = (file: NodeFile): boolean => file.registry === `${file.address}:${file.port}`;
  // Without its registry a VM cannot be put together again: what is left of it goes. Unless it is on another machine.
  const elsewhere = !existsSync(nodePaths(base, vm, 'local').authority);
  if (!elsewhere && !files.some((file) => file && keepsRegistry(file))) {
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
