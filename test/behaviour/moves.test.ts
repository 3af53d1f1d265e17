/** A move is not felt, whatever the program is doing. */
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { dismiss, examine } from '../lab/health.js';
import { useLab } from '../lab/lab.js';
import { plainTcp } from '../lab/plain-tcp.js';
import { until } from '../lab/wait.js';

describe('a task moves while it', function () {
  this.timeout(90_000);
  const lab = useLab({ nodes: 3 });
  const hop = async (tid: number, times: number): Promise<void> => {
    const nodes = await lab().nodeNames();
    let at = nodes.indexOf((await lab().task(tid))?.node ?? '');
    for (let i = 0; i < times; i++) {
      at = (at + 1) % nodes.length;
      await lab().move(tid, nodes[at]!);
    }
  };

  it('waits in pvm_recv with everything a process can own set up', async () => {
    const run = await lab().run('subject', [lab().directory]);
    await run.printed('subject ready');
    assert.deepEqual((await examine(lab(), run.tid)).findings, [], 'before any move');
    for (let i = 0; i < 4; i++) {
      await hop(run.tid, 1);
      assert.deepEqual((await examine(lab(), run.tid)).findings, [], `after ${i + 1} moves`);
    }
    await dismiss(lab(), run.tid);
    await run.success();
  });

  for (const kind of ['malloc', 'printf', 'syscall', 'compute', 'memcpy', 'message', 'control', 'file']) {
    it(`is busy with ${kind}`, async () => {
      const run = await lab().run('busy', [kind, join(lab().directory, `busy-${kind}`)]);
      await run.printed('busy ready');
      await hop(run.tid, 12);
      await lab().shell('poke', ['1', run.tid.toString(16)]);
      await run.success();
    });
  }

  for (const kind of ['nanosleep', 'clock_nanosleep', 'usleep', 'select', 'poll', 'trecv']) {
    it(`sleeps in ${kind}`, async () => {
      const run = await lab().run('sleeper', [kind, '150', '6']);
      await run.printed('sleeper ready');
      for (let i = 0; i < 6 && !run.over; i++) {
        await hop(run.tid, 1).catch((error: unknown) => {
          if (!run.over && !/TASK_ENDED|no task/.test(String(error))) throw error;
        });
      }
      assert.match(await run.success(), new RegExp(`sleeper ok ${kind}`));
    });
  }

  for (const threads of [3, 24]) {
    it(`has ${threads} threads that compute, lock, sleep, and talk in turn`, async () => {
      const run = await lab().run('threads', [String(threads)]);
      await run.printed('threads ready');
      await hop(run.tid, 8);
      await lab().shell('poke', ['1', run.tid.toString(16)]);
      assert.match(await run.success(), /threads ok/);
    });
  }

  it('has only just been spawned', async () => {
    const nodes = await lab().nodeNames();
    for (let i = 0; i < 20; i++) {
      const [tid] = await lab().spawn('sleeper', ['nanosleep', '60000', '1'], nodes[i % 2]);
      await lab().move(tid!, nodes[2]!);
      await lab().control.signal({ tid: tid!, signum: 9 });
    }
  });

  it('computes in floating point: the result is the same, bit for bit', async () => {
    const steps = '60000000';
    const still = await lab().run('spinner', [steps]);
    const expected = (await still.success()).split('\n')[1];
    const run = await lab().run('spinner', [steps]);
    await run.printed('spinner started');
    let moves = 0;
    while (!run.over) {
      await hop(run.tid, 1).then(() => moves++, (error: unknown) => {
        if (!run.over && !/TASK_ENDED|no task/.test(String(error))) throw error;
      });
    }
    assert.equal((await run.success()).split('\n')[1], expected);
    assert.ok(moves > 0);
  });

  it('prints: no line is lost, doubled or out of order', async () => {
    const run = await lab().run('printer', ['8000', '1000']);
    await run.printed('line 10 ');
    for (let i = 0; i < 10 && !run.over; i++) await hop(run.tid, 1);
    const lines = (await run.success()).trim().split('\n');
    for (const [stream, first] of [['stdout', 0], ['stderr', 1]] as const) {
      const numbers = lines.filter((line) => line.endsWith(stream)).map((line) => Number(/^line (\d+)/.exec(line)?.[1]));
      assert.deepEqual(numbers, Array.from({ length: 4000 }, (_, i) => 2 * i + first), stream);
    }
    assert.equal(lines.at(-1), 'printer ok 8000');
  });

  it('is one of hundreds that were spawned together, and is found where it is then', async () => {
    const run = await lab().run('farm', ['320', '1000', '1'], 'n1');
    await run.printed('farm started', 60_000);
    const worker = await until('a worker elsewhere', async () => (await lab().tasks()).find(({ node, state, tid }) => node === 'n2' && state === 'running' && tid !== run.tid));
    await lab().move(worker.tid!, 'n3');
    await run.success();
    // The last that each worker hears is that it shall stop.
    await until('all workers have stopped', async () => (await lab().tasks()).length === 0);
  });

  it('holds 256 MiB', async () => {
    const run = await lab().run('big', ['256']);
    await run.printed('big ready', 60_000);
    const nodes = await lab().nodeNames();
    const there = nodes.find((name) => name !== nodes[0])!;
    const move = await lab().move(run.tid, (await lab().task(run.tid))?.node === there ? nodes[0]! : there);
    const plain = await plainTcp('127.0.0.1', 256);
    const streamed = (move.mbps ?? 0) / 8;
    console.log(`      stream ${streamed.toFixed(0)} MB/s, a plain C program ${plain.toFixed(0)} MB/s: ${(streamed / plain).toFixed(2)}`);
    console.log(`      ${((move.transferredBytes ?? 0) / 2 ** 20).toFixed(0)} MiB, ${move.rounds} rounds, ${(move.mbps ?? 0).toFixed(0)} mbps, downtime ${((move.downtimeUs ?? 0) / 1000).toFixed(1)} ms, cost ${((move.totalUs ?? 0) / 1000).toFixed(1)} ms`);
    await lab().shell('poke', ['1', run.tid.toString(16)]);
    assert.match(await run.success(), /big ok 256/);
  });

  it('writes to 64 MiB all the time', async () => {
    const run = await lab().run('big', ['64', '200']);
    await run.printed('big ready', 60_000);
    await hop(run.tid, 4);
    await lab().shell('poke', ['1', run.tid.toString(16)]);
    assert.match(await run.success(), /big ok 64/);
  });
});
