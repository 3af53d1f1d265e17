/** Emptying nodes: what is moved, what stays and why, deadlines, several at once, and what outlives a daemon. Real daemons, real tasks. */
import assert from 'node:assert/strict';
import { mpvm } from '../../daemon/rpc/messages.js';
import { hasCode } from '../../daemon/errors.js';
import { useLab } from '../lab/lab.js';
import { until } from '../lab/wait.js';

type Event = mpvm.node.IDrainEvent;
const { Then } = mpvm.node.DrainRequest;
const { Action } = mpvm.task.Fault;

describe('a drain', function () {
  this.timeout(60_000);
  // Long enough for a daemon to be started again on a machine that has other things to do.
  const lab = useLab({ nodes: 3, faults: true, restarts: true });

  const spinner = async (node: string): Promise<number> => {
    const tid = (await lab().spawn('spinner', ['100000000000'], node))[0]!;
    await until('it runs', async () => (await lab().task(tid))?.state === 'running');
    return tid;
  };
  const stuck = async (node: string): Promise<{ tid: number; pid: number }> => {
    const tid = await spinner(node);
    const { pid } = (await lab().task(tid))!;
    process.kill(pid!, 'SIGSTOP');
    return { tid, pid: pid! };
  };
  const drain = async (request: mpvm.node.IDrainRequest): Promise<Event[]> => {
    const events: Event[] = [];
    for await (const event of lab().control.drain(request)) if (!event.progress) events.push(event);
    return events;
  };
  /** Reads in the background; the events so far can be looked at. */
  const watched = (request: mpvm.node.IDrainRequest): { events: Event[]; over: Promise<unknown> } => {
    const events: Event[] = [];
    const over = (async () => {
      for await (const event of lab().control.drain(request)) events.push(event);
    })();
    over.catch(() => undefined);
    return { events, over };
  };
  const where = async (tid: number): Promise<string> => (await lab().task(tid))?.node ?? '';
  const node = async (name: string): Promise<mpvm.node.INodeInfo> => (await lab().nodes()).find((one) => one.name === name)!;

  afterEach(async () => {
    for (const { id, nodes } of (await lab().control.drains({})).drains) if (id) await lab().control.cancelDrain({ nodes });
    for (const one of await lab().tasks()) await lab().control.signal({ tid: one.tid ?? 0, signum: 9 });
    for (const name of await lab().nodeNames()) await lab().control.cordon({ node: name, cordoned: false });
    await until('no task is left', async () => (await lab().tasks()).length === 0);
  });

  it('empties nodes, keeps them closed, and says by whom and why', async () => {
    const tids = await Promise.all(['n2', 'n2', 'n2'].map(spinner));
    const events = await drain({ nodes: ['n2'], reason: 'new kernel', user: 'op' });
    assert.equal(events[0]?.plan?.moves?.length, 3);
    assert.deepEqual([events.at(-1)?.done?.moved, events.at(-1)?.done?.left], [3, 0]);
    for (const tid of tids) assert.notEqual(await where(tid), 'n2');
    const { cordoned, cordonReason, cordonUser } = await node('n2');
    assert.deepEqual([cordoned, cordonReason, cordonUser], [true, 'new kernel', 'op']);
    await until('the drain is over for everybody', async () => (await node('n2')).draining === false);
    assert.match((await lab().cli(['nodes'])).stdout, /n2 .*up, drained.*new kernel \(op, /);
  });

  it('tells how far it is: tasks, bytes, an estimate', async () => {
    await spinner('n2');
    const other = await stuck('n2');
    const run = watched({ nodes: ['n2'], deadlineS: 600 });
    const seen = await until('progress', () => run.events.flatMap(({ progress }) => progress ?? []).find(({ moved, blocked }) => moved === 1 && blocked === 1));
    assert.ok((seen.bytesSent ?? 0) > 0 && (seen.bytesTotal ?? 0) >= seen.bytesSent! && (seen.bytesPerSecond ?? 0) > 0, JSON.stringify(seen));
    const [status] = await lab().json<{ nodes: string[]; deadline: string; progress: { moved: number; blocked: number } }[]>(['drain', '--status']);
    assert.deepEqual([status?.nodes, status?.progress.moved, status?.progress.blocked, status?.deadline !== null], [['n2'], 1, 1, true]);
    // What kept the task passes: a drain with a deadline tries again, and ends long before it.
    process.kill(other.pid, 'SIGCONT');
    await run.over;
    assert.deepEqual([run.events.at(-1)?.done?.moved, run.events.at(-1)?.done?.left], [2, 0]);
  });

  it('only shows the plan when asked to', async () => {
    const tid = await spinner('n2');
    const [first, last] = await drain({ nodes: ['n2'], dryRun: true });
    assert.deepEqual([first?.plan?.moves?.[0]?.tid, first?.plan?.moves?.[0]?.from], [tid, 'n2']);
    assert.ok(first!.plan!.moves![0]!.bytes! > 0 && first!.plan!.moves![0]!.us! > 0);
    assert.ok(last?.done);
    assert.deepEqual([await where(tid), (await node('n2')).cordoned], ['n2', false]);
  });

  it('says at once that there is no room, and what would make some', async () => {
    const tid = await spinner('n2');
    for (const name of ['n1', 'n3']) await lab().control.cordon({ node: name, cordoned: true });
    const events = await drain({ nodes: ['n2'] });
    const blocked = events[0]?.plan?.blocked ?? [];
    assert.deepEqual(blocked.map((one) => [one.tid, one.blockers?.[0]?.code]), [[tid, 'NO_ROOM']]);
    assert.match(blocked[0]?.blockers?.[0]?.remedy ?? '', /mpvm uncordon n1 or n3, or add a node with \d+ MiB/);
    assert.equal(events.at(-1)?.done?.left, 1);
  });

  it('goes on past a task that cannot move, names it, and ends with 3', async () => {
    const tid = await spinner('n2');
    const other = await stuck('n2');
    const result = await lab().cli(['drain', 'n2']);
    assert.equal(result.code, 3);
    assert.match(result.stdout, new RegExp(`t${other.tid.toString(16)} on n2 stays: the task is stopped \\(let it go on`));
    assert.match(result.stdout, /node\/n2 not drained: 1 task left/);
    assert.notEqual(await where(tid), 'n2');
  });

  it('fails at its deadline: what is left stays, and the exit code is 4', async () => {
    const other = await stuck('n2');
    const result = await lab().cli(['drain', 'n2', '--deadline', '1s', '--then', 'fail', '-o', 'json']);
    assert.equal(result.code, 4);
    const shape = JSON.parse(result.stdout) as { timedOut: boolean; left: { blockers: { code: string }[] }[] };
    assert.deepEqual([shape.timedOut, shape.left[0]?.blockers[0]?.code], [true, 'TASK_STOPPED']);
    assert.equal(await where(other.tid), 'n2');
  });

  it('ends what is left at its deadline when told to', async () => {
    const other = await stuck('n2');
    const events = await drain({ nodes: ['n2'], deadlineS: 1, then: Then.KILL });
    assert.deepEqual([events.at(-1)?.done?.left, events.at(-1)?.done?.killed], [0, [other.tid]]);
    assert.equal(await lab().task(other.tid), undefined);
  });

  it('waits past its deadline when told to, and says that it is late', async () => {
    const other = await stuck('n2');
    const run = watched({ nodes: ['n2'], deadlineS: 1, then: Then.WAIT });
    await until('it is late', () => run.events.some(({ note }) => note?.code === 'DRAIN_LATE'));
    process.kill(other.pid, 'SIGCONT');
    await run.over;
    assert.deepEqual([run.events.at(-1)?.done?.moved, run.events.at(-1)?.done?.left], [1, 0]);
  });

  it('can be cancelled: tasks stay where they are, and the node closed', async () => {
    const other = await stuck('n2');
    const run = watched({ nodes: ['n2'], then: Then.WAIT });
    await until('it is under way', () => run.events.some(({ plan }) => plan));
    assert.match((await lab().cli(['drain', '--cancel', 'n2'])).stdout, /stays cordoned/);
    await run.over;
    assert.equal(run.events.at(-1)?.failed?.code, 'CANCELLED');
    assert.deepEqual([await where(other.tid), (await node('n2')).cordoned], ['n2', true]);
    await assert.rejects(lab().control.cancelDrain({ nodes: ['n2'] }), (error) => hasCode(error, 'NO_DRAIN'));
  });

  it('ends when a node is opened again', async () => {
    await stuck('n2');
    const run = watched({ nodes: ['n2'], then: Then.WAIT });
    await until('it is under way', () => run.events.some(({ plan }) => plan));
    await lab().control.cordon({ node: 'n2', cordoned: false });
    await run.over;
    assert.match(run.events.at(-1)?.failed?.text ?? '', /node n2 has been opened again/);
  });

  it('asked for twice is one drain, watched twice', async () => {
    const other = await stuck('n2');
    const first = watched({ nodes: ['n2'], then: Then.WAIT });
    await until('it is under way', () => first.events.some(({ plan }) => plan));
    const second = watched({ nodes: ['n2'] });
    await until('it is watched', () => second.events.some(({ plan }) => plan));
    assert.equal(second.events[0]?.plan?.id, first.events[0]?.plan?.id);
    await assert.rejects(drain({ nodes: ['n2', 'n3'] }), (error) => hasCode(error, 'DRAIN_RUNNING'));
    process.kill(other.pid, 'SIGCONT');
    await Promise.all([first.over, second.over]);
    assert.deepEqual([first, second].map(({ events }) => events.at(-1)?.done?.left), [0, 0]);
  });

  it('of several nodes at once moves no task from one to another', async () => {
    const tids = await Promise.all(['n2', 'n2', 'n3', 'n3'].map(spinner));
    await Promise.all([drain({ nodes: ['n2'] }), drain({ nodes: ['n3'] })]);
    for (const tid of tids) assert.equal(await where(tid), 'n1');
    const { migrations } = await lab().control.migrations({});
    assert.deepEqual(migrations.filter(({ tid, to }) => tids.includes(tid ?? 0) && to !== 'n1'), []);
  });

  it('lets no task start where it empties', async () => {
    await stuck('n2');
    const run = watched({ nodes: ['n2'], then: Then.WAIT });
    await until('it is under way', () => run.events.some(({ plan }) => plan));
    const direct = await lab().control.spawn({ program: 'spinner', argv: ['1'], count: 1, node: 'n2' });
    assert.deepEqual(direct.tids.filter((tid) => tid > 0), []);
    assert.match(direct.status?.text ?? '', /cordoned/);
    await lab().control.cancelDrain({ nodes: ['n2'] });
    await run.over;
  });

  it('goes on after the death of the daemon that does it', async () => {
    const tid = await spinner('n2');
    const other = await stuck('n2');
    const before = watched({ nodes: ['n2'], reason: 'new disk', user: 'op', then: Then.WAIT });
    await until('one has moved', () => before.events.some(({ migration }) => migration?.tid === tid && migration?.outcome === 'completed'));
    await lab().killDaemon('n1');
    await before.over.catch(() => undefined);
    await lab().restart('n1');
    const [info] = await until('the drain is there again', async () => {
      const { drains } = await lab().control.drains({});
      return drains.length === 1 && drains;
    });
    assert.deepEqual([info?.nodes, info?.reason, info?.user, info?.progress?.moved], [['n2'], 'new disk', 'op', 1]);
    process.kill(other.pid, 'SIGCONT');
    await until('the node is empty', async () => !(await lab().tasks()).some((row) => row.node === 'n2'));
    await until('the drain is over', async () => (await lab().control.drains({})).drains.length === 0);
    const after = await node('n2');
    assert.deepEqual([after.cordoned, after.cordonReason], [true, 'new disk']);
  });

  it('waits for a node whose daemon is away', async () => {
    const tid = await spinner('n2');
    await lab().killDaemon('n2');
    const run = watched({ nodes: ['n2'] });
    await lab().restart('n2');
    await run.over;
    assert.deepEqual([run.events.at(-1)?.done?.moved, run.events.at(-1)?.done?.left], [1, 0]);
    assert.notEqual(await where(tid), 'n2');
  });

  it('waits for a move that somebody else has begun', async () => {
    const tid = await spinner('n2');
    const held = lab().control.migrate({ tid, to: 'n3', fault: { point: 'RESTORER_LISTEN', action: Action.STOP } });
    const first = await held.next();
    const run = watched({ nodes: ['n2'] });
    await until('it is under way', () => run.events.some(({ plan }) => plan));
    const { id } = (first.value as mpvm.node.IMigrationEvent).migration!;
    await lab().control.cancelMigration({ id });
    await run.over;
    assert.deepEqual([run.events.at(-1)?.done?.moved, run.events.at(-1)?.done?.left], [1, 0]);
  });

  it('refuses nodes that are none', async () => {
    await assert.rejects(drain({ nodes: ['nowhere'] }), (error) => hasCode(error, 'NODE_UNKNOWN'));
    await assert.rejects(drain({ nodes: [] }), (error) => hasCode(error, 'BAD_REQUEST'));
    assert.equal((await lab().cli(['drain'])).code, 2);
    assert.equal((await lab().cli(['drain', 'n2', '--then', 'kill'])).code, 2);
  });
});

describe('a node that is told to stop', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 3 });

  it('moves its tasks to others first, and comes back open', async () => {
    const tid = (await lab().spawn('spinner', ['100000000000'], 'n3'))[0]!;
    await until('it runs', async () => (await lab().task(tid))?.state === 'running');
    await lab().killDaemon('n3', 'SIGTERM');
    await until('n3 has left', async () => (await lab().nodes()).find(({ name }) => name === 'n3')?.state === mpvm.node.NodeState.LEFT);
    const row = await until('it runs elsewhere', async () => (await lab().task(tid)));
    assert.notEqual(row.node, 'n3');
    await lab().cli(['up', '--nodes', '3']);
    assert.equal((await lab().nodes()).find(({ name }) => name === 'n3')?.cordoned, false);
    await lab().control.signal({ tid, signum: 9 });
  });
});
