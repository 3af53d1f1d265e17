/**
 * Rings and exchanges whose tasks move all the time. Short by default; MPVM_SOAK=1 (or a number of
 * messages) makes the ring pass a million messages.
 */
import assert from 'node:assert/strict';
import { useLab } from '../lab/lab.js';
import { Mover } from './mover.js';

const asked = Number(process.env.MPVM_SOAK ?? 0);
const long = asked > 0;
const messages = asked > 1 ? asked : long ? 1_000_000 : 100_000;

describe('messages are neither lost, doubled, reordered nor spoilt while tasks move', function () {
  this.timeout(long ? 7_200_000 : 300_000);
  const lab = useLab({ nodes: 3 });

  it(`a ring of 8 passes ${messages} messages of 0 B to 1 MiB, a random task moving every 100 ms or faster`, async () => {
    const mover = new Mover(lab());
    console.log(`      seed ${mover.random.seed}`);
    const run = await lab().run('ring', ['8', String(messages), String(mover.random.seed)]);
    await run.printed('ring started');
    mover.start();
    try {
      const output = await run.success(long ? 7_000_000 : 100_000);
      await mover.stop();
      console.log(`      ${output.trim().split('\n').at(-1)}\n      ${mover.summary()}`);
    } finally {
      await mover.stop();
    }
    assert.deepEqual(mover.failures, []);
    assert.ok(mover.moves.length > 0, 'nothing moved');
  });

  it('five tasks exchange blocks all to all while they move', async () => {
    const mover = new Mover(lab(), { everyMs: 60 });
    console.log(`      seed ${mover.random.seed}`);
    const run = await lab().run('alltoall', ['5', long ? '20000' : '2000', String(mover.random.seed)]);
    await run.printed('alltoall started');
    mover.start();
    try {
      await run.success(long ? 3_000_000 : 100_000);
      await mover.stop();
      console.log(`      ${mover.summary()}`);
    } finally {
      await mover.stop();
    }
    assert.deepEqual(mover.failures, []);
  });

  it('a farm hands out units of work to workers that move', async () => {
    const mover = new Mover(lab(), { everyMs: 60 });
    console.log(`      seed ${mover.random.seed}`);
    const run = await lab().run('farm', ['4', long ? '5000' : '300', '10']);
    await run.printed('farm started');
    mover.start();
    try {
      await run.success(long ? 600_000 : 100_000);
      await mover.stop();
      console.log(`      ${mover.summary()}`);
    } finally {
      await mover.stop();
    }
    assert.deepEqual(mover.failures, []);
  });
});
