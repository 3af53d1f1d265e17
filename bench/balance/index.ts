/**
 * npm run bench -- balance [--rounds N] [--work S] [--only farm|heat] [--json FILE]
 *
 * What balancing brings, with real programs on real nodes. Two nodes with the same part of a processor
 * each; six tasks, three on each; on one of the nodes a hog takes a half. How long it takes: left as it
 * is; with `mpvm balance --watch`; and with the tasks where they should be from the start (two and
 * four). In each round one after the other; the ratios are of one round.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Lab } from '../../test/lab/lab.js';
import { build } from '../../test/lab/paths.js';
import { until } from '../../test/lab/wait.js';
import { buildPrograms } from '../migration/grounds.js';
import { Part, partsMissing } from './parts.js';

/** Of a processor, for each of the nodes: little, so that it is there whatever else this machine does. */
const part = 0.3;
const workers = 6;
const hogged = 'n2';
const free = 'n3';
/** Of the tasks that are on the hogged node, where it has a half of the other's part: one of three goes. */
const goes = 1;

const programs = {
  // Two for each worker: who is slow keeps the others waiting at the end.
  farm: (work: number): string[] => [String(workers), '12', String(Math.round((work * 1000) / 12))],
  heat: (work: number): string[] => ['-w', String(workers), '-n', '2400', '-s', String(Math.round(work * heatStepsPerSecond))],
};
type Program = keyof typeof programs;
const heatStepsPerSecond = 100;
type Way = 'left alone' | 'balanced' | 'ideal';
const ways: Way[] = ['left alone', 'balanced', 'ideal'];

interface Run {
  program: Program;
  way: Way;
  round: number;
  seconds: number;
  moves: number;
}

async function begun(lab: Lab): Promise<void> {
  await until('all workers run', async () => (await lab.tasks()).filter(({ state, node }) => state === 'running' && node !== 'n1').length === workers, { timeoutMs: 30_000 });
}

async function once(lab: Lab, program: Program, way: Way, work: number): Promise<{ seconds: number; moves: number }> {
  const before = (await lab.control.migrations({})).migrations.length;
  const run = lab.startShell(join(build, 'bench/programs/balance', program), programs[program](work), { timeoutMs: 600_000 });
  await begun(lab);
  const watch = way === 'balanced' ? lab.startCli(['balance', '--watch', '--period', '2', '--rest', '10', '-o', 'json'], { timeoutMs: 600_000 }) : undefined;
  if (way === 'ideal') {
    const here = (await lab.tasks()).filter(({ node }) => node === hogged).map(({ tid }) => tid ?? 0);
    await Promise.all(here.slice(0, goes).map((tid) => lab.move(tid, free)));
  }
  const { stdout, code } = await run.ended;
  watch?.child.kill('SIGINT');
  await watch?.ended;
  await until('balancing is over', async () => !(await lab.control.balanceStatus({})).running);
  const seconds = Number(/done in ([\d.]+) s/.exec(stdout)?.[1]);
  if (code !== 0 || !(seconds > 0)) throw new Error(`${program}: exit ${code}\n${stdout}${run.stderr}`);
  await until('its tasks have ended', async () => (await lab.tasks()).length === 0);
  return { seconds, moves: (await lab.control.migrations({})).migrations.length - before };
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '3' }, work: { type: 'string', default: '13' }, only: { type: 'string' }, json: { type: 'string', default: 'build/bench/balance.json' } } });
  const missing = partsMissing();
  if (missing !== undefined) {
    console.error(`bench balance: ${missing}`);
    return 1;
  }
  await buildPrograms(join(import.meta.dirname, 'programs'));
  const lab = await Lab.start({ nodes: 3 });
  const parts = [hogged, free].map((name) => new Part(name, part, workers / 2 + 1));
  const runs: Run[] = [];
  try {
    [hogged, free].forEach((name, at) => parts[at]!.hold(lab.daemonPid(name)));
    // Workers alternate between the two nodes; the master, who hardly computes, is here.
    await lab.cli(['cordon', 'n1']);
    parts[0]!.beginHog();
    for (let round = 1; round <= Number(values.rounds); round++) {
      for (const program of Object.keys(programs) as Program[]) {
        if (values.only !== undefined && values.only !== program) continue;
        for (const way of ways) {
          const { seconds, moves } = await once(lab, program, way, Number(values.work));
          runs.push({ program, way, round, seconds, moves });
          console.log(`round ${round}  ${program}  ${way.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s  ${moves} moves`);
        }
      }
    }
  } finally {
    // What was decided, and from what: mpvm balance --replay.
    mkdirSync(dirname(values.json), { recursive: true });
    copyFileSync(join(lab.directory, lab.name, 'n1/balance.log'), values.json.replace(/(\.json)?$/, '.log'));
    await parts[0]!.endHog();
    await lab.stop();
    for (const one of parts) await one.end();
  }
  const table = report(runs);
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify({ part, workers, work: Number(values.work), runs, table }, undefined, 1)}\n`);
  return 0;
}

/** Medians over the rounds; ratios within a round first. */
function report(runs: readonly Run[]): object[] {
  const seconds = (program: Program, way: Way): number[] => runs.filter((one) => one.program === program && one.way === way).map((one) => one.seconds);
  const rows = [...new Set(runs.map(({ program }) => program))].map((program) => {
    const ideal = seconds(program, 'ideal');
    const over = (way: Way): number => median(seconds(program, way).map((value, at) => value / ideal[at]!));
    return {
      program, ...Object.fromEntries(ways.map((way) => [way, median(seconds(program, way))])),
      leftAloneOverIdeal: over('left alone'), balancedOverIdeal: over('balanced'),
      moves: median(runs.filter((one) => one.program === program && one.way === 'balanced').map(({ moves }) => moves)),
    };
  });
  console.log('\nprogram   left alone    balanced       ideal   left alone/ideal   balanced/ideal   moves');
  for (const { program, leftAloneOverIdeal, balancedOverIdeal, moves } of rows) {
    const cell = (way: Way): string => `${median(seconds(program, way)).toFixed(1)} s`.padStart(12);
    console.log(`${program.padEnd(8)}${ways.map(cell).join('')}${leftAloneOverIdeal.toFixed(2).padStart(19)}${balancedOverIdeal.toFixed(2).padStart(17)}${String(moves).padStart(8)}`);
  }
  return rows;
}
