/** mpvm top: what it measures, one look for programs, and live at a terminal. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { screenful, sorted, withCpu } from '../../daemon/cli/top-frame.js';
import type { Look } from '../../daemon/cli/top-frame.js';
import type { NodeShape, TaskShape } from '../../daemon/cli/shapes.js';
import { Screen, terminalMissing } from '../console/screen.js';
import { useLab } from '../lab/lab.js';
import { root } from '../lab/paths.js';
import { skip } from '../lab/skip.js';

const task = (tid: string, more: Partial<TaskShape> = {}): TaskShape => ({
  tid, node: 'n1', pid: 1, state: 'running', program: '/x/prog', epoch: 0, rssBytes: 1 << 20, engine: 'native', parent: null, cpuMs: 0, started: null, ...more,
});
const look = (at: number, tasks: TaskShape[]): Look => ({ at, nodes: [], tasks });

describe('what top measures', () => {
  it('what a task has computed between two looks, in per cent of a processor', () => {
    const before = look(1000, [task('t40002', { cpuMs: 500 }), task('t40003', { cpuMs: 100 })]);
    const now = look(2000, [task('t40002', { cpuMs: 1250 }), task('t40003', { cpuMs: 100 }), task('t40004', { cpuMs: 700 })]);
    assert.deepEqual(withCpu(now, before).map(({ cpuPercent }) => cpuPercent), [75, 0, 0]);
    assert.deepEqual(withCpu(now, undefined).map(({ cpuPercent }) => cpuPercent), [0, 0, 0]);
  });
  it('a task that has moved has another process, whose time began anew', () => {
    const before = look(0, [task('t40002', { cpuMs: 90_000, pid: 7 })]);
    const [anew] = withCpu(look(1000, [task('t40002', { cpuMs: 100, pid: 8 })]), before);
    const [kept] = withCpu(look(1000, [task('t40002', { cpuMs: 90_500, pid: 8 })]), before);
    assert.deepEqual([anew?.cpuPercent, kept?.cpuPercent], [0, 50]);
  });
  it('orders tasks, ties by id', () => {
    const tasks = withCpu(look(0, [task('tc0001', { rssBytes: 5 }), task('t40010'), task('t40002', { node: 'n10' })]), undefined);
    const ids = (order: 'cpu' | 'rss' | 'node' | 'tid'): string => sorted(tasks, order).map(({ tid }) => tid).join(' ');
    assert.equal(ids('tid'), 't40002 t40010 tc0001');
    assert.equal(ids('rss'), 't40002 t40010 tc0001');
    assert.equal(ids('node'), 't40010 tc0001 t40002');
  });
  it('keeps to the size of the terminal, and says what is left out', () => {
    const tasks = withCpu(look(0, Array.from({ length: 100 }, (_, at) => task(`t4${String(at + 1).padStart(4, '0')}`))), undefined);
    const lines = screenful({ vm: 'v', nodes: [{ name: 'n1', address: 'a', state: 'up', tasks: 100, load: 1, cpus: 2, memoryFreeBytes: 1 } as NodeShape], tasks, moves: [], order: 'tid' }, 20, 40, 'trouble');
    assert.equal(lines.length, 20);
    assert.ok(lines.every((line) => line.length <= 40));
    assert.ok(lines.some((line) => line.startsWith('… and')), lines.join('\n'));
    assert.ok(lines[0]?.includes('trouble'));
  });
});

describe('mpvm top', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 2 });

  it('without a terminal: one look, as tables or for programs', async () => {
    const [tid] = await lab().spawn('spinner', ['1000000000000'], 'n1');
    const name = `t${tid!.toString(16)}`;
    const top = await lab().json<{ nodes: { name: string }[]; tasks: { tid: string; cpuPercent: number }[]; moves: unknown[] }>(['top']);
    assert.deepEqual(top.nodes.map((node) => node.name), ['n1', 'n2']);
    assert.deepEqual(top.moves, []);
    const own = top.tasks.find((one) => one.tid === name);
    assert.ok(own && own.cpuPercent > 0, JSON.stringify(top.tasks));
    const plain = await lab().cli(['top', '--sort', 'tid']);
    assert.match(plain.stdout, /^NODE +ADDRESS +STATE +TASKS +LOAD +CPUS +FREE\nn1 /);
    assert.match(plain.stdout, new RegExp(`\n${name} +n1 +running +\\d+\\.\\d % .* spinner\n`));
    await lab().cli(['kill', name]);
  });

  it('at a terminal: tasks and moves as they happen, and the screen is given back', async function () {
    const missing = terminalMissing();
    if (missing) skip(this, missing);
    const [tid] = await lab().spawn('spinner', ['1000000000000'], 'n1');
    const name = `t${tid!.toString(16)}`;
    const screen = await Screen.open({ env: { ...lab().env, PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` }, cwd: lab().directory });
    try {
      await screen.enter('mpvm top');
      await screen.shows((lines) => lines.some((line) => new RegExp(`^${name} +n1 +running`).test(line)));
      await lab().move(tid!, 'n2');
      await screen.shows(`${name} migrated to n2`);
      await screen.shows((lines) => lines.some((line) => new RegExp(`^${name} +n2 +running.* 1 +spinner`).test(line)));
      await screen.press('n');
      await screen.shows('by node');
      await screen.press('q');
      const lines = await screen.shows((seen) => seen.at(-1) === 'shell>');
      assert.deepEqual(lines, ['shell> mpvm top', 'shell>']);
    } finally {
      await screen.close();
      await lab().cli(['kill', name]);
    }
  });
});
