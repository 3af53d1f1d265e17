/** How programs end, and what is told of it, also after moves. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { useLab } from '../lab/lab.js';
import { program } from '../lab/programs.js';
import { until } from '../lab/wait.js';

describe('the end of a program', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 2 });

  it('its exit code is that of mpvm run', async () => {
    for (const code of [0, 1, 7, 255]) {
      const result = await lab().cli(['run', program('crasher'), 'exit', String(code)]);
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stdout, /crasher ends/);
    }
  });

  it('a signal ends mpvm run with 128 and its number, as a shell would', async () => {
    for (const [word, signal] of [['abort', 'SIGABRT'], ['fault', 'SIGSEGV']] as const) {
      const result = await lab().cli(['run', program('crasher'), word]);
      assert.equal(result.code, 128 + constants.signals[signal], result.stderr);
    }
    const result = await lab().cli(['run', program('crasher'), 'raise', '9']);
    assert.equal(result.code, 137);
  });

  it('is known with its code after a move, too', async () => {
    const nodes = await lab().nodeNames();
    for (const [args, code, signal] of [[['exit', '42'], 42, ''], [['leave', '3'], 3, ''], [['abort'], 0, 'SIGABRT'], [['raise', '15'], 0, 'SIGTERM']] as const) {
      const run = await lab().run('crasher', ['wait', ...args], nodes[0]);
      await run.printed('crasher ready');
      await lab().move(run.tid, nodes[1]!);
      await lab().shell('poke', ['1', run.tid.toString(16)]);
      const ended = await run.finish();
      assert.equal(ended?.signal ?? '', signal, args.join(' '));
      if (!signal) assert.equal(ended?.code, code, args.join(' '));
    }
  });

  it('mpvm kill ends a task wherever it is', async () => {
    const nodes = await lab().nodeNames();
    const run = await lab().run('sleeper', ['pause', '1']).catch(() => undefined);
    await run?.cancel();
    const still = await lab().run('sleeper', ['nanosleep', '60000', '1'], nodes[0]);
    await still.printed('sleeper ready');
    await lab().move(still.tid, nodes[1]!);
    const killed = await lab().cli(['kill', `t${still.tid.toString(16)}`]);
    assert.equal(killed.code, 0, killed.stderr);
    assert.equal((await still.finish())?.signal, 'SIGTERM');
  });

  it('the end of mpvm run by Ctrl-C ends its tasks', async () => {
    const run = lab().startCli(['run', program('sleeper'), 'nanosleep', '60000', '1']);
    await run.printed('sleeper ready');
    assert.equal((await lab().tasks()).length, 1);
    run.kill('SIGINT');
    await run.ended;
    await until('no task is left', async () => (await lab().tasks()).length === 0);
  });
});
