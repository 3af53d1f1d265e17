/** mpvm up: start a VM on this machine, or bring it to the number of nodes asked for. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { MpvmError } from '../errors.js';
import { formatHost, parseHostfile } from '../hosts/hostfile.js';
import type { Hostfile, HostOptions } from '../hosts/hostfile.js';
import { addressOf, isLoopback, isOwn, ownAddress } from '../hosts/resolve.js';
import { writeSettings } from '../hosts/settings.js';
import { Lab } from '../lab/lab.js';
import type { Line } from '../lab/network.js';
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

/** On one machine; the last number of a loopback address has room for so many. */
const most = 250;

interface Options {
  nodes: number;
  address?: string;
  hostfile?: string;
  detach?: boolean;
  cpuBaseline?: boolean;
  lab?: boolean;
  delay?: number;
  loss?: number;
  reorder?: number;
  rate?: number;
}

/** The first node, when it is not simply n1 at a loopback address. */
export interface First {
  name?: string;
  /** For all nodes of this machine. */
  address?: string;
  settings?: HostOptions;
  /** New tasks of the VM use what all its processors have in common. */
  cpuBaseline?: boolean;
  /** Each node on a machine of its own, with such lines between them. */
  lab?: Line;
}

export async function up(session: Session, options: Options): Promise<number> {
  if (options.nodes > most) throw new MpvmError('BAD_REQUEST', { detail: `${options.nodes} nodes are too many for one machine: at most ${most}` });
  const lab = labOf(options);
  const address = options.address === undefined ? undefined : await ownAddress(options.address);
  const hostfile = options.hostfile === undefined ? undefined : parseHostfile(readHostfile(options.hostfile));
  const first = { ...(hostfile ? await firstOf(hostfile, address) : { address }), cpuBaseline: options.cpuBaseline, lab };
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

/** Throws BAD_REQUEST: what makes lines bad belongs to a lab, and a lab has its own addresses. */
function labOf({ lab, delay, loss, reorder, rate, address, hostfile }: Options): Line | undefined {
  const bad = (detail: string): MpvmError => new MpvmError('BAD_REQUEST', { detail });
  if (!lab) {
    if ([delay, loss, reorder, rate].some((value) => value !== undefined)) throw bad('--delay, --loss, --reorder and --rate are for the lines of a lab: say --lab');
    return undefined;
  }
  if (address !== undefined || hostfile !== undefined) throw bad('--lab goes neither with --address nor with --hostfile: a lab has its own addresses');
  if (reorder && !delay) throw bad('--reorder needs --delay: what is not delayed cannot be overtaken');
  return { delayMs: delay, lossPercent: loss, reorderPercent: reorder, mbitPerSecond: rate };
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
  const lab = await labFor(session, running, first);
  const names = freeNames(running, wanted - running.length);
  if (names.length === 0) return running.length;
  if (running.length > 0 && !existsSync(nodePaths(base, vm, 'local').authority)) throw new MpvmError('VM_ELSEWHERE', { name: vm });
  const address = lab ? (index: number) => lab.address(index) : addressFor(vm, running, first);
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
      const node = await startNode({ base, vm, name: own, address: address(index) }); // in a lab, this machine
      registry = `${node.address}:${node.port}`;
      started(node);
    }
    // One after the other, so that their tids come in the order of their names.
    for (const { name, index } of names) {
      await lab?.add(name, index);
      started(await startNode({ base, vm, name, address: address(index), registry, inside: lab?.inside(name) }));
    }
  } catch (error) {
    session.close();
    if (running.length === 0) await cleanUp(session);
    throw error;
  }
  return running.length;
}

/** The lab that the VM has, or is to have. */
async function labFor(session: Session, running: NodeShape[], { lab: line }: First): Promise<Lab | undefined> {
  const lab = Lab.of(session.directory);
  if (running.length > 0) {
    if (line && !lab) throw new MpvmError('LAB_LATE', { name: session.name });
    return lab;
  }
  await lab?.remove(); // its VM has ended without `mpvm down`
  if (lab) rmSync(session.directory, { recursive: true, force: true });
  return line && (await Lab.make(session.directory, line));
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
    started(await startNode({ base, vm, name: file.name, address: file.address, registry: join, inside: Lab.of(session.directory)?.inside(file.name) }));
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
