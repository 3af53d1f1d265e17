/** What tasks do, as the nodes tell those who follow them. */
import assert from 'node:assert/strict';
import { parsePulse } from '../../daemon/activity/pulse.js';
import { shares } from '../../daemon/activity/shares.js';
import type { Look } from '../../daemon/activity/shares.js';
import type { mpvm } from '../../daemon/rpc/messages.js';
import { useLab } from '../lab/lab.js';

const look = (atMs: number, ran: number, ready: number, pulse?: { waiting: boolean; slept: number; spun: number }): Look => ({
  atMs, pid: 1, usage: { ranSeconds: ran, waitedSeconds: ready, threads: 1 },
  pulse: pulse && { waiting: pulse.waiting, sleptSeconds: pulse.slept, spunSeconds: pulse.spun },
});

describe('how a task has spent its time', () => {
  const idle = { waiting: false, slept: 0, spun: 0 };
  const cases: { what: string; before: Look; now: Look; expected: [computing: number, ready: number, waiting: number] }[] = [
    { what: 'it computed', before: look(0, 0, 0, idle), now: look(1000, 1, 0, idle), expected: [1, 0, 0] },
    { what: 'others had the processor half of the time', before: look(0, 0, 0, idle), now: look(1000, 0.5, 0.5, idle), expected: [0.5, 0.5, 0] },
    { what: 'waits that are over', before: look(0, 0, 0, idle), now: look(1000, 0.25, 0, { waiting: false, slept: 0.75, spun: 0 }), expected: [0.25, 0, 0.75] },
    { what: 'a wait that goes on', before: look(0, 0, 0, { waiting: true, slept: 0, spun: 0 }), now: look(1000, 0, 0, { waiting: true, slept: 0, spun: 0 }), expected: [0, 0, 1] },
    { what: 'a wait that had begun long before is not counted twice', before: look(0, 0, 0, { waiting: true, slept: 0, spun: 0 }), now: look(1000, 0.5, 0, { waiting: false, slept: 60, spun: 0 }), expected: [0.5, 0, 0.5] },
    { what: 'it waited awake: the processor was busy, the program was not', before: look(0, 0, 0, idle), now: look(1000, 1, 0, { waiting: false, slept: 0, spun: 0.9 }), expected: [0.1, 0, 0.9] },
    { what: 'it slept outside of the library', before: look(0, 0, 0, idle), now: look(1000, 0, 0, idle), expected: [0, 0, 0] },
    { what: 'several threads', before: look(0, 0, 0, idle), now: look(1000, 3.5, 0, idle), expected: [3.5, 0, 0] },
    { what: 'a library without a pulse', before: look(0, 0, 0), now: look(1000, 0.5, 0), expected: [0.5, 0, 0] },
  ];
  for (const { what, before, now, expected: [computing, ready, waiting] } of cases) {
    it(what, () => assert.deepEqual(shares(before, now), { computing, ready, waiting }));
  }
  it('a pulse of another version says nothing', () => {
    const bytes = Buffer.alloc(32);
    bytes.writeUInt32LE(2, 0);
    assert.equal(parsePulse(bytes), undefined);
    assert.equal(parsePulse(Buffer.alloc(7)), undefined);
  });
});

describe('following a VM', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 2 });

  /** Until `enough`, of what the first node is told. */
  async function watch(request: { activity: boolean }, enough: (event: mpvm.control.IWatchEvent) => boolean): Promise<void> {
    const done = new AbortController();
    try {
      for await (const event of lab().control.watch(request, { signal: done.signal })) if (enough(event)) return;
    } finally {
      done.abort();
    }
    throw new Error('the watch ended');
  }
  const doing = (event: mpvm.control.IWatchEvent, tid: number): mpvm.node.ITaskActivity | undefined => event.activity?.tasks?.find((task) => task.tid === tid);

  it('tells apart who computes, who waits for messages and who sleeps, on every node', async () => {
    const [busy] = await lab().spawn('spinner', ['1000000000000'], 'n2');
    const [quiet] = await lab().spawn('sleeper', ['trecv', '600000', '1'], 'n1');
    const [asleep] = await lab().spawn('sleeper', ['nanosleep', '600000', '1'], 'n1');
    let [computes, waits, sleeps] = [false, false, false];
    await watch({ activity: true }, (event) => {
      const [one, other] = [doing(event, busy!), doing(event, quiet!)];
      computes ||= event.activity?.node === 'n2' && (one?.computing ?? 0) + (one?.ready ?? 0) > 0.5 && (one?.waiting ?? 1) < 0.1;
      waits ||= event.activity?.node === 'n1' && (other?.waiting ?? 0) > 0.9 && (other?.computing ?? 1) < 0.1;
      const third = doing(event, asleep!);
      sleeps ||= event.activity?.node === 'n1' && third !== undefined && (third.waiting ?? 0) + (third.computing ?? 0) < 0.1;
      return computes && waits && sleeps;
    });
    for (const tid of [busy!, quiet!, asleep!]) await lab().control.signal({ tid, signum: 9 });
  });

  it('a task that waits goes on waiting where it has moved to', async () => {
    const [tid] = await lab().spawn('sleeper', ['trecv', '600000', '1'], 'n1');
    await lab().move(tid!, 'n2');
    await watch({ activity: true }, (event) => event.activity?.node === 'n2' && (doing(event, tid!)?.waiting ?? 0) > 0.9);
    await lab().control.signal({ tid: tid!, signum: 9 });
  });

  it('tells who sends to whom, in messages and bytes', async () => {
    const run = lab().startCli(['run', '--node', 'n1', 'ring', '3', '1000000', '64'], { timeoutMs: 60_000 });
    await watch({ activity: true }, (event) => (event.activity?.talks ?? []).some((talk) => (talk.messages ?? 0) > 0 && (talk.bytes ?? 0) > 0 && talk.from !== talk.to));
    run.child.kill('SIGINT');
    await run.ended;
  });

  it('tells of moves that another node coordinates, from their beginning to their end', async () => {
    const [tid] = await lab().spawn('spinner', ['1000000000000'], 'n2');
    const outcomes: string[] = [];
    let moving: Promise<unknown> | undefined;
    await watch({ activity: false }, (event) => {
      // The watch has been taken up everywhere when it tells of something: a move is begun then.
      if (event.tasks) moving ??= lab().move(tid!, 'n1');
      if (event.migration && event.migration.tid === tid) outcomes.push(event.migration.outcome ?? '');
      return event.migration?.outcome === 'completed';
    });
    await moving;
    assert.ok(outcomes.includes('running'), outcomes.join());
    await lab().control.signal({ tid: tid!, signum: 9 });
  });
});
