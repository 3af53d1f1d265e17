/** PVM's own example programs, unedited, with every slave moved while they run. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { binaryDirectories } from '../differential/compile.js';
import { buildExamples } from '../differential/examples.js';
import { judgeMissing } from '../differential/judge.js';
import { useLab } from '../lab/lab.js';
import { program } from '../lab/programs.js';
import { skip } from '../lab/skip.js';
import { until } from '../lab/wait.js';
import { Mover } from './mover.js';

const { ours } = binaryDirectories('examples');

describe('the programs of pvm-examples finish rightly although every slave moves', function () {
  this.timeout(120_000);
  before(async function () {
    const missing = judgeMissing();
    if (missing) skip(this, missing);
    await buildExamples();
  });
  const lab = useLab({ nodes: 3, path: [ours] });

  /** The master is held back before it sends the first data: meanwhile all who wait for it move. */
  async function withSlavesMoved(name: string, slave: string, count: number, input?: string): Promise<{ text: string; moved: number }> {
    const gate = join(lab().directory, `gate-${name}-${count}`);
    const master = lab().startShell(join(ours, name), [], { input, timeoutMs: 60_000, env: { LD_PRELOAD: program('gate.so'), MPVM_TEST_GATE: gate } });
    try {
      const slaves = await until(`${count} slaves`, async () => {
        const rows = (await lab().tasks()).filter((row) => row.program?.endsWith(slave) && row.state === 'running' && (row.flags ?? 0) & 2);
        return rows.length === count && rows;
      });
      const nodes = await lab().nodeNames();
      for (const row of slaves) await lab().move(row.tid ?? 0, nodes[(nodes.indexOf(row.node ?? '') + 1) % nodes.length]!);
      const moving = new Mover(lab(), { everyMs: 30 }).start();
      writeFileSync(gate, '');
      const { stdout, stderr, code, signal, timedOut } = await master.ended;
      await moving.stop();
      assert.deepEqual(moving.failures, []);
      assert.equal(timedOut, false, `${name} did not finish:\n${stdout}${stderr}`);
      assert.equal(signal, null, `${name} ended by ${signal}: ${stdout}${stderr}`);
      assert.notEqual(code, null);
      return { text: stdout, moved: slaves.length + moving.moves.length };
    } finally {
      master.kill('SIGKILL');
    }
  }

  it('master1 and its nine slaves', async () => {
    const { text, moved } = await withSlavesMoved('master1', 'slave1', 9);
    const lines = text.trim().split('\n').filter((line) => line.startsWith('I got'));
    assert.equal(lines.length, 9, text);
    for (const line of lines) assert.match(line, /^I got (\S+) from \d+; \(expecting \1\)$/);
    console.log(`      ${moved} moves`);
  });

  it('gexample, 3000 x 3000 on 6 tasks', async () => {
    const { text, moved } = await withSlavesMoved('gexample', 'gexample', 5, '3000\n6\n');
    assert.match(text, /The 1-Norm is 4501500 /);
    console.log(`      ${moved} moves`);
  });

  it('gexample, 40 x 40 on 9 tasks', async () => {
    const { text } = await withSlavesMoved('gexample', 'gexample', 8, '40\n9\n');
    assert.match(text, /The 1-Norm is 820 /);
    assert.match(text, /The product of column 1 is 8\.15915e\+47 /);
  });
});
