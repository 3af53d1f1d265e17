/**
 * Copying memory while the program runs: what need not travel does not, writes are found in every
 * way there is, a move that does not converge follows its policy, and the node's limit is kept.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { likelyTracking } from '../../daemon/migration/tracking.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import { useLab } from '../lab/lab.js';
import type { Move, MoveOptions } from '../lab/lab.js';
import { build } from '../lab/paths.js';
import { skip } from '../lab/skip.js';
import type { TaskRun } from '../lab/task-run.js';

const { Tracking, NoConvergence } = mpvm.task;
const mebibyte = 1 << 20;

describe('memory copied while the program runs', function () {
  this.timeout(120_000);
  const lab = useLab({ nodes: 3 });

  const started = async (program: string, args: string[]): Promise<TaskRun> => {
    const run = await lab().run(program, args, 'n2');
    await run.printed(`${program} ready`, 60_000);
    return run;
  };
  const moved = async (run: TaskRun, to: string, options: MoveOptions = {}): Promise<Move> => {
    const move = await lab().migrate(run.tid, to, options);
    assert.equal(move.outcome, 'completed', JSON.stringify(move));
    return move;
  };
  /** It checks what it holds, and ends. */
  const checked = async (run: TaskRun): Promise<void> => {
    await lab().shell('poke', ['1', run.tid.toString(16)]);
    await run.success();
  };

  describe('does not send', () => {
    const cases = { zeros: 'pages of zeros', untouched: 'memory that was never touched', dropped: 'memory that was given back', freed: 'memory that was given up (MADV_FREE)', trimmed: 'heap that was freed', file: 'what a mapped file has' };
    for (const [kind, what] of Object.entries(cases)) {
      it(what, async function () {
        if (kind === 'freed' && /^SwapTotal:\s+[1-9]/m.test(readFileSync('/proc/meminfo', 'utf8'))) skip(this, 'this machine swaps');
        const file = join(lab().directory, 'sevens');
        if (kind === 'file') writeFileSync(file, Buffer.alloc(32 * mebibyte, 7));
        const run = await started('holder', [kind, '32', file]);
        for (const to of ['n3', 'n2']) {
          const { transferredBytes = 0 } = await moved(run, to);
          assert.ok(transferredBytes! > mebibyte && transferredBytes! < 6 * mebibyte, `${transferredBytes} bytes to ${to}`);
        }
        await checked(run);
      });
    }
  });

  describe('finds what is written meanwhile', () => {
    const ways = { userfaultfd: Tracking.USERFAULTFD, 'soft-dirty': Tracking.SOFT_DIRTY, compare: Tracking.COMPARE, none: Tracking.NO_TRACKING };
    const probe = execFileSync(join(build, 'bin/mpvm-probe'), { encoding: 'utf8' });
    const lacks = (way: string): string | undefined => {
      const asked = { userfaultfd: ['userfaultfd', 'userfaultfd-wp-async', 'pagemap-scan'], 'soft-dirty': ['soft-dirty'] }[way] ?? [];
      const missing = asked.filter((question) => !probe.includes(`${question} yes`));
      return missing.length > 0 ? `this kernel lacks ${missing.join(', ')}` : undefined;
    };

    for (const [way, tracking] of Object.entries(ways)) {
      it(`by ${way}`, async function () {
        const lacking = lacks(way);
        if (lacking !== undefined) skip(this, lacking);
        const run = await started('big', ['16', '50']);
        for (const to of ['n3', 'n2']) {
          const { tracking: used, rounds = 0 } = await moved(run, to, { tracking });
          assert.equal(used, tracking);
          if (way === 'none') assert.equal(rounds, 1);
          else assert.ok(rounds! >= 2);
        }
        await checked(run);
      });
    }

    it('and sends only that again', async () => {
      for (const tracking of [Tracking.ANY, Tracking.COMPARE]) {
        const run = await started('big', ['16']);
        const { transferredBytes = 0 } = await moved(run, 'n3', { tracking });
        assert.ok(transferredBytes! > 16 * mebibyte && transferredBytes! < 20 * mebibyte, `${transferredBytes} bytes`);
        await checked(run);
      }
    });

    it('or says that this kernel cannot, and the task stays', async function () {
      const way = Object.keys(ways).find((name) => lacks(name) !== undefined);
      if (way === undefined) skip(this, 'this kernel can do it in every way');
      const run = await started('big', ['1']);
      const { outcome, code } = await lab().migrate(run.tid, 'n3', { tracking: ways[way as keyof typeof ways] });
      assert.deepEqual([outcome, code], ['aborted', 'TRACKING_MISSING']);
      await checked(run);
    });

    it('in the way that was announced', async () => {
      const run = await started('big', ['1']);
      const announced = (await lab().control.explain({ tid: run.tid, to: 'n3' })).tracking;
      assert.equal(announced, await likelyTracking());
      assert.equal((await moved(run, 'n3')).tracking, ways[announced as keyof typeof ways]);
      await checked(run);
    });
  });

  describe('when the program writes faster than its memory can be sent', () => {
    const limit = 60 * mebibyte;
    before(() => lab().control.limit({ node: 'n2', set: true, bytesPerSecond: limit }));
    after(() => lab().control.limit({ node: 'n2', set: true, bytesPerSecond: 0 }));
    const restless = (): Promise<TaskRun> => started('big', ['8', '500']);

    it('stops it for as long as the rest takes, and says so', async () => {
      const run = await restless();
      const move = await moved(run, 'n3', { maxDowntimeMs: 1, onNoConvergence: NoConvergence.FREEZE });
      assert.deepEqual([move.noConvergence, move.throttlePercent], [true, 0]);
      assert.ok(move.rounds! >= 3);
      await checked(run);
    });

    it('slows it down, and the timeline shows by how much', async () => {
      const run = await restless();
      const move = await moved(run, 'n3', { maxDowntimeMs: 1, onNoConvergence: NoConvergence.THROTTLE });
      assert.equal(move.noConvergence, true);
      assert.ok(move.throttlePercent! >= 50);
      assert.ok(move.phases!.some(({ name }) => name === `round ${move.rounds! - 1}, throttled by ${move.throttlePercent} %` || /throttled by/.test(name ?? '')), JSON.stringify(move.phases));
      await checked(run);
    });

    it('leaves it where it is, running', async () => {
      const run = await restless();
      const { outcome, code } = await lab().migrate(run.tid, 'n3', { maxDowntimeMs: 1, onNoConvergence: NoConvergence.GIVE_UP });
      assert.deepEqual([outcome, code, (await lab().task(run.tid))?.node], ['aborted', 'NO_CONVERGENCE', 'n2']);
      await checked(run);
    });

    it('is not said of one that rests', async () => {
      const run = await started('big', ['8']);
      const move = await moved(run, 'n3', { onNoConvergence: NoConvergence.GIVE_UP });
      assert.deepEqual([move.noConvergence, move.throttlePercent], [false, 0]);
      await checked(run);
    });
  });

  it('goes no faster than the node may, several moves together', async () => {
    const bytesPerSecond = 40 * mebibyte;
    assert.equal((await lab().control.limit({ node: 'n2', set: true, bytesPerSecond })).bytesPerSecond, bytesPerSecond);
    const runs = await Promise.all([started('big', ['8']), started('big', ['8'])]);
    const moves = await Promise.all([moved(runs[0], 'n3'), moved(runs[1], 'n1')]);
    const copying = (name: string): number[] => moves.map(({ startedMs = 0, phases = [] }) => startedMs! * 1000 + (phases!.find((phase) => phase.name === name)?.startUs ?? 0));
    const seconds = (Math.max(...copying('frozen')) - Math.min(...copying('precopy'))) / 1e6;
    // No test of speed: faster than this it cannot have been sent.
    assert.ok(seconds > (16 * mebibyte * 0.8) / bytesPerSecond, `${seconds} s`);
    await lab().control.limit({ node: 'n2', set: true, bytesPerSecond: 0 });
    for (const run of runs) await checked(run);
  });

  it('ends while the program waits for a message, where it does', async () => {
    const waits = await started('big', ['1']);
    assert.equal((await moved(waits, 'n3')).waiting, true);
    await checked(waits);
    const tid = (await lab().spawn('spinner', ['100000000000'], 'n2'))[0]!;
    assert.equal((await lab().move(tid, 'n3')).waiting, false);
    await lab().control.signal({ tid, signum: 9 });
  });
});
