/**
 * npm run bench -- migration [--quick] [--only host|veth]... [--size MIB]... [--rate MBPS]... [--moves N] [--criu PATH] [--soak N]
 *
 * A task is moved to and fro; right before each move a plain C program sends as many bytes on the
 * same path, so that what else the machine does falls on both. --soak moves one small task N times
 * instead, and tells whether anything grows or gets slower.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, hostname, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, root } from '../../test/lab/paths.js';
import { median } from '../messages/points.js';
import { time } from '../messages/table.js';
import { findCriu, measureCriu, ways } from './criu.js';
import { buildPrograms, grounds } from './grounds.js';
import type { Ground } from './grounds.js';
import { measurePeers, measurePoint } from './measure.js';
import type { Point } from './measure.js';
import { plot } from './plot.js';
import { soak } from './soak.js';
import { criuTable, figures, moveTable } from './table.js';
import type { Row } from './table.js';

const usage = 'usage: npm run bench -- migration [--quick] [--only host|veth]... [--size MIB]... [--rate MBPS]... [--moves N] [--criu PATH] [--soak N]\n';
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Sizes at one low rate, and rates at two sizes: the plot's two lines. */
const sizes = [1, 4, 16, 64, 256, 1024, 4096], rates = [0, 10, 50, 200, 500, 1000];
const quickest = { size: 1024, criu: 1024 };

interface Options {
  quick: boolean;
  only: string[];
  points: Point[];
  moves: number | undefined;
  criu: string | undefined;
  soak: number;
}

function pointsOf(quick: boolean, wanted: { size: number[]; rate: number[] }): Point[] {
  if (wanted.size.length > 0 || wanted.rate.length > 0) {
    const each = { size: wanted.size.length > 0 ? wanted.size : [256], rate: wanted.rate.length > 0 ? wanted.rate : [10] };
    return each.size.flatMap((size) => each.rate.map((rate) => ({ size, rate })));
  }
  const most = quick ? quickest.size : Infinity;
  const bySize = sizes.filter((size) => size <= most).map((size) => ({ size, rate: 10 }));
  const byRate = [256, 1024].flatMap((size) => rates.filter((rate) => rate !== 10).map((rate) => ({ size, rate })));
  return [...bySize, ...(quick ? byRate.filter(({ size, rate }) => size === 256 || rate === 0) : byRate)];
}

function readOptions(args: readonly string[]): Options | undefined {
  try {
    const many = { type: 'string', multiple: true } as const;
    const { values } = parseArgs({ args: [...args], options: { quick: { type: 'boolean' }, only: many, size: many, rate: many, moves: { type: 'string' }, criu: { type: 'string' }, soak: { type: 'string' } } });
    const number = (texts: readonly string[] = []): number[] => texts.map(Number);
    const wanted = { size: number(values.size), rate: number(values.rate) };
    const moves = values.moves === undefined ? undefined : Number(values.moves), times = Number(values.soak ?? 0);
    const numbers = [...wanted.size, ...wanted.rate, moves ?? 1, times];
    const only = values.only ?? [];
    if (numbers.some((value) => !Number.isInteger(value) || value < 0) || wanted.size.includes(0) || only.some((name) => !grounds.some((ground) => ground.name === name))) return undefined;
    return { quick: values.quick ?? false, only, points: pointsOf(values.quick ?? false, wanted), moves, criu: values.criu, soak: times };
  } catch {
    return undefined;
  }
}

/** Told to end: what was measured is shown. */
let told = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (told = true));

/** Large ones take long to fill, not to move. */
const movesOf = ({ moves, quick }: Options): number => moves ?? (quick ? 5 : 15);

async function measureGround(ground: Ground, options: Options, criu: string | undefined, failed: string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const point of options.points) {
    if (told) break;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${ground.name}: ${point.size} MiB, ${point.rate} MB/s`);
    const row: Row = { ground: ground.name, point, samples: await measurePoint(ground, point, movesOf(options), () => told), criu: {} };
    for (const way of criu !== undefined && point.size <= quickest.criu && [0, 10, 200].includes(point.rate) ? ways : []) {
      try {
        row.criu[way] = await measureCriu(criu!, way, point, 3);
      } catch (error) {
        failed.push(`${way}, ${point.size} MiB: ${String(error)}`);
      }
    }
    if (row.samples.length > 0) rows.push(row);
  }
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  return rows;
}

function peerLine(name: string, longest: readonly number[]): string {
  return `${name}: the longest pvm_send of a peer while the task moves: median ${time(median(longest) / 1e6)}, worst of ${longest.length} moves ${time(Math.max(...longest) / 1e6)}`;
}

export async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (!options) {
    process.stderr.write(usage);
    return 2;
  }
  await buildPrograms(join(root, 'bench/migration/programs'));
  if (options.soak > 0) return await soak(options.soak, say, () => told);
  const machine = { host: hostname(), cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), load: loadavg(), date: new Date().toISOString() };
  say(`${String(machine.model)}, ${machine.cpus} processors, Linux ${machine.kernel}, load ${loadavg()[0]!.toFixed(1)}`);
  const found = findCriu(options.criu);
  const absent = new Map<string, string>('missing' in found ? [['criu', found.missing]] : []);
  const failed: string[] = [], rows: Row[] = [];
  const peers: Record<string, number[]> = {};
  for (const place of grounds) {
    const { name } = place;
    if (told || (options.only.length > 0 && !options.only.includes(name))) continue;
    const reason = place.missing();
    if (reason !== undefined) {
      absent.set(name, reason);
      continue;
    }
    const ground = await place.open();
    try {
      const here = await measureGround(ground, options, name === 'host' && 'path' in found ? found.path : undefined, failed);
      rows.push(...here);
      say(`\n${ground.name}\n${moveTable(here)}`);
      const compared = criuTable(here);
      if (compared !== undefined) say(`\n${ground.name}, beside CRIU\n${compared}`);
      if (!told) {
        peers[name] = await measurePeers(ground, options.quick ? 10 : 50);
        say(`\n${peerLine(ground.name, peers[name])}`);
      }
    } finally {
      await ground.close();
    }
  }
  for (const [name, reason] of absent) say(`left out: ${name}: ${reason}`);
  for (const reason of failed) say(`failed: ${reason}`);
  const place = join(build, 'bench');
  mkdirSync(place, { recursive: true });
  const file = join(place, 'migration.json');
  writeFileSync(file, `${JSON.stringify({ machine, absent: Object.fromEntries(absent), failed, points: rows.map((row) => ({ ground: row.ground, ...figures(row) })), samples: rows, peers }, null, 1)}\n`);
  say(`\nTimes are medians, "worst" of all moves. "own clock": the longest hole in what the program noted. "speed": of its computing while memory is copied, against alone.\n${file}`);
  const svg = plot(rows);
  if (svg !== undefined) {
    writeFileSync(join(place, 'migration.svg'), svg);
    say(join(place, 'migration.svg'));
  }
  return failed.length > 0 ? 1 : 0;
}
