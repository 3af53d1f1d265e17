/** From what /proc and the nodes say to a snapshot; the log of decisions; and making them again. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble, Memory } from '../../daemon/balance/assemble.js';
import type { NodeSample } from '../../daemon/balance/assemble.js';
import { DecisionLog } from '../../daemon/balance/decisions.js';
import { ownerAtWork } from '../../daemon/balance/owner.js';
import { allowed, demand, parsePressure, parseQuota, parseRunnable, parseSchedstat, usage } from '../../daemon/balance/processors.js';
import { wanted } from '../../daemon/balance/request.js';
import { noLog } from '../../daemon/log.js';
import type { mpvm } from '../../daemon/rpc/messages.js';
import { planBalance } from '../../daemon/schedule/balance.js';
import { defaultOptions } from '../../daemon/schedule/policy.js';
import { readDecisions, replay } from '../../daemon/schedule/replay.js';
import type { DecisionRecord } from '../../daemon/schedule/replay.js';

describe('what tasks want of processors', () => {
  const at = (ranSeconds: number, waitedSeconds: number, threads = 1): { ranSeconds: number; waitedSeconds: number; threads: number } => ({ ranSeconds, waitedSeconds, threads });
  const wants = (ran: number, waited: number, threads = 1): string => demand(at(5, 5), at(5 + ran, 5 + waited, threads), 1).demand.toFixed(3);

  it('is all of one for who computes, however little it gets', () => {
    assert.deepEqual([wants(1, 0), wants(0.5, 0.5), wants(0.05, 0.95), wants(0, 1)], ['1.000', '1.000', '1.000', '1.000']);
  });
  it('is what it would run for if it did not have to wait', () => {
    assert.deepEqual([wants(0, 0), wants(0.25, 0), wants(0.1, 0.6), wants(0.2, 0.5, 2)], ['0.000', '0.250', '0.250', '0.267']);
  });
  it('is all of one for who has not slept, though the wait that goes on is not counted yet', () => {
    const slept = (sleeps: number): number => demand({ ...at(5, 5), sleeps: 7 }, { ...at(5.2, 5.3), sleeps }, 1).demand;
    assert.deepEqual([slept(7), slept(8).toFixed(3)], [1, '0.286']);
  });
  it('is never more than it has threads', () => {
    assert.deepEqual([wants(1.02, 0.01), wants(1.9, 0.4, 2)], ['1.000', '2.000']);
  });
  it('is read from /proc', () => {
    assert.deepEqual(parseSchedstat('2500000000 500000000 17\n'), { ranSeconds: 2.5, waitedSeconds: 0.5 });
    assert.equal(parseSchedstat(''), undefined);
    assert.equal(parseRunnable('0.20 0.18 0.12 3/1234 5678\n'), 2);
    assert.equal(parsePressure('some avg10=12.50 avg60=1.00 avg300=0.10 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n'), 0.125);
    assert.ok((usage(process.pid)?.ranSeconds ?? 0) > 0);
    assert.equal(usage(0x7ffffff), undefined);
    assert.deepEqual([allowed('Cpus_allowed:\tff,00000003\n'), allowed('')], [10, undefined]);
    assert.deepEqual([parseQuota('50000 100000'), parseQuota('max 100000'), parseQuota('-1 100000'), parseQuota('')], [0.5, Infinity, Infinity, Infinity]);
  });
  it('an owner is at work when the hook says so', async () => {
    assert.equal(await ownerAtWork('n1', 'echo "$MPVM_NODE since 10:02"; echo more'), 'n1 since 10:02');
    assert.equal(await ownerAtWork('n1', 'true'), 'at work');
    assert.equal(await ownerAtWork('n1', 'echo nobody; exit 1'), '');
    assert.equal(await ownerAtWork('n1', ''), '');
  });
});

describe('the snapshot', () => {
  const sample = (machine: string, tasks: mpvm.node.ITaskSample[], more: mpvm.node.ISampleReply = {}): mpvm.node.ISampleReply => ({ machine, cpus: 4, runnable: 0, memoryFreeBytes: 1e9, tasks, ...more });
  const of = (name: string, reply: mpvm.node.ISampleReply | undefined): NodeSample => ({ node: { name }, sample: reply });

  it('shares the processors of a machine among its nodes, and the work that is not ours', () => {
    const { nodes } = assemble([
      of('a', sample('x', [{ tid: 1, runnable: 1, demand: 1, state: 'running' }], { runnable: 5 })),
      of('b', sample('x', [{ tid: 2, runnable: 2, demand: 2, state: 'running' }], { runnable: 5 })),
      of('c', sample('y', [], { runnable: 3 })),
    ], 0);
    assert.deepEqual(nodes.map(({ name, cores, other }) => [name, cores, other]), [['a', 2, 1], ['b', 2, 1], ['c', 4, 3]]);
  });
  it('counts the processors of a node that is called twice as fast for two', () => {
    const { nodes } = assemble([{ node: { name: 'a', speed: 2000 }, sample: sample('x', []) }, of('b', sample('y', []))], 0);
    assert.deepEqual(nodes.map(({ cores }) => cores), [8, 4]);
  });
  it('leaves other work out when there is but one machine', () => {
    const { nodes } = assemble([of('a', sample('x', [], { runnable: 9 })), of('b', sample('x', [], { runnable: 9 }))], 0);
    assert.deepEqual(nodes.map(({ other }) => other), [0, 0]);
  });
  it('gives a node that is held to a part of its machine that part, and what its tasks see of others there', () => {
    const waits = (tid: number): mpvm.node.ITaskSample => ({ tid, demand: 1, runnable: 1, ran: 0.1, state: 'running' });
    const { nodes } = assemble([
      of('a', sample('x', [waits(1), waits(2)], { runnable: 9, capacity: 0.5 })),
      of('b', sample('x', [], { runnable: 9, capacity: 0.5 })),
      of('c', sample('x', [], { runnable: 9, capacity: 4 })),
    ], 0);
    assert.deepEqual(nodes.map(({ name, cores, other }) => [name, cores, other]), [['a', 0.5, 3], ['b', 0.5, 0], ['c', 4, 9]]);
  });
  it('remembers other work on such a node when no task is there any more, for a while', () => {
    const memory = new Memory();
    const other = (tasks: mpvm.node.ITaskSample[], atMs: number): number => assemble([of('a', sample('x', tasks, { capacity: 0.5 }))], atMs, memory).nodes[0]!.other;
    assert.equal(other([{ tid: 1, demand: 1, runnable: 1, ran: 0.1, state: 'running' }], 0), 4);
    assert.deepEqual([other([], 60_000), other([], 180_000)], [4, 0]);
  });
  it('knows that tasks which wait for each other would all be quicker', () => {
    const ring = (tid: number, to: number, ran: number, waited: number): mpvm.node.ITaskSample =>
      ({ tid, demand: ran / (1 - waited), ran, runnable: ran + waited, state: 'running', sends: [{ to, messagesPerSecond: 20, bytesPerSecond: 0 }] });
    const demands = (...tasks: mpvm.node.ITaskSample[]): string => assemble([of('a', sample('x', tasks))], 0).tasks.map(({ demand: one }) => one.toFixed(2)).join();
    // 1 and 2 are slow because others want their processor, 3 sleeps until they have come so far, 4 has half of the work.
    assert.equal(demands(ring(1, 2, 0.1, 0.9), ring(2, 3, 0.1, 0.8), ring(3, 4, 0.1, 0), ring(4, 1, 0.05, 0)), '1.00,1.00,1.00,0.50');
    // A token goes round: each works when it has it.
    assert.equal(demands(ring(1, 2, 0.25, 0), ring(2, 3, 0.25, 0), ring(3, 4, 0.25, 0), ring(4, 1, 0.25, 0)), '0.25,0.25,0.25,0.25');
    // Strangers have nothing to do with it.
    assert.equal(demands(ring(1, 9, 0.1, 0.9), ring(2, 9, 0.1, 0)), '1.00,0.10');
  });
  it('knows who moves, who has moved, who has failed to, and who is silent', () => {
    const memory = new Memory();
    memory.failures.set(3, 90_000);
    const { nodes, tasks, talks } = assemble([
      of('a', sample('x', [
        { tid: 1, state: 'moving' }, { tid: 2, state: 'running', movedMs: 40_000 }, { tid: 3, state: 'running' },
        { tid: 4, state: 'running', sends: [{ to: 2, messagesPerSecond: 5, bytesPerSecond: 50 }] },
      ])),
      of('b', undefined),
    ], 100_000, memory);
    assert.equal(nodes[1]!.up, false);
    assert.deepEqual(tasks.map(({ tid, blocked, movedAgoSeconds }) => [tid, blocked.join(), movedAgoSeconds]), [[1, 'it is moving', undefined], [2, '', 60], [3, '', 10], [4, '', undefined]]);
    assert.deepEqual(talks, [{ from: 4, to: 2, messagesPerSecond: 5, bytesPerSecond: 50 }]);
  });
});

describe('a request', () => {
  it('is checked', () => {
    const refused = (request: mpvm.node.IBalanceRequest): string => {
      try {
        wanted(request);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    assert.match(refused({ policy: 'magic' }), /no policy "magic"/);
    assert.match(refused({ policy: 'manual' }), /needs moves/);
    assert.match(refused({ moves: [{ tid: 1, to: 'n1' }] }), /given to the policy manual/);
    assert.match(refused({ tolerance: 1.5 }), /between 0 and 1/);
    assert.match(refused({ watch: true, dryRun: true }), /no sense/);
    assert.match(refused({ detach: true }), /goes with --watch/);
    assert.equal(wanted({ restS: 0 }).options.restSeconds, 0);
    assert.equal(wanted({}).options.policy, 'refine');
  });
});

describe('the log of decisions', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'decisions-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const decision = (id: string): DecisionRecord => {
    const snapshot = {
      nodes: ['a', 'b'].map((name) => ({ name, up: true, cordoned: false, cores: 2 / 3, other: 0.1, memoryFreeBytes: 2 ** 33 })),
      tasks: [1, 2, 3].map((tid) => ({ tid, node: 'a', bytes: 1e6, demand: 1 / 3 + tid / 7, cpuSeconds: 50, movedAgoSeconds: undefined, blocked: [], refusedBy: [] })),
    };
    return { v: 1, id, time: '2026-01-01T00:00:00Z', vm: 'x', user: 'u', dryRun: false, options: defaultOptions, snapshot, plan: planBalance(snapshot, defaultOptions) };
  };

  it('is bounded, keeps the latest, and the one before', () => {
    const path = join(directory, 'log');
    const log = new DecisionLog(path, noLog, 10_000);
    for (let index = 0; index < 50; index++) log.append(decision(`b${index}`));
    assert.ok(statSync(path).size <= 10_000 && statSync(`${path}.1`).size <= 10_000 && !existsSync(`${path}.2`));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(readDecisions(readFileSync(path, 'utf8')).at(-1)?.id, 'b49');
  });

  it('can be replayed to the same plan, and says when it is another', () => {
    const path = join(directory, 'log');
    const log = new DecisionLog(path, noLog);
    log.append(decision('b1'));
    log.append({ v: 1, id: 'b1', time: '', outcomes: [] });
    const [read] = readDecisions(readFileSync(path, 'utf8'));
    assert.ok(read!.plan.moves.length > 0);
    assert.equal(replay(read!).same, true);
    assert.equal(replay({ ...read!, plan: { ...read!.plan, moves: [] } }).same, false);
    assert.equal(replay(read!, { policy: 'rotate' }).plan.moves.length, 3);
  });

  it('names the line that is none', () => {
    assert.throws(() => readDecisions('{"v":1,"id":"x","outcomes":[]}\nrubbish\n'), /line 2 is not JSON/);
    assert.throws(() => readDecisions('{"v":2}'), /line 1 is no decision/);
    assert.throws(() => readDecisions('{"v":1,"snapshot":{}}'), /line 1 lacks/);
  });
});
