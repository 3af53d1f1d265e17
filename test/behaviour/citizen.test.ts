/** What a task has with the VM goes with it: groups, mailbox, notices, contexts, handlers, options, collected output. */
import assert from 'node:assert/strict';
import { useLab } from '../lab/lab.js';

describe('a task that moved is the same citizen of the VM', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 3 });

  it('itself, its children, and all of them', async () => {
    const nodes = await lab().nodeNames();
    const run = await lab().run('citizen');
    await run.printed('citizen ready');
    const family = [run.tid, ...[...(/citizen ready (t\S+) (t\S+)/.exec(run.output) ?? [])].slice(1).map((tid) => Number.parseInt(tid.slice(1), 16))];
    assert.equal(family.length, 3);
    const poke = (tag: number): Promise<unknown> => lab().shell('poke', [String(tag), run.tid.toString(16)]);
    let round = 0;
    for (const who of [[0], [1], [2], [1, 2], [0, 1], [0, 1, 2], [0, 1, 2]]) {
      await Promise.all(who.map(async (index) => {
        const at = nodes.indexOf((await lab().task(family[index]!))?.node ?? '');
        await lab().move(family[index]!, nodes[(at + 1) % nodes.length]!);
      }));
      await poke(1);
      await run.printed(`citizen fine ${++round}`);
    }
    await poke(2);
    const output = await run.success();
    assert.match(output, /citizen ok/);
    for (const child of family.slice(1)) {
      const spoken = output.split('\n').filter((line) => line.startsWith(`[t${child.toString(16)}] child`));
      assert.equal(spoken.length, round + 1, output);
    }
  });
});
