/** Nodes that are stopped and come back, and nodes that are slow but alive. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { pause, until } from '../lab/wait.js';
import { useDaemons } from './daemons.js';

describe('a node', function () {
  this.timeout(120_000);
  const vm = useDaemons();

  it('that is stopped with --stay comes back as the same, and gives no tid a second time', async () => {
    await vm().up('n1');
    await vm().start('n2', ['--stay']);
    const spawn = async (): Promise<number> => (await vm().control('n1').spawn({ program: '/bin/sleep', argv: ['1000'], count: 1, node: 'n2', directory: '/' })).tids[0] ?? 0;
    const first = await spawn();
    const { host } = vm().file('n2');
    const key = readFileSync(vm().path('n2', 'tls', 'node-key.pem'), 'utf8');
    assert.equal((await vm().kill('n2', 'SIGTERM')).code, 0);
    await vm().sees('n1', { n2: 'LEFT' });
    assert.deepEqual([existsSync(vm().path('n2', 'control.sock')), existsSync(vm().path('n2', 'task.sock'))], [false, false]);
    await vm().start('n2', ['--stay']);
    await vm().sees('n1', { n1: 'UP', n2: 'UP' });
    assert.deepEqual([vm().file('n2').host, readFileSync(vm().path('n2', 'tls', 'node-key.pem'), 'utf8') === key], [host, true]);
    assert.ok((await spawn()) > first);
    assert.equal((await vm().control('n1').nodes({})).nodes.find(({ name }) => name === 'n2')?.cordoned, false);
  });

  it('is not declared dead because every processor is busy', async () => {
    await vm().up('n1', 'n2', 'n3');
    const hogs = Array.from({ length: 2 * availableParallelism() + 2 }, () => execFile(process.execPath, ['-e', 'for (;;);']));
    try {
      // Longer than the grace that a silent node has.
      for (const end = performance.now() + 7000; performance.now() < end; ) {
        assert.ok(!Object.values(await vm().states('n1')).includes('DEAD'));
        await pause(250);
      }
    } finally {
      for (const hog of hogs) hog.kill('SIGKILL');
    }
    await vm().sees('n1', { n1: 'UP', n2: 'UP', n3: 'UP' });
    assert.deepEqual(vm().log('n1').filter(({ msg }) => msg === 'node declared dead'), []);
    await until('the hogs have gone', () => hogs.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null));
  });
});
