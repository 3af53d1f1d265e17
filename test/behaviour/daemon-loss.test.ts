/** Daemons that die, come back, or stay away; the tasks go on. */
import assert from 'node:assert/strict';
import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { useLab } from '../lab/lab.js';
import { program } from '../lab/programs.js';
import { until } from '../lab/wait.js';

describe('a daemon that dies does not take its tasks with it', function () {
  this.timeout(120_000);
  const lab = useLab({ nodes: 3, restarts: true });

  it('a ring goes on while the daemon of one node is dead, and after its return', async () => {
    const nodes = await lab().nodeNames();
    const run = await lab().run('ring', ['6', '100000', '77', '4096']);
    await run.printed('ring started');
    const here = (await lab().tasks()).filter((row) => row.node === nodes[1]).map((row) => [row.tid, row.pid]);
    assert.ok(here.length > 0);
    await lab().killDaemon(nodes[1]!);
    await lab().restart(nodes[1]!);
    if (!run.over) {
      await until('the same tasks under the new daemon', async () => {
        const now = (await lab().tasks()).filter((row) => row.node === nodes[1]);
        return run.over || here.every(([tid, pid]) => now.some((row) => row.tid === tid && row.pid === pid));
      });
    }
    assert.match(await run.success(90_000), /ring ok/);
  });

  it('a task whose daemon came back still moves', async () => {
    const nodes = await lab().nodeNames();
    const [tid] = await lab().spawn('sleeper', ['nanosleep', '100000', '1'], nodes[2]);
    await until('the task runs', async () => (await lab().task(tid!))?.state === 'running');
    await lab().killDaemon(nodes[2]!);
    await lab().restart(nodes[2]!);
    await until('the task is known again', async () => (await lab().task(tid!))?.state === 'running');
    await lab().move(tid!, nodes[1]!);
    assert.equal((await lab().task(tid!))?.node, nodes[1]);
    await lab().cli(['kill', `t${tid!.toString(16)}`]);
  });

  it('a task that was just about to start begins under the next daemon, as who it is', async () => {
    const [, node] = await lab().nodeNames();
    const gate = join(lab().directory, 'gate');
    const [tid] = await lab().spawn('/bin/sh', ['-c', `until test -e ${gate}; do sleep 0.05; done; exec ${program('sleeper')} nanosleep 100000 1`], node);
    const { pid = 0 } = (await lab().task(tid!))!;
    await lab().killDaemon(node!);
    writeFileSync(gate, '');
    await until('it runs', () => readlinkSync(`/proc/${pid}/exe`).endsWith('sleeper'));
    await lab().restart(node!);
    await until('it is the task that was spawned', async () => {
      const row = await lab().task(tid!);
      return row?.state === 'running' && row.pid === pid;
    });
    await lab().cli(['kill', `t${tid!.toString(16)}`]);
  });

  it('the registry survives kill -9: nodes, cordons and moved tasks are remembered', async () => {
    const nodes = await lab().nodeNames();
    const [tid] = await lab().spawn('sleeper', ['nanosleep', '100000', '1'], nodes[1]);
    await lab().move(tid!, nodes[2]!);
    await lab().cli(['cordon', nodes[1]!, '--reason', 'kept']);
    await lab().killDaemon(nodes[0]!);
    await lab().restart(nodes[0]!);
    await until('three nodes again', async () => (await lab().nodes()).filter((node) => (node.state ?? 0) === 0).length === 3);
    const cordoned = (await lab().nodes()).find((node) => node.name === nodes[1]);
    assert.equal(cordoned?.cordoned, true);
    assert.equal(cordoned.cordonReason, 'kept');
    assert.equal((await until('the moved task', () => lab().task(tid!))).node, nodes[2]);
    await lab().cli(['uncordon', nodes[1]!]);
    await lab().move(tid!, nodes[1]!);
    await lab().cli(['kill', `t${tid!.toString(16)}`]);
  });

});

describe('a daemon that stays away', function () {
  this.timeout(120_000);
  const lab = useLab({ nodes: 3 });

  it('has its node declared dead, once, and its tasks with it', async () => {
    const nodes = await lab().nodeNames();
    const run = await lab().run('farm', ['2', '1', '1'], nodes[0]); // the library works before and after
    await run.success();
    const [tid] = await lab().spawn('sleeper', ['nanosleep', '100000', '1'], nodes[2]);
    const row = await until('the task', () => lab().task(tid!));
    await lab().killDaemon(nodes[2]!);
    await until('the node is declared dead', async () => ((await lab().nodes()).find((node) => node.name === nodes[2])?.state ?? 0) === 2, { timeoutMs: 60_000 });
    await until('its task is gone', async () => !(await lab().task(tid!)));
    process.kill(row.pid ?? 0, 'SIGKILL'); // its daemon will not do it any more
  });
});
