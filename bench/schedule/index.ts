/**
 * npm run bench -- schedule [--large] [--seeds N] [--json FILE]
 *
 * The planners of balancing on synthetic virtual machines, beside published strategies: how even the
 * load gets against a lower bound, how many tasks move for it, what messages between nodes cost
 * then, and how long planning takes. --large adds machines of up to 4,000 nodes and 100,000 tasks.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { planBalance } from '../../daemon/schedule/balance.js';
import { talkCost } from '../../daemon/schedule/cost.js';
import { defaultOptions } from '../../daemon/schedule/policy.js';
import type { Policy } from '../../daemon/schedule/policy.js';
import type { Snapshot } from '../../daemon/schedule/snapshot.js';
import { greedyLB, greedyRefine, most, refineLB } from './baselines.js';
import type { Placement } from './baselines.js';
import { world } from './worlds.js';
import type { Shape } from './worlds.js';

const shapes: Shape[] = [
  { name: 'lab', nodes: 10, tasks: 100, mixed: false, start: 'piled', team: 0 },
  { name: 'talkers', nodes: 10, tasks: 100, mixed: false, start: 'random', team: 8 },
  { name: 'cluster', nodes: 100, tasks: 1000, mixed: true, start: 'random', team: 8 },
  { name: 'piled', nodes: 100, tasks: 1000, mixed: true, start: 'piled', team: 8 },
  { name: 'target', nodes: 1000, tasks: 10_000, mixed: true, start: 'random', team: 8 },
];
/** Planned once each. */
const large: Shape[] = [
  { name: 'large', nodes: 4000, tasks: 40_000, mixed: true, start: 'random', team: 8 },
  { name: 'largest', nodes: 4000, tasks: 100_000, mixed: true, start: 'piled', team: 8 },
];

const planner = (policy: Policy) => (snapshot: Snapshot): Placement => {
  const { moves } = planBalance(snapshot, { ...defaultOptions, policy });
  return new Map(moves.map(({ tid, to }) => [tid, to]));
};
const strategies: [string, (snapshot: Snapshot) => Placement][] = [
  ['(as it is)', () => new Map<number, string>()],
  ['greedy', planner('greedy')],
  ['refine', planner('refine')],
  ['comm', planner('comm')],
  ['GreedyLB', greedyLB],
  ['GreedyRefine', greedyRefine],
  ['RefineLB', refineLB],
];

interface Row {
  machine: string;
  nodes: number;
  tasks: number;
  strategy: string;
  /** Most work for a processor against the lower bound: 1 is perfect. */
  quality: number;
  /** Share of the tasks that move. */
  moved: number;
  /** Processors' worth of time lost to messages between nodes. */
  talk: number;
  /** Milliseconds of processor time to plan (who else runs here does not count): of the runs, the one in the middle. */
  ms: number;
}

/** No placement can be better: all work evenly, and the largest task on the largest node. Below 1 nobody waits. */
function lowerBound({ nodes, tasks }: Snapshot): number {
  const cores = nodes.reduce((sum, node) => sum + node.cores, 0);
  const work = nodes.reduce((sum, node) => sum + node.other, 0) + tasks.reduce((sum, task) => sum + task.demand, 0);
  return Math.max(1, work / cores, Math.max(...nodes.map((node) => node.other / node.cores)));
}

function talkOf({ tasks, talks = [] }: Snapshot, placement: Placement): number {
  const at = new Map(tasks.map(({ tid, node }) => [tid, placement.get(tid) ?? node]));
  return talks.reduce((sum, talk) => (at.get(talk.from) === at.get(talk.to) ? sum : sum + talkCost(talk)), 0);
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function* measure(shape: Shape, seeds: number): Generator<Row> {
  const machines = Array.from({ length: seeds }, (_, seed) => world(shape, seed + 1));
  const times = shape.tasks > 20_000 ? 1 : 3;
  for (const [strategy, plan] of strategies) {
    const runs = machines.flatMap((snapshot) => Array.from({ length: times }, () => {
      const before = process.cpuUsage();
      const placement = plan(snapshot);
      const { user, system } = process.cpuUsage(before);
      return { snapshot, placement, ms: (user + system) / 1000 };
    }));
    yield {
      machine: shape.name, nodes: shape.nodes, tasks: shape.tasks, strategy,
      quality: mean(runs.map(({ snapshot, placement }) => Math.max(1, most(snapshot, placement)) / lowerBound(snapshot))),
      moved: mean(runs.map(({ snapshot, placement }) => snapshot.tasks.filter(({ tid, node }) => (placement.get(tid) ?? node) !== node).length / shape.tasks)),
      talk: mean(runs.map(({ snapshot, placement }) => talkOf(snapshot, placement))),
      ms: median(runs.map(({ ms }) => ms)),
    };
  }
}

export function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { large: { type: 'boolean' }, seeds: { type: 'string', default: '3' }, json: { type: 'string', default: 'build/bench/schedule.json' } } });
  const rows: Row[] = [];
  console.log('machine     nodes   tasks  strategy       most/bound   moved   messages  plan cpu ms');
  for (const shape of [...shapes, ...(values.large ? large : [])]) {
    for (const row of measure(shape, Number(values.seeds))) {
      rows.push(row);
      console.log(
        `${row.machine.padEnd(10)} ${String(row.nodes).padStart(6)} ${String(row.tasks).padStart(7)}  ${row.strategy.padEnd(13)} ${row.quality.toFixed(3).padStart(11)} ` +
          `${`${(row.moved * 100).toFixed(1)} %`.padStart(8)} ${row.talk.toFixed(2).padStart(9)} ${row.ms.toFixed(1).padStart(12)}`,
      );
    }
  }
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify(rows, undefined, 1)}\n`);
  return Promise.resolve(0);
}
