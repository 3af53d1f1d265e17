/**
 * npm run bench -- messages [--quick] [--only ROW]... [--repetitions N]
 *
 * All contestants in one run, interleaved: each repetition runs every row with every contestant
 * once, so that what else the machine does falls on all alike. The figure is the median over the
 * repetitions of the medians of each; "best" is kept beside it in the JSON file.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, hostname, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../../test/lab/paths.js';
import { openField } from './contestants.js';
import type { Contestant, Field } from './contestants.js';
import { Results, parse } from './points.js';
import { plot } from './plot.js';
import { rows } from './rows.js';
import type { Effort, Row } from './rows.js';
import { rowTable } from './table.js';
import { openNodes } from './two-nodes.js';

const usage = `usage: npm run bench -- messages [--quick] [--only ROW]... [--repetitions N]
rows: ${rows.map(({ name }) => name).join(' ')} nodes
`;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Options {
  effort: Effort;
  only: string[];
}

function readOptions(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({ args: [...args], options: { quick: { type: 'boolean' }, only: { type: 'string', multiple: true }, repetitions: { type: 'string' } } });
    const quick = values.quick ?? false;
    const only = values.only ?? [];
    const repetitions = Number(values.repetitions ?? (quick ? 1 : 5));
    const known = [...rows.map(({ name }) => name), 'nodes'];
    if (only.some((name) => !known.includes(name)) || !Number.isInteger(repetitions) || repetitions < 1) return undefined;
    return { effort: { quick, seconds: quick ? 0.04 : 0.1, repetitions }, only };
  } catch {
    return undefined;
  }
}

/** Told to end: what runs is finished, what was started is taken down, what was measured is shown. */
let told = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (told = true));

async function runRow(row: Row, contestants: readonly Contestant[], effort: Effort, results: Results): Promise<void> {
  for (const contestant of contestants) {
    for (const one of row.runs(contestant, effort)) {
      if (told) return;
      const { code, stdout, stderr, timedOut } = await contestant.run(one);
      results.add(contestant.name, parse(stdout));
      if (code !== 0) results.missing.set(`${contestant.name}: ${one.args.join(' ')}`, timedOut ? 'took too long' : stderr.trim().split('\n').slice(-3).join(' | '));
    }
  }
}

async function measure(chosen: readonly Row[], field: Field, effort: Effort, results: Results): Promise<void> {
  for (let repetition = 0; repetition < effort.repetitions; repetition++) {
    for (const row of chosen) {
      if (repetition >= (row.repetitions ?? effort.repetitions)) continue;
      if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${repetition + 1}/${effort.repetitions} ${row.name}`);
      await runRow(row, field.contestants, effort, results);
    }
  }
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}

function show(chosen: readonly Row[], contestants: readonly Contestant[], results: Results): void {
  for (const row of chosen) {
    const table = rowTable(row, contestants, results);
    if (table !== undefined) say(`${row.name}: ${row.title}\n${table}\n`);
  }
}

function machine(): Record<string, unknown> {
  return { host: hostname(), cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), load: loadavg(), date: new Date().toISOString() };
}

function figures(contestants: readonly Contestant[], results: Results): Record<string, Record<string, unknown>> {
  return Object.fromEntries(contestants.map(({ name }) => [name, Object.fromEntries(results.points(name).map((point) => [point, results.figure(name, point)]))]));
}

export async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (!options) {
    process.stderr.write(usage);
    return 2;
  }
  const { effort, only } = options;
  const chosen = rows.filter(({ name }) => only.length === 0 || only.includes(name));
  const directory = mkdtempSync(join(tmpdir(), 'mpvm-bench-'));
  const results = new Results(), between = new Results();
  const info = machine();
  say(`${String(info['model'])}, ${String(info['cpus'])} processors, Linux ${String(info['kernel'])}, load ${loadavg()[0]!.toFixed(1)}`);
  let contestants: Contestant[] = [], far: Contestant[] = [];
  const absent = new Map<string, string>();
  try {
    if (chosen.length > 0) {
      const field = await openField(directory, say);
      contestants = field.contestants;
      for (const [name, reason] of field.absent) absent.set(name, reason);
      try {
        await measure(chosen, field, effort, results);
      } finally {
        await field.close();
      }
    }
    show(chosen, contestants, results);
    if (only.length === 0 || only.includes('nodes')) {
      const nodes = await openNodes(directory, say);
      if (typeof nodes === 'string') {
        absent.set('nodes', nodes);
      } else {
        far = nodes.contestants;
        for (const [name, reason] of nodes.absent) absent.set(`nodes, ${name}`, reason);
        try {
          await measure([nodes.row], nodes, effort, between);
        } finally {
          await nodes.close();
        }
        show([nodes.row], far, between);
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  for (const [name, reason] of absent) say(`left out: ${name}: ${reason}`);
  for (const [name, reason] of [...results.missing, ...between.missing]) say(`failed: ${name}: ${reason}`);
  const place = join(build, 'bench');
  mkdirSync(place, { recursive: true });
  const file = join(place, 'messages.json');
  writeFileSync(file, `${JSON.stringify({ machine: info, effort, absent: Object.fromEntries(absent), oneNode: figures(contestants, results), twoNodes: figures(far, between) }, null, 1)}\n`);
  say(`Times are medians; in brackets: how many times as long as ours. ${file}`);
  const svg = plot(contestants, results);
  if (svg !== undefined) {
    writeFileSync(join(place, 'messages.svg'), svg);
    say(join(place, 'messages.svg'));
  }
  return results.missing.size + between.missing.size > 0 ? 1 : 0;
}
