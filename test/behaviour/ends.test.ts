/** How programs end, and what is told of it, also after moves. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { mpvm } from '../../daemon/rpc/messages.js';
import { useLab } from '../lab/lab.js';
import { program } from '../lab/programs.js';
import { until } from '../lab/wait.js';

/** As a shell counts: a signal is 128 and its number. */
function shellCode(ended: mpvm.control.RunEvent.IEnded | undefined): number | undefined {
  return ended?.signal ? 128 + constants.signals[ended.signal as NodeJS.Signals] : (ended?.code ?? undefined);
}

/** A zombie has ended. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

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

  it('that comes right after its last message takes none of them along', async () => {
    const run = await lab().run('lastwords');
    assert.deepEqual((await run.success()).trim().split('\n'), ['exit: 20 heard', 'kill: 20 heard', 'heir: 20 heard, then the end of their sender']);
  });

  it('is known with its code after a move, too', async () => {
    const nodes = await lab().nodeNames();
    for (const [args, code] of [[['exit', '42'], 42], [['leave', '3'], 3], [['abort'], 134], [['raise', '15'], 143]] as const) {
      const run = await lab().run('crasher', ['wait', ...args], nodes[0]);
      await run.printed('crasher ready');
      await lab().move(run.tid, nodes[1]!);
      await lab().shell('poke', ['1', run.tid.toString(16)]);
      assert.equal(shellCode(await run.finish()), code, args.join(' '));
    }
  });

  it('mpvm kill ends a task wherever it is', async () => {
    const nodes = await lab().nodeNames();
    const still = await lab().run('sleeper', ['nanosleep', '60000', '1'], nodes[0]);
    await still.printed('sleeper ready');
    await lab().move(still.tid, nodes[1]!);
    const killed = await lab().cli(['kill', `t${still.tid.toString(16)}`]);
    assert.equal(killed.code, 0, killed.stderr);
    assert.equal(shellCode(await still.finish()), 143);
  });

  it('the end of mpvm run by Ctrl-C ends its tasks', async () => {
    const run = lab().startCli(['run', program('sleeper'), 'nanosleep', '60000', '1']);
    await run.printed('sleeper ready');
    assert.equal((await lab().tasks()).length, 1);
    run.kill('SIGINT');
    await run.ended;
    await until('no task is left', async () => (await lab().tasks()).length === 0);
  });

  it('the end of mpvm run by Ctrl-C ends what its tasks have started, as at a terminal', async () => {
    const run = lab().startCli(['run', '/bin/sh', '-c', 'sleep 600 & echo child $!; wait']);
    await run.printed('child');
    const child = Number(/child (\d+)/.exec(run.stdout)?.[1]);
    assert.equal(isAlive(child), true);
    run.kill('SIGINT');
    await run.ended;
    await until('the child has ended', () => !isAlive(child));
  });
});
