/**
 * Moves with CRIU: tasks that hold what the native engine declines, between nodes that share this
 * machine's process numbers and between machines of their own, and what happens when criu or a daemon
 * dies in the middle. Without a criu that works here all of it is skipped with the reason.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mpvm } from '../../daemon/rpc/messages.js';
import { criuPath, useCriu } from '../lab/criu.js';
import { useLab } from '../lab/lab.js';
import type { Lab, Move } from '../lab/lab.js';
import { useNamespaces } from '../lab/namespaces.js';
import { command } from '../lab/paths.js';
import { until } from '../lab/wait.js';
import type { TaskRun } from '../lab/task-run.js';

const { Action } = mpvm.task.Fault;

/** Criu takes its time, on a busy machine more than a move of ours ever does. */
const deadlineS = 120;

describe('a task that only CRIU can move', function () {
  this.timeout(300_000);
  useCriu();
  const lab = useLab({ nodes: 3, faults: true, restarts: true, env: { MPVM_CRIU: criuPath } });

  async function family(): Promise<{ run: TaskRun; tid: number; from: string; to: string; home: string }> {
    const [home, from, to] = (await lab().nodeNames()) as [string, string, string];
    const run = await lab().run('family', ['100000000'], home);
    await run.printed('asked 500');
    const member = await until('its member', async () => (await lab().tasks()).find((row) => row.tid !== run.tid && row.program?.endsWith('family')));
    assert.equal(member.node, from);
    return { run, tid: member.tid ?? 0, from, to, home };
  }
  /** Questions are asked and answered after this moment, each once. */
  async function answersGoOn(run: TaskRun): Promise<void> {
    const before = run.output.length;
    await until('answers', () => {
      if (run.over) throw new Error(`the family has ended: ${run.output.slice(-1000)}`);
      return run.output.slice(before).split('\n').length > 3;
    }, { timeoutMs: 60_000 });
  }
  const livesOnce = (tid: number): Promise<mpvm.node.ITaskRow> => until('it lives exactly once', async () => {
    const rows = (await lab().tasks()).filter((row) => row.tid === tid);
    return rows.length === 1 && rows[0]!.state === 'running' && rows[0];
  }, { timeoutMs: 60_000 });

  afterEach(async () => {
    for (const one of await lab().tasks()) await lab().control.signal({ tid: one.tid ?? 0, signum: 9 });
    await until('no task is left', async () => (await lab().tasks()).length === 0);
    assert.deepEqual(readdirSync('/dev/shm').filter((name) => name.startsWith('criu-') && name.includes(lab().name)), [], 'images are left');
  });

  it('is taken by it by itself, with the reason told before and after', async () => {
    const { run, tid, to } = await family();
    const before = await lab().control.explain({ tid, to }, { timeoutMs: 60_000 });
    assert.deepEqual([before.engine, before.blockers.filter(({ warning }) => !warning)], ['criu', []]);
    assert.match(before.engineReason, /native engine cannot: the task has child processes/);
    const native = await lab().control.explain({ tid, to, engine: 'native' }, { timeoutMs: 60_000 });
    assert.ok(native.blockers.some(({ code, engine, remedy, warning }) => code === 'CHILD_PROCESSES' && engine === 'native' && remedy && !warning));

    const move = await criuMove(lab(), tid, to);
    assert.match(move.engineReason ?? '', /native engine cannot/);
    assert.ok((move.transferredBytes ?? 0) > 8 << 20, 'its memory and its child\'s have gone');
    await answersGoOn(run);
    for (const next of ['n1', 'n2', 'n3']) if (next !== to) await criuMove(lab(), tid, next);
    await answersGoOn(run);
  });

  it('ends as its program ends, with its exit code and without a trace', async () => {
    const [, from, to] = (await lab().nodeNames()) as [string, string, string];
    const run = await lab().run('family', ['6000'], from);
    await run.printed('asked 500');
    const member = await until('its member', async () => (await lab().tasks()).find((row) => row.tid !== run.tid));
    await criuMove(lab(), member.tid ?? 0, member.node === to ? from : to);
    assert.match(await run.success(120_000), /family complete[^]*all answered/);
  });

  const survives = (what: string, point: string, action: mpvm.task.Fault.Action, where: 'from' | 'to', repair?: (from: string, to: string) => Promise<void>): void => {
    it(`lives once after ${what}`, async () => {
      const { run, tid, from, to } = await family();
      const moving = lab().migrate(tid, to, { deadlineS, fault: { point, action } }).catch((error: unknown) => ({ outcome: String(error) }));
      await repair?.(from, to);
      const move = await moving;
      const row = await livesOnce(tid);
      assert.equal(row.node, where === 'from' ? from : to, JSON.stringify(move));
      await answersGoOn(run);
      await until('it moves again', () => criuMove(lab(), tid, row.node === to ? from : to).then(() => true), { everyMs: 500, timeoutMs: 120_000 });
      await answersGoOn(run);
    });
  };
  survives('criu was killed as it dumped it', 'CRIU_DUMP', Action.KILL, 'from');
  survives('criu was killed as it rebuilt it', 'CRIU_RESTORE', Action.KILL, 'from');
  survives('its copy was killed before it was the task', 'CRIU_AGENT_AWAKE', Action.KILL, 'from');
  survives('the move failed with its memory gone already', 'CRIU_AFTER_DUMP', Action.FAIL, 'from');
  survives('the daemon of its destination was killed with its image', 'DEST_BEFORE_RESTORE', Action.KILL, 'from', (_, to) => lab().restartWhenDead(to));
  survives('the daemon of its destination was killed with its copy', 'DEST_AFTER_RESTORE', Action.KILL, 'from', (_, to) => lab().restartWhenDead(to));
  survives('the daemon of its destination was killed after the commit', 'DEST_AFTER_COMMIT', Action.KILL, 'to', (_, to) => lab().restartWhenDead(to));
  survives('its own daemon was killed with its image sent', 'CRIU_AFTER_DUMP', Action.KILL, 'from', (from) => lab().restartWhenDead(from));
});

describe('a task that only CRIU can move, between machines of their own', function () {
  this.timeout(300_000);
  useCriu();
  const lab = useNamespaces(3);

  it('keeps its process numbers, its child and every message', async () => {
    const [first, ...others] = lab().machines;
    lab().env['MPVM_CRIU'] = criuPath;
    await first!.mpvm('up', '--address', first!.address);
    const token = (await first!.mpvm('token', '--reusable')).trim();
    for (const machine of others) await machine.mpvm('join', token);
    const family = first!.begin([process.execPath, command, 'run', '--node', 'n1', 'family', '100000000'], { timeoutMs: 280_000 });
    await until('the first answers', () => family.stdout.includes('asked 500') || family.child.exitCode !== null, { timeoutMs: 60_000 });
    const member = await until('its member', async () => (await lab().tasks()).find((row) => row.program?.endsWith('family') && row.node !== 'n1'));
    for (const to of [member.node === 'm2' ? 'm3' : 'm2', 'n1', member.node ?? '']) {
      const move = await lab().migrate(member.tid ?? 0, to, { deadlineS });
      assert.deepEqual([move.outcome, move.engine], ['completed', 'criu'], JSON.stringify(move));
    }
    const before = family.stdout.length;
    await until('answers', () => family.stdout.slice(before).split('\n').length > 3 || family.child.exitCode !== null, { timeoutMs: 60_000 });
    assert.equal(family.child.exitCode, null, family.stdout.slice(-2000) + family.stderr);
    await first!.mpvm('down');
    assert.deepEqual(await lab().leftovers(), []);
  });
});

/** The choice is the daemon's. */
async function criuMove(lab: Lab, tid: number, to: string): Promise<Move> {
  const move = await lab.migrate(tid, to, { deadlineS });
  assert.deepEqual([move.outcome, move.engine], ['completed', 'criu'], JSON.stringify(move));
  return move;
}
