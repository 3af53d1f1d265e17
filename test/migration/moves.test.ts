/** Asking for moves: what is refused and why, one move a task, cancelling, and what is reported. Real daemons, real tasks. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mpvm } from '../../daemon/rpc/messages.js';
import { hasCode } from '../../daemon/errors.js';
import type { ErrorCode } from '../../daemon/errors.js';
import { useLab } from '../lab/lab.js';
import { until } from '../lab/wait.js';

const { Action } = mpvm.task.Fault;
const { MigrationState } = mpvm.node;
type Info = mpvm.node.IMigrationInfo;

describe('a move that is asked for', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 3, faults: true });

  const spinner = async (node: string): Promise<number> => {
    const tid = (await lab().spawn('spinner', ['100000000000'], node))[0]!;
    await until('it runs', async () => (await lab().task(tid))?.state === 'running');
    return tid;
  };
  const refused = async (request: mpvm.node.IMigrateRequest, code: ErrorCode): Promise<void> => {
    const ask = async (): Promise<void> => {
      for await (const { migration } of lab().control.migrate(request)) if (migration?.outcome !== 'running') throw new Error(JSON.stringify(migration));
    };
    await assert.rejects(ask, (error) => hasCode(error, code));
  };
  /** The events of a move until the first one that answers. */
  const watch = async (request: mpvm.node.IMigrateRequest, stop: (info: Info) => boolean): Promise<Info> => {
    let last: Info = {};
    for await (const { migration } of lab().control.migrate(request)) {
      last = migration ?? last;
      if (stop(last)) break;
    }
    return last;
  };
  const ended = (id: string): Promise<Info> => until(`the end of ${id}`, async () => (await lab().control.migrations({})).migrations.find((one) => one.id === id && one.outcome !== 'running'));

  afterEach(async () => {
    for (const one of await lab().tasks()) await lab().control.signal({ tid: one.tid ?? 0, signum: 9 });
    for (const node of await lab().nodeNames()) await lab().control.cordon({ node, cordoned: false });
    await until('no task is left', async () => (await lab().tasks()).length === 0);
  });

  it('is refused with the reason when it cannot be', async () => {
    const tid = await spinner('n2');
    await refused({ tid: 0x7ffff, to: 'n3' }, 'TASK_UNKNOWN');
    await refused({ tid, to: 'nowhere' }, 'NODE_UNKNOWN');
    await refused({ tid, to: 'n2' }, 'TASK_ALREADY_THERE');
    await refused({ tid, to: 'n3', engine: 'magic' }, 'ENGINE_UNKNOWN');
    await refused({ tid, to: 'n3', fault: { point: 'NO_SUCH_POINT', action: Action.FAIL } }, 'FAULT_UNKNOWN');
    await lab().control.cordon({ node: 'n3', cordoned: true, reason: 'test' });
    await refused({ tid, to: 'n3' }, 'NODE_CORDONED');
    assert.equal((await lab().task(tid))?.node, 'n2');
  });

  it('is made once at a time for a task, and can be cancelled until it is committed', async () => {
    const tid = await spinner('n2');
    // The restorer of n3 stops before it listens, so that the move waits.
    const { id } = await watch({ tid, to: 'n3', fault: { point: 'RESTORER_LISTEN', action: Action.STOP } }, ({ state }) => state === MigrationState.PREPARING);
    await refused({ tid, to: 'n1' }, 'TASK_MOVING');
    const reply = await lab().control.cancelMigration({ id });
    assert.equal(reply.code, '');
    const info = await ended(id!);
    assert.deepEqual([info.outcome, info.code, info.state], ['aborted', 'MIGRATION_CANCELLED', MigrationState.ABORTED]);
    assert.equal((await lab().control.cancelMigration({ id })).code, 'MIGRATION_OVER');
    assert.equal((await lab().control.cancelMigration({ id: 'm0' })).code, 'MIGRATION_UNKNOWN');
    assert.equal((await lab().move(tid, 'n1')).outcome, 'completed');
  });

  it('ends at its deadline, and the task runs on', async () => {
    const tid = await spinner('n2');
    const info = await watch({ tid, to: 'n3', deadlineS: 1, fault: { point: 'RESTORER_LISTEN', action: Action.STOP } }, () => false);
    assert.deepEqual([info.outcome, info.code], ['aborted', 'MIGRATION_DEADLINE']);
    assert.equal((await lab().task(tid))?.state, 'running');
  });

  it('goes on when nobody watches any more', async () => {
    const tid = await spinner('n2');
    const { id } = await watch({ tid, to: 'n3' }, ({ state }) => state === MigrationState.PREPARING);
    assert.equal((await ended(id!)).outcome, 'completed');
  });

  it('tells of each state in order, and of what it took', async () => {
    const tid = await spinner('n2');
    const states: number[] = [];
    const info = await watch({ tid, to: 'n3' }, ({ state }) => {
      if (states.at(-1) !== state) states.push(state ?? 0);
      return false;
    });
    assert.deepEqual(states, [...states].sort((a, b) => a - b));
    assert.equal(states.at(-1), MigrationState.RESUMED);
    const { setupUs = 0, totalUs = 0, downtimeUs = 0, obtrusivenessUs = 0, phases = [] } = info;
    assert.ok(setupUs! > 0 && downtimeUs! > 0 && totalUs! >= setupUs! + downtimeUs! && obtrusivenessUs! > 0, JSON.stringify(info));
    assert.deepEqual(phases!.map(({ name }) => name).filter((name) => !/round/.test(name!)), ['preparing', 'precopy', 'frozen', 'arrived', 'committed', 'resumed']);
    for (const [at, phase] of phases!.entries()) if (at > 0) assert.equal(phase.startUs, phases![at - 1]!.startUs! + phases![at - 1]!.us!);
    assert.ok(info.transferredBytes! > 0 && info.pages! > 0 && info.rounds! > 0);
  });

  it('ends with the task when that ends first', async () => {
    const tid = await spinner('n2');
    const { id } = await watch({ tid, to: 'n3', fault: { point: 'RESTORER_LISTEN', action: Action.STOP } }, ({ state }) => state === MigrationState.PREPARING);
    await lab().control.signal({ tid, signum: 9 });
    assert.equal((await ended(id!)).code, 'TASK_ENDED');
  });

  it('is explained without being made', async () => {
    const tid = await spinner('n2');
    const reply = await lab().control.explain({ tid, to: 'n3' });
    assert.deepEqual([reply.blockers.filter(({ warning }) => !warning), reply.status?.status, reply.engine], [[], 0, 'native']);
    assert.ok(reply.predictedBytes > 0 && reply.predictedUs > 0);
    assert.equal((await lab().control.migrations({})).migrations.filter((one) => one.tid === tid).length, 0);
  });

  it('is one of several at once', async () => {
    const tids = await Promise.all([1, 2, 3, 4].map(() => spinner('n1')));
    const moves = await Promise.all(tids.map((tid, index) => lab().migrate(tid, index % 2 ? 'n2' : 'n3')));
    assert.deepEqual(moves.map(({ outcome }) => outcome), ['completed', 'completed', 'completed', 'completed']);
  });

  it('may go to and fro', async () => {
    const tid = await spinner('n1');
    for (const to of ['n2', 'n1', 'n3', 'n2', 'n1', 'n2']) await lab().move(tid, to);
    assert.equal((await lab().task(tid))?.epoch, 6);
  });

  it('waits, frozen, for a registry that is away, and then ends one way or the other', async () => {
    const tid = await spinner('n2');
    const there = lab().daemonPid('n3');
    const asked = watch({ tid, to: 'n3', fault: { point: 'DEST_BEFORE_COMMIT', action: Action.STOP } }, () => false).catch(() => undefined);
    await until('the destination stops before its commit', () => /\) T /.test(readFileSync(`/proc/${there}/stat`, 'utf8')));
    await lab().killDaemon('n1');
    process.kill(there, 'SIGCONT');
    await asked; // its stream went through n1
    await lab().restart('n1');
    await until('it runs there', async () => {
      const rows = (await lab().tasks()).filter((one) => one.tid === tid);
      return rows.length === 1 && rows[0]!.node === 'n3' && rows[0]!.state === 'running';
    });
    assert.equal((await lab().move(tid, 'n2')).outcome, 'completed');
  });
});
