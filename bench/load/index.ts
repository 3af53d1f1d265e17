/**
 * npm run bench -- load [--nodes N] [--tasks N] [--daemons N] [--json FILE]
 *
 * Many tasks on some nodes of this machine: they are spawned at once, talk, move, stand idle, and end. Then many daemons
 * that form a VM. What daemons cost is processor time and memory of their processes, from /proc: who else runs here falls
 * on the seconds only.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, hostname, loadavg, release } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Conversation } from '../../test/lab/conversation.js';
import { Lab } from '../../test/lab/lab.js';
import { build, root } from '../../test/lab/paths.js';
import { run as runProgram } from '../../test/lab/process.js';
import { pause, until } from '../../test/lab/wait.js';
import { formatTable, time } from '../messages/table.js';

const usage = 'usage: npm run bench -- load [--nodes N] [--tasks N] [--daemons N] [--json FILE]\n';
const programs = join(build, 'bench/programs/load');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Of all daemons of a lab. */
interface Cost {
  daemons: number;
  cpuMs: number;
  /** Each one's share of what it has in memory: pages of node that all use count once. */
  memory: number;
  descriptors: number;
}

function cost(lab: Lab, nodes: readonly string[]): Cost {
  const pids = nodes.map((node) => lab.daemonPid(node));
  const sum = (of: (pid: number) => number): number => pids.reduce((all, pid) => all + of(pid), 0);
  return {
    daemons: pids.length,
    cpuMs: sum((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10;
    }),
    memory: sum((pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) * 1024),
    descriptors: sum((pid) => readdirSync(`/proc/${pid}/fd`).length),
  };
}

interface Row { what: string; seconds: number; cpuMs: number; note: string }

class Meter {
  readonly rows: Row[] = [];
  readonly #lab: Lab;
  readonly #nodes: readonly string[];

  constructor(lab: Lab, nodes: readonly string[]) {
    this.#lab = lab;
    this.#nodes = nodes;
  }
  /** Notes what a step takes, and what daemons have computed for it. */
  async step(what: string, work: () => Promise<unknown>, note: (result: unknown) => string = () => ''): Promise<void> {
    const before = cost(this.#lab, this.#nodes), from = performance.now();
    const result = await work();
    const row: Row = { what, seconds: (performance.now() - from) / 1000, cpuMs: cost(this.#lab, this.#nodes).cpuMs - before.cpuMs, note: note(result) };
    this.rows.push(row);
    say(`  ${what}: ${time(row.seconds)}, daemons computed ${row.cpuMs} ms${row.note && `, ${row.note}`}`);
  }
  get cost(): Cost {
    return cost(this.#lab, this.#nodes);
  }
  /** Of all daemons, a second, while nothing is asked of them. */
  async idle(what: string, seconds = 10): Promise<number> {
    await this.step(what, () => pause(seconds * 1000));
    return this.rows.at(-1)!.cpuMs / this.rows.at(-1)!.seconds;
  }
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const kib = (bytes: number): string => `${(bytes / 2 ** 10).toFixed(1)} KiB`;

async function crowd(nodeCount: number, tasks: number): Promise<object> {
  say(`${tasks} tasks on ${nodeCount} nodes`);
  const lab = await Lab.start({ nodes: nodeCount, path: [programs] });
  try {
    const nodes = await lab.nodeNames();
    const meter = new Meter(lab, nodes);
    const idleBefore = await meter.idle('no task'), before = meter.cost;
    const running = lab.startShell(join(programs, 'crowd'), [String(tasks)], { talk: true, timeoutMs: 3_600_000 });
    const talk = new Conversation(running);
    await meter.step('spawn, until all have answered', () => talk.ask('start', 600_000));
    await meter.step('20 messages each to a neighbour', () => talk.ask('talk 20', 600_000));
    const idleWith = await meter.idle('all tasks idle'), with_ = meter.cost;
    const moved = nodes[1]!;
    await meter.step(`drain of ${moved}`, async () => {
      let count = 0;
      for await (const { done, failed } of lab.control.drain({ nodes: [moved], concurrency: 4 })) {
        if (failed) throw new Error(failed.text ?? '');
        count += done?.moved ?? 0;
      }
      return count;
    }, (count) => `${String(count)} tasks moved`);
    await meter.step('20 messages each, afterwards', () => talk.ask('talk 20', 600_000));
    await meter.step('end of all', () => talk.ask('end', 600_000));
    await talk.end();
    await until('no task is left', async () => (await lab.tasks()).length === 0, { timeoutMs: 60_000 });
    say('');
    const each = (value: number): number => value / tasks;
    say(formatTable([
      ['', 'a node', 'an idle task more'],
      ['processor time', `${(idleBefore / nodeCount).toFixed(2)} ms/s`, `${(each(idleWith - idleBefore) * 1000).toFixed(1)} us/s`],
      ['memory of its daemon', mib(before.memory / nodeCount), kib(each(with_.memory - before.memory))],
      ['descriptors of its daemon', (before.descriptors / nodeCount).toFixed(0), each(with_.descriptors - before.descriptors).toFixed(1)],
    ]));
    return { nodes: nodeCount, tasks, rows: meter.rows, before, with: with_, idleBefore, idleWith };
  } finally {
    await lab.stop();
  }
}

async function daemons(count: number): Promise<object> {
  say(`\n${count} daemons`);
  const from = performance.now();
  const lab = await Lab.start({ nodes: count });
  try {
    const seconds = (performance.now() - from) / 1000;
    const nodes = await lab.nodeNames();
    const meter = new Meter(lab, nodes);
    const formed = meter.cost;
    say(`  up after ${time(seconds)}: ${mib(formed.memory / count)} and ${(formed.cpuMs / count).toFixed(0)} ms each, that of the registry ${cost(lab, [nodes[0]!]).cpuMs} ms`);
    const registryBefore = cost(lab, [nodes[0]!]).cpuMs;
    const idle = await meter.idle('nothing to do');
    const registry = (cost(lab, [nodes[0]!]).cpuMs - registryBefore) / meter.rows[0]!.seconds;
    say(`  each ${(idle / count).toFixed(2)} ms/s, that of the registry ${registry.toFixed(1)} ms/s`);
    await meter.step(`mpvm run -n ${count}`, async () => {
      const { code, stdout, stderr } = await lab.cli(['run', '-n', String(count), '/bin/true'], { timeoutMs: 600_000 });
      if (code !== 0) throw new Error(`mpvm run: ${stdout}${stderr}`);
    });
    await meter.step('mpvm nodes', () => lab.cli(['nodes']));
    return { daemons: count, seconds, formed, idle, registry, rows: meter.rows };
  } finally {
    await lab.stop();
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const whole = { type: 'string' } as const;
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: { nodes: whole, tasks: whole, daemons: whole, json: whole } }));
  } catch {
    process.stderr.write(usage);
    return 2;
  }
  const number = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : Number(text));
  const built = await runProgram('make', ['-s', '-C', join(root, 'bench/load/programs')], { timeoutMs: 120_000 });
  if (built.code !== 0) throw new Error(built.stderr);
  say(`${hostname()}, Linux ${release()}, ${cpus().length} processors, load ${loadavg().map((load) => load.toFixed(1)).join(' ')}`);
  const [nodes, tasks, many] = [number(values.nodes, 10), number(values.tasks, 1000), number(values.daemons, 100)];
  const results = [tasks > 0 && (await crowd(nodes, tasks)), many > 0 && (await daemons(many))];
  const file = values.json ?? join(build, 'bench/load.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), load: loadavg(), results }, undefined, 1)}\n`);
  return 0;
}
