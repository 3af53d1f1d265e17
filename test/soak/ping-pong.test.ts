/** One task goes to and fro between two nodes and is as healthy afterwards as before. */
import assert from 'node:assert/strict';
import { dismiss, examine } from '../lab/health.js';
import { useLab } from '../lab/lab.js';

const times = Number(process.env.MPVM_SOAK ?? 0) > 0 ? 1000 : 100;

describe('a task that moves again and again stays healthy', function () {
  this.timeout(600_000);
  const lab = useLab({ nodes: 2 });

  it(`${times} times between two nodes`, async () => {
    const nodes = await lab().nodeNames();
    const run = await lab().run('subject', [lab().directory], nodes[0]);
    await run.printed('subject ready');
    assert.deepEqual((await examine(lab(), run.tid)).findings, []);
    for (let i = 1; i <= 4; i++) await lab().move(run.tid, nodes[i % 2]!);
    const before = await examine(lab(), run.tid);
    for (let i = 1; i <= times; i++) {
      await lab().move(run.tid, nodes[i % 2]!);
      if (i % 25 === 0) assert.deepEqual((await examine(lab(), run.tid)).findings, [], `after ${i} moves`);
    }
    const after = await examine(lab(), run.tid);
    console.log(`      before: rss ${before.rss} KiB, ${before.fds} fds, ${before.maps} maps, ${before.rtt_us} us; after ${times} moves: rss ${after.rss} KiB, ${after.fds} fds, ${after.maps} maps, ${after.rtt_us} us`);
    assert.deepEqual(after.findings, []);
    assert.equal(after.fds, before.fds, 'descriptors');
    assert.equal(after.threads, before.threads, 'threads');
    assert.ok(after.rss < before.rss + 2048, `memory grew from ${before.rss} to ${after.rss} KiB`);
    assert.ok(after.maps <= before.maps + 8, `mappings grew from ${before.maps} to ${after.maps}`);
    await dismiss(lab(), run.tid);
    await run.success();
  });
});
