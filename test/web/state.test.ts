/** What a page is told, and what it makes of it: pure. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeEvent, EventDecoder, heartbeat } from '../../daemon/shared/event-stream.js';
import { changes, State } from '../../daemon/shared/state.js';
import { Timeline } from '../../daemon/shared/timeline.js';
import { historyMs, mostMoves } from '../../daemon/shared/wire.js';
import type { Activity, Move, News, Task } from '../../daemon/shared/wire.js';

const task = (tid: string, node: string, epoch = 0): Task => ({ tid, node, pid: 1, state: 'running', program: '/x/prog', epoch, rssBytes: 1, parent: null, started: null });
const move = (id: string, outcome: string): Move => ({
  id, tid: 't40001', from: 'n1', to: 'n2', engine: 'native', state: 'resumed', outcome, code: '', reason: '', started: null, totalMs: 1, downtimeMs: 1,
  obtrusivenessMs: 1, rounds: 1, transferredBytes: 1, remainingBytes: 0, mbps: 0, phases: [], blockers: [],
});
const activity = (at: number, node: string, tid: string, ms = 500): Activity => ({ node, at, ms, tasks: [[tid, 50, 0, 50, 1]], talks: [[tid, 't40002', 3, 300]] });

describe('the state of a page', () => {
  it('told only what has changed, is what the daemon knows', () => {
    const anyTask = fc.record({ tid: fc.constantFrom('t40001', 't40002', 't80001', 'tc0001'), node: fc.constantFrom('n1', 'n2'), epoch: fc.nat(3) }).map(({ tid, node, epoch }) => task(tid, node, epoch));
    const tables = fc.array(fc.uniqueArray(anyTask, { selector: ({ tid }) => tid }), { maxLength: 12 });
    fc.assert(fc.property(tables, (steps) => {
      const [daemon, page] = [new State(), new State()];
      for (const table of steps) {
        const data = changes(daemon.tasks, table, ({ tid }) => tid);
        if (data) for (const state of [daemon, page]) state.apply({ event: 'tasks', data: structuredClone(data) });
        assert.deepEqual(new Map(page.tasks), new Map(table.map((one) => [one.tid, one])));
      }
    }));
  });
  it('nothing is told when nothing has changed', () => {
    assert.equal(changes(new Map([['t40001', task('t40001', 'n1')]]), [task('t40001', 'n1')], ({ tid }) => tid), undefined);
  });
  it('a page that comes late is told all by a snapshot, which replaces what it had', () => {
    const early = new State();
    const all: News[] = [
      { event: 'tasks', data: { changed: [task('t40001', 'n1')], gone: [] } },
      { event: 'move', data: move('m1', 'completed') },
      { event: 'activity', data: activity(1000, 'n1', 't40001') },
    ];
    for (const news of all) early.apply(news);
    const late = new State();
    late.apply({ event: 'tasks', data: { changed: [task('t99999', 'n9')], gone: [] } });
    late.apply({ event: 'snapshot', data: structuredClone(early.snapshot(5)) });
    assert.deepEqual(late.snapshot(5), early.snapshot(5));
  });
  it('keeps as much of the past as it says, and every move that is under way', () => {
    const state = new State();
    state.apply({ event: 'move', data: move('running', 'running') });
    for (let at = 0; at < mostMoves + 10; at++) state.apply({ event: 'move', data: move(`m${at}`, 'completed') });
    assert.equal(state.moves.size, mostMoves);
    assert.ok(state.moves.has('running') && !state.moves.has('m0'));
    for (let at = 0; at <= historyMs + 5000; at += 1000) state.apply({ event: 'activity', data: activity(at, 'n1', 't40001') });
    assert.equal(state.activity[0]?.at, 5000);
  });
});

describe('the stream of events', () => {
  it('is read as it was written, however it is cut', () => {
    const value = fc.record({ event: fc.constantFrom('snapshot', 'move'), data: fc.jsonValue() });
    fc.assert(fc.property(fc.array(value, { maxLength: 8 }), fc.array(fc.nat(40), { minLength: 1, maxLength: 50 }), (events, cuts) => {
      const text = events.map((event) => encodeEvent(event) + heartbeat).join('');
      const decoder = new EventDecoder();
      const read = [];
      for (let at = 0, turn = 0; at < text.length; turn++) {
        const length = cuts[turn % cuts.length]! + 1;
        read.push(...decoder.take(text.slice(at, at + length)));
        at += length;
      }
      assert.deepEqual(read, JSON.parse(JSON.stringify(events)));
    }));
  });
});

describe('the timeline of the diagram', () => {
  it('stretches follow one another, and a move changes their node', () => {
    const timeline = new Timeline();
    for (const [at, node] of [[1000, 'n1'], [1510, 'n1'], [2020, 'n2'], [2500, 'n2']] as const) timeline.add(activity(at, node, 't40001'));
    const stretches = timeline.stretches.get('t40001')!;
    assert.deepEqual(stretches.map(({ node }) => node), ['n1', 'n1', 'n2', 'n2']);
    for (const [at, stretch] of stretches.entries()) if (at > 0) assert.equal(stretch.from, stretches[at - 1]!.to);
    assert.equal(timeline.at('t40001', 1800)?.node, 'n2');
    assert.deepEqual(timeline.sentAt('t40001', 900), { messages: 3, bytes: 300, receivers: 1 });
  });
  it('a time that nobody has told of stays empty', () => {
    const timeline = new Timeline();
    timeline.add(activity(1000, 'n1', 't40001'));
    timeline.add(activity(9000, 'n1', 't40001'));
    assert.equal(timeline.at('t40001', 4000), undefined);
    assert.equal(timeline.at('t40001', 8700)?.node, 'n1');
  });
  it('forgets what is over', () => {
    const timeline = new Timeline();
    for (let at = 500; at <= 5000; at += 500) timeline.add(activity(at, 'n1', at < 2000 ? 't40001' : 't40002'));
    timeline.forget(3000);
    assert.deepEqual([...timeline.stretches.keys()], ['t40002']);
    assert.ok(timeline.messages.every(({ to }) => to >= 3000));
  });
});
