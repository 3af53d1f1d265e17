/** A daemon that is killed and started again finds the tasks of its node; lost nodes are told of. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pvm, spawnFlag } from '../../daemon/task/codes.js';
import { until } from '../lab/wait.js';
import { useNodes } from './nodes.js';

const on = (node: string) => ({ flags: spawnFlag.Host, where: node });

describe('a node whose daemon is killed', function () {
  this.timeout(60_000);
  const nodes = useNodes(3, { restarts: true });
  const pidOf = async (tid: number): Promise<number> => (await nodes().control().tasks({})).tasks.find((row) => row.tid === tid)?.pid ?? 0;

  it('keeps its tasks, their output and their tids; ends meanwhile are told of', async () => {
    const parent = await nodes().task('n1');
    const gate = join(nodes().directory, 'gate');
    const talker = `while ! [ -e ${gate} ]; do sleep 0.01; done; echo after; exec sleep 60`;
    const output = { inherited: { outputTid: parent.tid, outputTag: 5 } };
    const [lives] = await parent.spawn('sh', ['-c', talker], { ...on('n2'), ...output });
    const [dies] = await parent.spawn('sleep', ['60'], on('n2'));
    for (const tid of [lives!, dies!]) await parent.ask({ notify: { kind: 1, tag: 9, tids: [tid] } });
    const [livesPid, diesPid] = [await pidOf(lives!), await pidOf(dies!)];
    for (const mark of [-2, -1]) assert.equal((await parent.message(5)).ints[1], mark); // it has begun

    await nodes().kill('n2');
    process.kill(diesPid, 'SIGKILL');
    await until('it is gone', () => !existsSync(`/proc/${diesPid}/stat`) || readFileSync(`/proc/${diesPid}/stat`, 'latin1').includes(') Z '));
    await nodes().daemon('n2');

    assert.deepEqual((await parent.message(9)).ints, [dies]);
    assert.equal(await pidOf(lives!), livesPid);
    writeFileSync(gate, '');
    assert.deepEqual((await parent.message(5)).body.subarray(8, 14).toString(), 'after\n');
    const [next] = await parent.spawn('sleep', ['60'], on('n2'));
    assert.ok(next! > dies!, 'a tid was given out twice');
    for (const tid of [lives!, next!]) await parent.ask({ signal: { tid, signum: 15 } });
    assert.deepEqual((await parent.message(9)).ints, [lives]);
  });

  it('takes programs back that enrol with their tid, and sends them what came meanwhile', async () => {
    const watcher = await nodes().task('n2');
    const [watched] = await watcher.spawn('sleep', ['60'], on('n3'));
    await watcher.ask({ notify: { kind: 1, tag: 7, tids: [watched!] } });
    await nodes().kill('n2');
    await nodes().daemon('n2');
    const other = await nodes().task('n1');
    await other.ask({ signal: { tid: watched, signum: 9 } });
    const again = nodes().stranger('n2');
    const answer = await again.enroll({ tid: watcher.tid, incarnation: watcher.incarnation });
    assert.equal(answer.status, 0);
    assert.equal(again.tid, watcher.tid);
    assert.deepEqual((await again.message(7)).ints, [watched]);
  });

});

describe('a node whose daemon is killed and stays away', function () {
  this.timeout(60_000);
  const nodes = useNodes(3);

  it('is declared dead once: its tasks and the host are reported', async () => {
    const task = await nodes().task('n1');
    const [there] = await task.spawn('sleep', ['60'], on('n3'));
    await task.ask({ notify: { kind: 1, tag: 1, tids: [there!] } });
    await task.ask({ notify: { kind: 2, tag: 2, tids: [there! & 0x3ffc0000] } });
    await task.ask({ notify: { kind: 3, tag: 3, count: 1 } });
    await nodes().kill('n3');
    assert.deepEqual((await task.message(1)).ints, [there]);
    assert.deepEqual((await task.message(2)).ints, [there! & 0x3ffc0000]);
    assert.equal((await task.ask({ taskStatus: { tid: there } })).status, pvm.NoTask);

    await nodes().daemon('n3');
    assert.equal((await task.message(3)).ints[0], 1);
    // What ran there was reported as ended, so it must not go on.
    await until('no task is left on n3', async () => (await nodes().control('n3').tasks({})).tasks.every((row) => row.node !== 'n3'));
  });
});
