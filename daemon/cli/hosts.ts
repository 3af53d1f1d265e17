/** mpvm add, mpvm delete, mpvm leave: machines become nodes of the VM, or leave it with their tasks moved away first. */
import { existsSync, readFileSync } from 'node:fs';
import { asMpvmError, hasCode, MpvmError } from '../errors.js';
import { parseHostfile } from '../hosts/hostfile.js';
import { nodePaths } from '../paths.js';
import { mpvm } from '../rpc/messages.js';
import { readNodeFile } from '../vm/node-directory.js';
import { userName } from './cordon.js';
import { blocked, done, errorLine } from './exit.js';
import { cleanUp } from './down.js';
import { paint, plural } from './format.js';
import type { Session } from './session.js';
import { printJson } from './table.js';
import { formatTid } from './tid.js';

export interface HostShape {
  host: string;
  done: boolean;
  /** PVM's: as in the infos of pvm_addhosts. */
  status: number;
  tid: string | null;
  moved: number;
  ended: number;
  code: string;
  text: string;
  remedy: string;
}

interface DeleteOptions {
  force?: boolean;
  deadline?: number;
  reason?: string;
}

/** Of a daemon that has just been told to leave. */
const goneMs = 20_000;

export async function add(session: Session, hosts: string[], options: { hostfile?: string }): Promise<number> {
  const text = options.hostfile === undefined ? '' : readHostfile(options.hostfile);
  if (hosts.length === 0 && text === '') throw new MpvmError('BAD_REQUEST', { detail: 'name the hosts to add, or a hostfile (--hostfile)' });
  const results = await addThem(session, hosts, text);
  if (session.json) printJson(results);
  return exitCode(results);
}

/** Also for mpvm up --hostfile. Prints what happens, unless for programs. */
export async function addThem(session: Session, hosts: string[], hostfile: string, detach = false): Promise<HostShape[]> {
  const client = await session.control();
  if (detach) {
    // Taken up with its first event; it goes on when nobody listens any more.
    for await (const _ of client.addHosts({ hosts, hostfile })) break;
    return [];
  }
  return await follow(session, client.addHosts({ hosts, hostfile, attended: !session.json }), (result) => `node/${result.host} added`);
}

/** Throws HOSTFILE_UNREADABLE, HOSTFILE_SYNTAX. */
export function readHostfile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new MpvmError('HOSTFILE_UNREADABLE', { path, detail: (error as Error).message.split(',')[0] });
  }
  const [first] = parseHostfile(text).mistakes;
  if (first) throw new MpvmError('HOSTFILE_SYNTAX', { where: `${path}:${first.line}: `, detail: first.detail });
  return text;
}

export async function deleteNodes(session: Session, names: string[], options: DeleteOptions): Promise<number> {
  const results = await deleteThem(session, [...new Set(names)], options);
  if (session.json) printJson(results);
  return exitCode(results);
}

async function deleteThem(session: Session, hosts: string[], options: DeleteOptions): Promise<HostShape[]> {
  const client = await session.control();
  const request = { hosts, force: options.force, deadlineS: options.deadline, reason: options.reason, user: userName() };
  return await follow(session, client.deleteHosts(request), (result) => {
    const ended = result.ended > 0 ? `, ${plural(result.ended, 'task')} ended` : '';
    return `node/${result.host} deleted: ${plural(result.moved, 'task')} moved away${ended}`;
  });
}

/** This machine's node leaves. */
export async function leave(session: Session, options: DeleteOptions & { node?: string }): Promise<number> {
  const node = ownNode(session, options.node);
  const paths = nodePaths(session.base, session.name, node);
  const file = readNodeFile(paths);
  if (file && file.registry === `${file.address}:${file.port}`) throw new MpvmError('REGISTRY_STAYS', { node });
  let results: HostShape[] = [];
  try {
    results = await deleteThem(session, [node], options);
  } catch (error) {
    // The daemon that was asked is the one that goes.
    const going = hasCode(error, 'CANCELLED') || hasCode(error, 'NO_DAEMON') || hasCode(error, 'SHUTTING_DOWN');
    const alone = hasCode(error, 'REGISTRY_UNREACHABLE') || hasCode(error, 'NO_VM');
    if (!going && !(alone && options.force)) throw error;
    if (alone) await goAlone(session, node, file?.pid);
  }
  if (results.every((result) => result.done)) {
    for (const end = Date.now() + goneMs; existsSync(paths.node) && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 25));
    if (existsSync(paths.node)) throw new MpvmError('NODE_TIMEOUT', { peer: `node ${node}`, ms: goneMs });
    if (results.length === 0) results.push({ host: node, done: true, status: 0, tid: null, moved: 0, ended: 0, code: '', text: '', remedy: '' });
  }
  if (session.json) printJson(results);
  else if (results[0]?.done) process.stdout.write(`node/${node} has left VM ${session.name}\n`);
  return exitCode(results);
}

function ownNode(session: Session, wanted: string | undefined): string {
  const here = session.localNodes();
  if (wanted !== undefined) {
    if (!here.includes(wanted)) throw new MpvmError('NODE_NOT_HERE', { node: wanted, here: here.join(', ') || 'none' });
    return wanted;
  }
  const [only, another] = here;
  if (only === undefined) throw new MpvmError('NODE_NOT_HERE', { node: `of VM ${session.name}`, here: 'none' });
  if (another !== undefined) throw new MpvmError('BAD_REQUEST', { detail: `there are ${here.length} nodes of VM ${session.name} here (${here.join(', ')}): name one with --node` });
  return only;
}

/** Its VM is gone, or cannot be reached: the daemon ends its tasks and itself. */
async function goAlone(session: Session, node: string, pid: number | undefined): Promise<void> {
  session.close();
  const { controlSocket } = nodePaths(session.base, session.name, node);
  const { accepts } = await import('../accepts.js');
  if (pid !== undefined && (await accepts(controlSocket))) process.kill(pid, 'SIGTERM');
  else if (session.localNodes().length === 1) await cleanUp(session);
  else throw new MpvmError('NO_DAEMON', { vm: session.name, path: controlSocket });
}

async function follow(session: Session, events: AsyncIterable<mpvm.node.IHostEvent>, said: (result: HostShape) => string): Promise<HostShape[]> {
  const results: { index: number; shape: HostShape }[] = [];
  for await (const { progress, result } of events) {
    if (result) {
      const shape = hostShape(result);
      results.push({ index: result.index ?? 0, shape });
      if (session.json) continue;
      if (shape.done) process.stdout.write(`${said(shape)}\n`);
      else process.stderr.write(`${paint('red', `${shape.host}:`, process.stderr)} ${errorLine(asMpvmError(MpvmError.received(shape.code, shape.text, shape.remedy)))}\n`);
    } else if (progress && !session.json) {
      process.stdout.write(progress.manual ? `${progress.name ?? ''}: type there:\n  ${progress.text ?? ''}\n` : `${progress.name ?? ''}: ${progress.text ?? ''}\n`);
    }
  }
  return results.sort((a, b) => a.index - b.index).map(({ shape }) => shape);
}

function hostShape(result: mpvm.node.IHostResult): HostShape {
  const status = result.status ?? 0;
  return {
    host: result.name ?? '',
    done: !result.code,
    status,
    tid: status > 0 ? formatTid(status) : null,
    moved: result.moved ?? 0,
    ended: result.ended ?? 0,
    code: result.code ?? '',
    text: result.text ?? '',
    remedy: result.remedy ?? '',
  };
}

/** All done, none (the last one's own code), or some. */
export function exitCode(results: HostShape[]): number {
  const failures = results.filter((result) => !result.done);
  if (failures.length === 0) return done;
  if (failures.length < results.length) return blocked;
  const { code, text, remedy } = failures.at(-1)!;
  return MpvmError.received(code, text, remedy).exitCode;
}
