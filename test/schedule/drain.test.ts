/** The plan of a drain: pure, so that its promises can be checked for any virtual machine. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { planDrain } from '../../daemon/schedule/drain.js';
import { memoryReserveBytes } from '../../daemon/schedule/place.js';
import type { NodeView, Snapshot, TaskView } from '../../daemon/schedule/snapshot.js';

const MiB = 1 << 20;
const node = (name: string, more: Partial<NodeView> = {}): NodeView => ({ name, up: true, cordoned: false, cores: 2, other: 0, memoryFreeBytes: 4096 * MiB, ...more });
const task = (tid: number, on: string, more: Partial<TaskView> = {}): TaskView => ({ tid, node: on, bytes: 100 * MiB, demand: 1, blocked: [], refusedBy: [], ...more });
const drain = (nodes: NodeView[], tasks: TaskView[], ...drained: string[]): ReturnType<typeof planDrain> => planDrain({ nodes, tasks }, new Set(drained));

describe('the plan of a drain', () => {
  it('spreads tasks over the other nodes by their processors', () => {
    const { moves } = drain([node('a'), node('b', { cores: 2 }), node('c', { cores: 4 })], [1, 2, 3, 4, 5, 6].map((tid) => task(tid, 'a')), 'a');
    assert.deepEqual([moves.filter(({ to }) => to === 'b').length, moves.filter(({ to }) => to === 'c').length], [2, 4]);
  });

  it('counts work that is not of this VM', () => {
    const { moves } = drain([node('a'), node('b', { other: 8 }), node('c')], [task(1, 'a'), task(2, 'a')], 'a');
    assert.deepEqual(moves.map(({ to }) => to), ['c', 'c']);
  });

  it('places the largest task first, where it fits', () => {
    const nodes = [node('a'), node('b', { memoryFreeBytes: memoryReserveBytes + 500 * MiB }), node('c', { memoryFreeBytes: memoryReserveBytes + 100 * MiB })];
    const { moves, stays } = drain(nodes, [task(1, 'a', { bytes: 100 * MiB }), task(2, 'a', { bytes: 500 * MiB })], 'a');
    assert.deepEqual(moves.map(({ tid, to }) => [tid, to]), [[2, 'b'], [1, 'c']]);
    assert.deepEqual(stays, []);
  });

  it('says why a task stays', () => {
    const { stays } = drain([node('a'), node('b', { memoryFreeBytes: 0 })], [task(1, 'a'), task(2, 'a', { blocked: ['it holds a socket'] })], 'a');
    assert.deepEqual(stays.map(({ tid, why }) => [tid, why]).sort(), [[1, 'room'], [2, 'blocked']]);
    assert.match(stays.find(({ tid }) => tid === 1)!.detail, /b has 0 MiB to spare/);
  });

  it('says so when there is no other node', () => {
    const { stays } = drain([node('a'), node('b', { cordoned: true }), node('c', { up: false })], [task(1, 'a')], 'a');
    assert.match(stays[0]!.detail, /no other node/);
  });

  it('leaves alone what is on other nodes', () => {
    assert.deepEqual(drain([node('a'), node('b')], [task(1, 'b')], 'a'), { moves: [], stays: [] });
  });

  const names = ['a', 'b', 'c', 'd', 'e'];
  const snapshots: fc.Arbitrary<{ snapshot: Snapshot; drained: Set<string> }> = fc.record({
    snapshot: fc.record({
      nodes: fc.tuple(...names.map((name) => fc.record({
        name: fc.constant(name), up: fc.boolean(), cordoned: fc.boolean(), cores: fc.integer({ min: 0, max: 64 }),
        other: fc.double({ min: 0, max: 100, noNaN: true }), memoryFreeBytes: fc.nat(2 ** 31 - 1),
      }))),
      tasks: fc.uniqueArray(fc.record({
        tid: fc.nat(1000), node: fc.constantFrom(...names), bytes: fc.nat(2 ** 30), demand: fc.constant(1), blocked: fc.array(fc.constant('held'), { maxLength: 1 }),
        refusedBy: fc.subarray(names),
      }), { selector: ({ tid }) => tid, maxLength: 40 }),
    }),
    drained: fc.subarray(names, { minLength: 1 }).map((found) => new Set(found)),
  });

  it('accounts for each task of the drained nodes exactly once', () => {
    fc.assert(fc.property(snapshots, ({ snapshot, drained }) => {
      const { moves, stays } = planDrain(snapshot, drained);
      const planned = [...moves.map(({ tid }) => tid), ...stays.map(({ tid }) => tid)].sort((a, b) => a - b);
      const there = snapshot.tasks.filter((entry) => drained.has(entry.node)).map(({ tid }) => tid).sort((a, b) => a - b);
      assert.deepEqual(planned, there);
    }));
  });

  it('moves nothing to a node that is down, closed, drained itself, or has refused, and overfills none', () => {
    fc.assert(fc.property(snapshots, ({ snapshot, drained }) => {
      const used = new Map<string, number>();
      for (const move of planDrain(snapshot, drained).moves) {
        const to = snapshot.nodes.find(({ name }) => name === move.to)!;
        const what = snapshot.tasks.find(({ tid }) => tid === move.tid)!;
        assert.ok(to.up && !to.cordoned && !drained.has(to.name) && !what.refusedBy.includes(to.name) && what.blocked.length === 0 && move.from === what.node);
        used.set(to.name, (used.get(to.name) ?? 0) + move.bytes);
      }
      for (const [name, bytes] of used) assert.ok(bytes + memoryReserveBytes <= snapshot.nodes.find((entry) => entry.name === name)!.memoryFreeBytes);
    }));
  });

  it('is the same for the same snapshot', () => {
    fc.assert(fc.property(snapshots, ({ snapshot, drained }) => {
      assert.deepEqual(planDrain(snapshot, drained), planDrain({ nodes: [...snapshot.nodes].reverse(), tasks: [...snapshot.tasks].reverse() }, drained));
    }));
  });

  it('keeps no task back for want of room while a node has it', () => {
    fc.assert(fc.property(snapshots, ({ snapshot, drained }) => {
      const { moves, stays } = planDrain(snapshot, drained);
      for (const { tid, why } of stays) {
        if (why !== 'room') continue;
        const what = snapshot.tasks.find((entry) => entry.tid === tid)!;
        for (const to of snapshot.nodes.filter((entry) => entry.up && !entry.cordoned && !drained.has(entry.name) && !what.refusedBy.includes(entry.name))) {
          const taken = moves.filter((move) => move.to === to.name).reduce((sum, { bytes }) => sum + bytes, 0);
          assert.ok(to.memoryFreeBytes - taken < what.bytes + memoryReserveBytes);
        }
      }
    }));
  });
});
