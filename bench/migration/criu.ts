/**
 * CRIU, as a user of it would move a program by hand: dump, carry the images over, restore; or dump
 * to a page server and restore. Both ends are this host; images lie in memory (/dev/shm).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Running } from '../../test/lab/process.js';
import { until } from '../../test/lab/wait.js';
import { longestHole, readDiary } from './diary.js';
import { programPath } from './grounds.js';
import type { Point } from './measure.js';

export const ways = ['criu', 'criu, page server'] as const;
export type Way = (typeof ways)[number];
/** Microseconds. */
export interface CriuSample {
  total: number;
  downtime: number;
}

/** The program named, else MPVM_CRIU, else the one installed; or why there is none. */
export function findCriu(named: string | undefined): { path: string } | { missing: string } {
  const path = named ?? process.env['MPVM_CRIU'] ?? (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'criu')).find((file) => existsSync(file));
  if (path === undefined) return { missing: 'not found: name one with --criu PATH or MPVM_CRIU' };
  if (process.getuid?.() !== 0) return { missing: 'it needs root here' };
  try {
    execFileSync(path, ['check'], { stdio: 'pipe' });
    return { path };
  } catch (error) {
    return { missing: `${path} check fails: ${String((error as { stderr?: Buffer }).stderr ?? error).trim().split('\n').pop() ?? ''}` };
  }
}

/** Under a parent that takes in the end of what it has restored at once. */
async function criu(path: string, args: string[], directory: string): Promise<void> {
  const reaper = new Running(programPath('reaper'), [path, ...args, '-o', join(directory, 'log'), '-v1'], { timeoutMs: 600_000 });
  await reaper.printed('\n');
  const { stderr } = reaper;
  if (reaper.stdout.trim() !== '0') throw new Error(`criu ${args[0]}: ${stderr}${existsSync(join(directory, 'log')) ? readFileSync(join(directory, 'log'), 'utf8').trim().split('\n').slice(-2).join(' | ') : ''}`);
}

const nowUs = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);
let lastPort = 27_800;

/** From the command to the moment the program runs again, and how long it stood still by its own clock. */
async function moveOnce(path: string, way: Way, pid: number, base: string): Promise<{ from: number; till: number }> {
  const source = join(base, 'source'), destination = join(base, 'destination');
  for (const folder of [source, destination]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  }
  const from = nowUs();
  const tree = ['dump', '-t', String(pid), '-D', source];
  if (way === 'criu') {
    await criu(path, tree, source);
    cpSync(source, destination, { recursive: true });
  } else {
    const port = String(++lastPort);
    const server = new Running(path, ['page-server', '-D', destination, '--address', '127.0.0.1', '--port', port, '-o', join(destination, 'server.log')], { timeoutMs: 60_000 });
    await until('the page server listens', () => execFileSync('ss', ['-ltnH', `sport = :${port}`], { encoding: 'utf8' }) !== '', { everyMs: 2 });
    await criu(path, [...tree, '--page-server', '--address', '127.0.0.1', '--port', port], source);
    await server.ended;
    cpSync(source, destination, { recursive: true });
  }
  await criu(path, ['restore', '-d', '-D', destination], destination);
  return { from, till: nowUs() };
}

/** Throws with criu's own words when it fails. */
export async function measureCriu(path: string, way: Way, { size, rate }: Point, moves: number): Promise<CriuSample[]> {
  const base = mkdtempSync('/dev/shm/mpvm-bench-criu-');
  const file = join(base, 'diary');
  const command = `setsid ${programPath('dirtier-alone')} ${size} ${rate} ${file} </dev/null >${base}/out 2>&1 &`;
  const shell = new Running(programPath('reaper'), ['sh', '-c', command], { timeoutMs: 600_000 });
  let pid = 0;
  try {
    await until('the program is ready', () => readFileSync(`${base}/out`, 'utf8').includes('ready'), { timeoutMs: 60_000 });
    pid = Number(execFileSync('pgrep', ['-f', `^${programPath('dirtier-alone')} .*${file}$`], { encoding: 'utf8' }).trim());
    const spans: { from: number; till: number }[] = [];
    for (let i = 0; i < moves; i++) spans.push(await moveOnce(path, way, pid, base));
    await until('the last hole is over', () => nowUs() > spans.at(-1)!.till + 50_000);
    process.kill(pid, 'SIGTERM');
    await until('the diary', () => existsSync(file) && !existsSync(`/proc/${pid}`));
    const diary = readDiary(file);
    return spans.map(({ from, till }) => ({ total: till - from, downtime: longestHole(diary, from, till + 50_000) ?? till - from }));
  } finally {
    if (pid && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    shell.kill('SIGKILL');
    rmSync(base, { recursive: true, force: true });
  }
}
