/**
 * mpvm demo: the main job, end to end, on this machine and without root. A VM of three nodes; heat
 * diffusion runs once undisturbed, then again while one of its tasks is moved, moved on, and one
 * node is drained. Both answers must agree bit for bit.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MpvmError } from '../errors.js';
import { projectRoot } from '../native/index.js';
import type { ControlClient } from '../rpc/clients.js';
import { DemoView } from './demo-view.js';
import { HeatRun } from './demo-heat.js';
import { stop } from './down.js';
import { done, failed, reportAndExit } from './exit.js';
import { milliseconds, paint, plural } from './format.js';
import { outcomeError, summary } from './migrate.js';
import { shortTimeline } from './migrations.js';
import { nodeList } from './nodes.js';
import { taskList } from './ps.js';
import { Session } from './session.js';
import { migrationShape } from './shapes.js';
import type { MigrationShape } from './shapes.js';
import { watchDrain } from './drain.js';
import { formatTid, parseTid } from './tid.js';
import { printJson, printLines } from './table.js';
import { startNodes } from './up.js';

interface Options {
  keep?: boolean;
  seconds: number;
  name?: string;
  json?: boolean;
  output?: 'table' | 'json';
}

const nodes = 3;
const workers = 4;
const size = 1024;
/** The moves begin when so much of the run is over. */
const firstMove = 0.15;
const secondMove = 0.35;
const drainBegins = 0.55;

export async function demo(_: Session, options: Options): Promise<number> {
  const session = new Session({ ...options, name: options.name ?? 'demo' });
  const program = join(projectRoot(), 'build/examples/heat');
  if (!existsSync(program)) throw new MpvmError('NOT_PREPARED', { what: program });
  if (await session.controlIfUp()) throw new MpvmError('VM_RUNS', { name: session.name });
  const view = new DemoView(session);
  const cleanUp = async (): Promise<void> => {
    view.stop();
    await stop(session);
  };
  stopOnSignals(cleanUp);
  try {
    const ok = await perform(session, view, program, options.seconds);
    view.stop();
    if (options.keep) keepNotice(session);
    else await stop(session);
    if (!options.keep && !session.json) printLines([`VM ${session.name} is down, nothing left behind.`]);
    return ok ? done : failed;
  } catch (error) {
    // What fails because we are being stopped is no news; the signal's handler ends us when all is clean.
    if (stopping) return await new Promise<number>(() => undefined);
    await cleanUp();
    throw error;
  }
}

let stopping = false;
function stopOnSignals(cleanUp: () => Promise<void>): void {
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      process.stderr.write('\nmpvm: stopped; cleaning up\n');
      cleanUp().then(
        () => process.exit(code),
        (error: unknown) => reportAndExit(error, false),
      );
    });
  }
}

async function perform(session: Session, view: DemoView, program: string, seconds: number): Promise<boolean> {
  view.headline(`A virtual machine of ${nodes} nodes on this machine`);
  await startNodes(session, nodes, (node) => view.log(`node ${node.name} is up at ${node.address}`));
  const client = await session.control();
  const names = (await nodeList(session)).map((node) => node.name);
  view.start(client);

  const steps = await calibrate(client, program, seconds);
  const heat = { program, size, workers, steps };
  view.headline(`Heat diffusion, unmoved: ${size} x ${size} cells, ${steps} steps, ${workers} workers and a master`);
  const reference = await new HeatRun(client, heat, view, names[0]!).finish();
  view.log(`the answer is ${paint('bold', reference.checksum)}, after ${milliseconds(reference.ms)}`);

  view.headline('The same again, while its tasks move');
  const run = new HeatRun(client, heat, view, names[0]!);
  const [moves, moved] = await Promise.all([disturb(session, client, run, names, view), run.finish()]);

  view.stop();
  return verdict(session, reference, moved, moves);
}

/** So many steps that the program runs for about as long as asked, on this machine, now. */
async function calibrate(client: ControlClient, program: string, seconds: number): Promise<number> {
  const steps = 500;
  const trial = await new HeatRun(client, { program, size, workers, steps }, undefined, '').finish();
  const wanted = (seconds * 1000) / Math.max(trial.msPerStep, 0.01);
  return Math.max(400, Math.round(wanted / 100) * 100);
}

/** Moves one worker, moves it on, drains a node. */
async function disturb(session: Session, client: ControlClient, run: HeatRun, names: string[], view: DemoView): Promise<MigrationShape[]> {
  const moves: MigrationShape[] = [];
  const tid = parseTid((await run.workers())[0]!);
  for (const share of [firstMove, secondMove]) {
    await run.reached(share);
    const from = (await taskList(session)).find((task) => task.tid === formatTid(tid))?.node;
    const to = names[(names.indexOf(from ?? '') + 1) % names.length]!;
    moves.push(await move(client, tid, to, view));
  }
  await run.reached(drainBegins);
  const node = await busiest(session, names);
  view.log(`${paint('bold', `drain ${node}`)}: all its tasks have to leave`);
  const drained = await watchDrain(client.drain({ nodes: [node], reason: 'demo', user: 'demo' }), { nodes: [node], dryRun: false }, view);
  moves.push(...drained.migrations);
  if (drained.left.length > 0 || drained.migrations.length === 0) {
    throw new MpvmError('DEMO_FAILED', { detail: `${node} was not drained: ${plural(drained.left.length, 'task')} left, ${plural(drained.migrations.length, 'task')} moved` });
  }
  view.log(`node/${node} ${paint('green', 'drained')}: it could be rebooted now`);
  return moves;
}

async function move(client: ControlClient, tid: number, to: string, view: DemoView): Promise<MigrationShape> {
  view.log(paint('bold', `migrate ${formatTid(tid)} --to ${to}`));
  let last: MigrationShape | undefined;
  for await (const event of client.migrate({ tid, to, engine: 'auto', reason: 'demo' })) {
    if (!event.migration) continue;
    last = migrationShape(event.migration);
    view.move(last);
  }
  if (!last) throw new MpvmError('DEMO_FAILED', { detail: `nothing was heard of the move of ${formatTid(tid)}` });
  const error = outcomeError(last);
  if (error) throw error;
  view.log(summary(last));
  return last;
}

/** Not the one whose master prints the progress, unless it is the only one with tasks. */
async function busiest(session: Session, names: string[]): Promise<string> {
  const tasks = await taskList(session);
  const count = (node: string): number => tasks.filter((task) => task.node === node).length;
  return [...names].sort((a, b) => count(b) - count(a))[0]!;
}

interface Answer {
  checksum: string;
  ms: number;
}

function verdict(session: Session, reference: Answer, moved: Answer, moves: MigrationShape[]): boolean {
  const same = reference.checksum === moved.checksum;
  if (session.json) {
    printJson({ same, unmoved: reference, moved, migrations: moves });
    return same;
  }
  printLines([
    '',
    paint('bold', 'The moves'),
    ...moves.flatMap(shortTimeline),
    '',
    `${'unmoved'.padEnd(12)}  ${reference.checksum}  ${milliseconds(reference.ms)}`,
    `${plural(moves.length, 'move').padEnd(12)}  ${moved.checksum}  ${milliseconds(moved.ms)}`,
    same ? paint('green', 'The answers agree, bit for bit.') : paint('red', 'The answers differ: something is broken.'),
  ]);
  return same;
}

function keepNotice(session: Session): void {
  if (session.json) return;
  printLines([
    '',
    'The VM is left up. Try, in this directory:',
    `  export MPVM_NAME=${session.name}`,
    '  npx mpvm dashboard --open',
    '  npx mpvm run build/examples/heat -n 1024 -s 20000 -p 500 &',
    '  npx mpvm ps',
    '  npx mpvm migrate TID --to n1',
    '  npx mpvm down',
  ]);
}
