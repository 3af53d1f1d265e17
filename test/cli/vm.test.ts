/** The command and a VM: what it prints for programs, how `mpvm run` ends, and what `up` and `down` bring back and take away. */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { useLab } from '../lab/lab.js';
import { until } from '../lab/wait.js';

type Row = Record<string, unknown>;

describe('mpvm with a VM', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 2 });

  /** Options of ours stand before the program; what follows it is the program's. */
  async function spawn(...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await lab().cli(['spawn', '-o', 'json', ...args]);
    equal(code, 0, stderr);
    return (JSON.parse(stdout) as { tids: string[] }).tids;
  }

  it('lists nodes for programs', async () => {
    const nodes = await lab().json<Row[]>(['nodes']);
    deepEqual(nodes.map((node) => node.name), ['n1', 'n2']);
    for (const node of nodes) {
      deepEqual(['name', 'address', 'state', 'cordoned', 'tasks', 'load'].filter((key) => !(key in node)), []);
      equal(node.state, 'up');
      equal(node.cordoned, false);
      match(String(node.address), /^127\./);
    }
  });

  it('lists tasks for programs, ids as PVM prints them', async () => {
    const tids = await spawn('-n', '2', 'sleeper', 'nanosleep', '60000', '1');
    equal(tids.length, 2);
    const tasks = await lab().json<Row[]>(['ps']);
    for (const tid of tids) {
      const task = tasks.find((row) => row.tid === tid);
      ok(task, tid);
      deepEqual(['tid', 'node', 'pid', 'state', 'program', 'epoch', 'rssBytes', 'engine'].filter((key) => !(key in task)), []);
      match(String(task.node), /^n[12]$/);
      ok(Number(task.rssBytes) > 0);
    }
    equal((await lab().cli(['kill', ...tids])).code, 0);
    await until('the tasks have ended', async () => (await lab().tasks()).length === 0);
  });

  it('ends mpvm run with the exit code of the program, after all of its output', async () => {
    const result = await lab().cli(['run', '/bin/sh', '-c', 'echo out; echo err >&2; exit 7']);
    equal(result.code, 7);
    deepEqual(result.stdout.split('\n').sort(), ['', 'err', 'out']);
  });

  it('reports a program that a signal ended as a shell does', async () => {
    equal((await lab().cli(['run', '/bin/sh', '-c', 'kill -9 $$'])).code, 137);
  });

  it('gives a program its arguments, options and all, and the directory and environment of the caller', async () => {
    const result = await lab().cli(['run', '--node', 'n2', '/bin/sh', '-c', 'echo "$0 $1"; pwd; echo $COLOUR', '--name', '-n'], { cwd: '/usr', env: { COLOUR: 'green' } });
    equal(result.stdout, '--name -n\n/usr\ngreen\n');
  });

  it('marks the lines of several tasks with their ids', async () => {
    const { stdout } = await lab().cli(['run', '-n', '2', '/bin/echo', 'hello']);
    const lines = stdout.trim().split('\n').sort();
    equal(lines.length, 2);
    for (const line of lines) match(line, /^\[t[0-9a-f]+\] hello$/);
  });

  it('kills the tasks of mpvm run at Ctrl-C', async () => {
    const running = lab().startCli(['run', '/bin/sh', '-c', 'echo here; sleep 1000']);
    await until('the program runs', () => running.stdout.includes('here'));
    running.child.kill('SIGINT');
    equal((await running.ended).code, 130);
    await until('its task has ended', async () => (await lab().tasks()).length === 0);
  });

  it('takes cordon and uncordon twice without complaint, and keeps the reason and who gave it', async () => {
    match((await lab().cli(['cordon', 'n2', '--reason', 'new disk'])).stdout, /^node\/n2 cordoned$/m);
    match((await lab().cli(['cordon', 'n2'])).stdout, /^node\/n2 already cordoned$/m);
    const [, n2] = await lab().json<Row[]>(['nodes']);
    equal(n2?.cordonReason, 'new disk');
    ok(n2.cordonUser);
    match((await lab().cli(['uncordon', 'n2'])).stdout, /^node\/n2 uncordoned$/m);
    match((await lab().cli(['uncordon', 'n2'])).stdout, /^node\/n2 already uncordoned$/m);
  });

  it('does what it can when one of several names is wrong, names that one, and exits 3', async () => {
    const { code, stdout, stderr } = await lab().cli(['cordon', 'n9', 'n2']);
    equal(code, 3);
    match(stdout, /node\/n2 cordoned/);
    match(stderr, /no node n9/);
    await lab().cli(['uncordon', 'n2']);
  });

  it('brings back a daemon that was killed, with the tasks it had', async () => {
    const tids = await spawn('--node', 'n2', 'sleeper', 'nanosleep', '60000', '1');
    await lab().killDaemon('n2');
    const { code, stdout } = await lab().cli(['up', '--nodes', '2']);
    equal(code, 0, stdout);
    match(stdout, /node n2 up/);
    await until('the task is there again', async () => (await lab().json<Row[]>(['ps'])).some((row) => row.tid === tids[0] && row.state === 'running'));
    await lab().cli(['kill', ...tids]);
  });

  it('adds nodes to a VM that is up', async () => {
    equal((await lab().cli(['up', '--nodes', '3'])).code, 0);
    deepEqual((await lab().json<Row[]>(['nodes'])).map((node) => node.name), ['n1', 'n2', 'n3']);
  });
});
