/** Plans that give nodes back to their owners: in time, in words, and with tasks that linger. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { mayRaise } from '../../daemon/balance/lingerers.js';
import { wanted } from '../../daemon/balance/request.js';
import type { mpvm } from '../../daemon/rpc/messages.js';
import { planBalance } from '../../daemon/schedule/balance.js';
import { defaultOptions } from '../../daemon/schedule/policy.js';
import type { BalanceOptions, BalancePlan } from '../../daemon/schedule/policy.js';
import { endTimes } from '../../daemon/schedule/reclaim.js';
import type { NodeView, PlannedMove, TaskView } from '../../daemon/schedule/snapshot.js';

const MiB = 1 << 20;
const node = (name: string, more: Partial<NodeView> = {}): NodeView => ({ name, up: true, cordoned: false, cores: 2, other: 0, memoryFreeBytes: 64_000 * MiB, bytesPerSecond: 100 * MiB, canLinger: true, ...more });
const task = (tid: number, on: string, more: Partial<TaskView> = {}): TaskView => ({ tid, node: on, bytes: 50 * MiB, demand: 1, cpuSeconds: 60, blocked: [], refusedBy: [], ...more });
const plan = (nodes: NodeView[], tasks: TaskView[], more: Partial<BalanceOptions> = {}): BalancePlan => planBalance({ nodes, tasks }, { ...defaultOptions, ...more });
const tids = ({ moves }: BalancePlan): number[] => moves.map(({ tid }) => tid);

describe('a node is given back', () => {
  it('when it is asked for: its tasks go, and nothing else moves', () => {
    const result = plan([node('a'), node('b', { cores: 8 }), node('c')], [task(1, 'a'), ...[2, 3, 4, 5, 6].map((tid) => task(tid, 'c'))], { reclaim: ['a'] });
    assert.deepEqual(result.moves.map(({ tid, from, to }) => [tid, from, to]), [[1, 'a', 'b']]);
    assert.match(result.moves[0]!.reason, /^it is asked for by its owner/);
    assert.deepEqual(result.reclaims?.map(({ node: name, inTime, withinSeconds }) => [name, inTime, withinSeconds]), [['a', true, 0]]);
  });

  it('in an order and with as many moves at once as the goal needs', () => {
    const tasks = [1, 2, 3, 4, 5, 6, 7, 8].map((tid) => task(tid, 'a', { bytes: 0 }));
    const lanes = (withinSeconds: number): number => plan([node('a'), node('b')], tasks, { reclaim: ['a'], withinSeconds }).reclaims![0]!.lanes;
    // Each takes 23 ms, whatever it sends.
    assert.deepEqual([lanes(1), lanes(0.05), lanes(0.024)], [2, 4, 8]);
  });

  it('those first that burden it most for what they cost to move', () => {
    const tasks = [task(1, 'a', { bytes: 1000 * MiB }), task(2, 'a', { demand: 0.1 }), task(3, 'a'), task(4, 'a', { bytes: 500 * MiB })];
    assert.deepEqual(tids(plan([node('a'), node('b')], tasks, { reclaim: ['a'] })), [3, 4, 2, 1]);
  });

  it('and the plan says when that cannot be in time, and what will be', () => {
    const tasks = [task(1, 'a', { bytes: 1000 * MiB }), task(2, 'a'), task(3, 'a')];
    const result = plan([node('a'), node('b')], tasks, { reclaim: ['a'], withinSeconds: 5 });
    assert.deepEqual(result.reclaims!.map(({ inTime, withinSeconds }) => [inTime, withinSeconds]), [[false, 5]]);
    assert.match(result.notes.join('\n'), /^a cannot be given back within 5\.0 s: that moves 3 tasks with 1\.1 GiB in about 11 s, \d+ at once; 2 of them will be gone by then/);
    assert.deepEqual(new Set(tids(result).slice(0, 2)), new Set([2, 3]));
  });

  it('and the plan says who cannot leave, and which node there is not', () => {
    const result = plan([node('a'), node('b')], [task(1, 'a', { blocked: ['it holds a socket'] })], { reclaim: ['a', 'z'] });
    assert.deepEqual(result.notes, ['there is no node z that is up', 'a is not given back altogether: t1 stays: it holds a socket']);
    assert.deepEqual(result.stays.map(({ tid, why }) => [tid, why]), [[1, 'blocked']]);
  });

  it('as the load is evened out, when its owner is seen at work', () => {
    const tasks = [task(1, 'a'), ...[2, 3, 4, 5].map((tid) => task(tid, 'b'))];
    const result = plan([node('a', { owner: 'since 10:02' }), node('b'), node('c')], tasks, { withinSeconds: 60 });
    assert.equal(result.moves[0]!.from, 'a');
    assert.ok(result.moves.some(({ from }) => from === 'b'));
    assert.match(result.notes[0]!, /^a is given back within 60 s: 1 task with 50 MiB in about 0\.5 s, 1 at once$/);
  });

  it('ends of moves: what is sent shares the network, what is waited for does not', () => {
    const move = (seconds: number): PlannedMove => ({ tid: 1, from: 'a', to: 'b', bytes: 0, seconds, reason: '' });
    const ends = (lanes: number, ...seconds: number[]): string => endTimes(seconds.map(move), lanes).map((end) => end.toFixed(3)).join();
    assert.equal(ends(1, 1.023, 1.023), '1.023,2.046');
    assert.equal(ends(2, 1.023, 1.023), '2.023,2.023');
    assert.equal(ends(2, 0.023, 0.023, 0.023), '0.023,0.023,0.046');
    assert.equal(ends(4), '');
    fc.assert(fc.property(fc.array(fc.double({ min: 0.023, max: 10, noNaN: true }), { maxLength: 20 }), fc.integer({ min: 1, max: 16 }), (all, lanes) => {
      const last = Math.max(0, ...endTimes(all.map(move), lanes));
      const sent = all.reduce((sum, one) => sum + one - 0.023, 0);
      assert.ok(last >= sent - 1e-6 && last <= sent + 0.023 * all.length + 1e-6);
    }));
  });

  it('a request for it is checked, and measures no longer than the goal allows', () => {
    const refused = (request: mpvm.node.IBalanceRequest): string => {
      try {
        wanted(request);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    assert.match(refused({ reclaim: ['a'], watch: true }), /is done once/);
    assert.match(refused({ policy: 'rotate', linger: true }), /does not give nodes back/);
    assert.match(refused({ withinS: -1 }), /--within/);
    const goal = wanted({ reclaim: ['a', 'a'], withinS: 4, linger: true });
    assert.deepEqual([goal.options.reclaim, goal.options.withinSeconds, goal.options.linger, goal.windowMs], [['a'], 4, true, 200]);
    assert.equal(wanted({ watch: true, withinS: 8 }).periodMs, 2000);
  });
});

describe('a task lingers on a node that is given back', () => {
  const owned = (more: Partial<NodeView> = {}): NodeView => node('a', { owner: 'at work', ...more });
  const lingers = (from: NodeView, what: Partial<TaskView>, to: Partial<NodeView> = {}, more: Partial<BalanceOptions> = {}): string => {
    const { moves, lingers: some = [] } = plan([from, node('b', to)], [task(1, 'a', what)], { linger: true, ...more });
    return [...moves.map(({ to: where }) => `goes to ${where}`), ...some.map(({ on }) => (on ? 'lingers' : 'is lifted'))].join();
  };

  it('where the owner leaves as much as it would have elsewhere', () => {
    assert.equal(lingers(owned({ other: 0.2 }), {}), 'lingers');
    assert.equal(lingers(owned({ other: 2 }), {}), 'goes to b');
  });
  it('where moving costs more than what it would have more elsewhere', () => {
    const crowded = owned({ other: 1.8 }); // 20 % of a processor is left
    assert.equal(lingers(crowded, { bytes: 10_000 * MiB, cpuSeconds: 60 }), 'lingers');
    assert.equal(lingers(crowded, { bytes: 10_000 * MiB, cpuSeconds: 600 }), 'goes to b');
    assert.equal(lingers(crowded, { bytes: 10_000 * MiB, cpuSeconds: 600 }, { other: 9 }), 'lingers');
    assert.equal(lingers(crowded, { bytes: 10_000 * MiB, cpuSeconds: 60 }, {}, { gainFactor: 0.1 }), 'goes to b');
  });
  it('shares what is left with the others that do', () => {
    const { moves, lingers: some } = plan([owned({ other: 1 }), node('b', { cores: 8 })], [1, 2, 3].map((tid) => task(tid, 'a')), { linger: true });
    assert.deepEqual([moves.length, some?.length], [2, 1]);
  });
  it('where it cannot move, with the reason', () => {
    const { moves, lingers: some, stays, notes } = plan([owned({ other: 2 }), node('b')], [task(1, 'a', { blocked: ['it holds a socket'] })], { linger: true });
    assert.deepEqual([moves, some?.map(({ reason }) => reason), stays.length], [[], ['it cannot go: it holds a socket'], 1]);
    assert.match(notes.join(), /t1 stays at low priority: it holds a socket/);
  });
  it('not where its memory is what the owner lacks, where its priority could not be raised again, or where nobody asked for it', () => {
    assert.equal(lingers(owned({ memoryFreeBytes: 50 * MiB }), {}), 'goes to b');
    assert.equal(lingers(owned({ canLinger: undefined }), {}), 'goes to b');
    assert.equal(lingers(owned(), {}, {}, { linger: false }), 'goes to b');
  });
  it('until the owner has gone, and is told apart from those who begin to', () => {
    assert.equal(lingers(node('a'), { lingers: true }), 'is lifted');
    assert.equal(lingers(node('a', { cordoned: true }), { lingers: true }), '');
    assert.equal(lingers(owned(), { lingers: true }), '');
    assert.equal(lingers(owned({ other: 2 }), { lingers: true }), 'goes to b');
  });
  it('only where a daemon can raise priorities again', () => {
    const limits = (value: string): string => `Limit                     Soft Limit           Hard Limit           Units\nMax nice priority         ${value}                    ${value}\n`;
    assert.deepEqual(
      [mayRaise('CapEff:\t0000000000800000\n', ''), mayRaise('CapEff:\t0000000000000000\n', limits('0')), mayRaise('CapEff:\t0000000000000000\n', limits('20')), mayRaise('', '')],
      [true, false, true, false],
    );
  });
});
