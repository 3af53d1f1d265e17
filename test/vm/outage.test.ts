import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createControlClient } from '../../daemon/rpc/clients.js';
import { useLab } from '../lab/lab.js';
import { program } from '../lab/programs.js';
import { TaskRun } from '../lab/task-run.js';
import { until } from '../lab/wait.js';

describe('tasks that use groups while the registry is killed again and again', function () {
  this.timeout(180_000);
  const lab = useLab({ nodes: 3 });

  it('pass every barrier exactly once, and keep their group and mailbox', async () => {
    // By another node's daemon: the one that is killed cannot carry the output.
    const control = createControlClient(join(lab().directory, lab().name, 'n2/control.sock'), lab().name);
    const run = await TaskRun.start(control.run({ program: program('parade'), argv: ['6', '1000'], count: 1, node: 'n2', directory: lab().directory }));
    await run.printed('round 0');
    for (let kill = 0; kill < 3 && !run.over; kill++) {
      const passed = run.output.length;
      await lab().killDaemon('n1');
      await lab().restart('n1');
      await until('the parade goes on', () => run.over || run.output.length > passed, { timeoutMs: 60_000 });
    }
    assert.match(await run.success(120_000), /parade ok/);
    control.close();
  });
});
