/**
 * The node's directory on disk: one daemon at a time, what a restarted daemon finds of its earlier
 * life, and how it is removed in the end.
 */
import { linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errnoOf, MpvmError } from '../errors.js';
import { processStartTime } from '../native/index.js';
import { checkSocketPaths, defaultBase, privateDirectory } from '../paths.js';
import type { NodePaths } from '../paths.js';

/** node.json: what a daemon writes of itself when it is ready. */
export interface NodeFile {
  vm: string;
  name: string;
  address: string;
  port: number;
  pid: number;
  /** Host part of the tids born here. */
  host: number;
  instance: string;
  /** address:port of the registry; its own on the registry's node. */
  registry: string;
}

/** Makes or takes the directory for this process. Throws DIRECTORY_NOT_PRIVATE, PATH_TOO_LONG, DAEMON_RUNNING. */
export function takeDirectory(paths: NodePaths): void {
  checkSocketPaths(paths);
  mkdirSync(paths.base, { recursive: true, mode: 0o700 });
  privateDirectory(paths.vm);
  privateDirectory(paths.node);
  lock(paths);
}

/** What the last daemon of this directory wrote, if it did not go down cleanly. */
export function readNodeFile(paths: NodePaths): NodeFile | undefined {
  try {
    return JSON.parse(readFileSync(paths.nodeFile, 'utf8')) as NodeFile;
  } catch {
    return undefined;
  }
}

export function writeNodeFile(paths: NodePaths, file: NodeFile): void {
  writeFileSync(`${paths.nodeFile}.new`, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  renameSync(`${paths.nodeFile}.new`, paths.nodeFile);
}

/** Programs started from a shell enrol with the first node here, unless they name another. */
export function linkLocal(paths: NodePaths): void {
  try {
    symlinkSync(basename(paths.node), paths.localLink);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    if (exists(`${paths.localLink}/.`)) return;
    unlinkSync(paths.localLink); // its node has gone
    symlinkSync(basename(paths.node), paths.localLink);
  }
}

/** What a node that is to come back needs: who it is, and where the registry is, which knows its number and the tids that it has given out. */
export function keepIdentity(paths: NodePaths): void {
  const file = readNodeFile(paths);
  if (file) writeNodeFile(paths, { ...file, host: 0 });
  const kept = new Set([paths.tls, paths.nodeFile, paths.settings].map((path) => basename(path)));
  for (const name of readdirSync(paths.node)) if (!kept.has(name)) rmSync(join(paths.node, name), { recursive: true, force: true });
  if (pointsTo(paths.localLink, basename(paths.node))) rmSync(paths.localLink, { force: true });
}

/** Leaves nothing of the node; nor of the VM, if it was the last here. */
export function removeDirectory(paths: NodePaths, ownsAuthority: boolean): void {
  rmSync(paths.node, { recursive: true, force: true });
  if (pointsTo(paths.localLink, basename(paths.node))) rmSync(paths.localLink, { force: true });
  if (ownsAuthority) rmSync(paths.authority, { recursive: true, force: true });
  for (const directory of [paths.vm, ...(paths.base === defaultBase() ? [paths.base] : [])]) {
    try {
      rmdirSync(directory);
    } catch {
      return; // others are in it
    }
  }
}

/** A file with our pid and start time, made by link(2): only one can. */
function lock(paths: NodePaths): void {
  const mine = `${paths.lockFile}.${process.pid}`;
  writeFileSync(mine, `${process.pid} ${processStartTime(process.pid) ?? 0}\n`, { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(mine, paths.lockFile);
        return;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
      const [pid = 0, startTime = 0] = readLock(paths.lockFile);
      if (pid > 0 && processStartTime(pid) === startTime && !isZombie(pid)) throw new MpvmError('DAEMON_RUNNING', { node: basename(paths.node), pid });
      rmSync(paths.lockFile, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function readLock(path: string): number[] {
  try {
    return readFileSync(path, 'utf8').trim().split(' ').map(Number);
  } catch {
    return []; // its owner has just gone
  }
}
/** Killed, but its parent has not taken note: it holds nothing any more. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
function pointsTo(link: string, target: string): boolean {
  try {
    return readlinkSync(link) === target;
  } catch {
    return false;
  }
}
