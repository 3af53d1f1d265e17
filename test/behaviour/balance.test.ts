/** mpvm balance on a real VM: tasks that compete for processors get spread, and it is content then. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { mayRaise } from '../../daemon/balance/lingerers.js';
import { useLab } from '../lab/lab.js';
import { skip } from '../lab/skip.js';
import { until } from '../lab/wait.js';

interface Round {
  id: string;
  policy: string;
  plan: { tid: string; from: string; to: string; reason: string }[];
  notes: string[];
  migrations: { tid: string; outcome: string; to: string }[];
  left: { tid: string; detail: string }[];
  moved: number;
  failed: number;
  reclaims: { node: string; seconds: number; left: number; lingering: number; inTime: boolean }[];
  lingers: { tid: string; on: boolean; reason: string }[];
  before: { most: number; talk: number };
  after: { most: number };
}
const forEver = '1000000000000';

describe('mpvm balance', function () {
  this.timeout(120_000);
  const owner = (lab: { directory: string }, node: string): string => join(lab.directory, `owner-${node}`);
  const lab = useLab({ nodes: 3, env: { MPVM_OWNER_HOOK: 'test -e "$MPVM_DIR/owner-$MPVM_NODE" && echo "somebody at $MPVM_NODE"' } });
  const balance = (...args: string[]): Promise<Round> => lab().json<Round>(['balance', ...args]);
  const log = (): string => join(lab().directory, lab().name, 'n1', 'balance.log');
  const places = async (): Promise<string[]> => (await lab().tasks()).map(({ node }) => node ?? '').sort();

  /** Tasks that compute without end, all on the first node. */
  async function hogs(count: number): Promise<number[]> {
    const tids = await lab().spawn('spinner', [forEver], 'n1', count);
    await until('all compute', async () => (await lab().tasks()).filter(({ state, tid }) => state === 'running' && tids.includes(tid ?? 0)).length === count);
    return tids;
  }
  afterEach(async () => {
    // One may end by itself meanwhile.
    for (const { tid } of await lab().tasks()) await lab().control.signal({ tid, signum: 9 }).catch(() => undefined);
    await until('all tasks ended', async () => (await lab().tasks()).length === 0);
  });

  it('spreads tasks that compete, does nothing a second time, and can be replayed', async () => {
    await hogs(3);
    const plan = await balance('--dry-run');
    assert.equal(plan.plan.length, 2, JSON.stringify(plan));
    assert.match(plan.plan[0]!.reason, /^n1 has \d\S* processors' worth of work for 0\.67; on n[23] .* sooner; cost/);
    assert.deepEqual(await places(), ['n1', 'n1', 'n1']);

    const first = await balance();
    assert.deepEqual([first.moved, first.failed, first.left], [2, 0, []], JSON.stringify(first));
    assert.deepEqual(first.migrations.map(({ outcome }) => outcome), ['completed', 'completed']);
    assert.deepEqual(await places(), ['n1', 'n2', 'n3']);

    const second = await balance('--rest', '0');
    assert.deepEqual([second.plan, second.moved], [[], 0], JSON.stringify(second));
    assert.ok(second.notes.length > 0); // why

    const replayed = await lab().json<{ id: string; same: boolean; plan: unknown[] }[]>(['balance', '--replay', log()]);
    assert.deepEqual(replayed.slice(-3).map(({ same }) => same), [true, true, true]);
    assert.deepEqual(replayed.find(({ id }) => id === first.id)?.plan.length, 2);
    const lines = readFileSync(log(), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { id: string; outcomes?: { outcome: string; ms: number }[] });
    assert.deepEqual(lines.find(({ id, outcomes }) => id === first.id && outcomes)?.outcomes?.map(({ outcome }) => outcome), ['completed', 'completed']);
  });

  it('lets a task rest that has moved', async () => {
    const [tid] = await hogs(3);
    for (const node of ['n2', 'n1']) await lab().move(tid!, node);
    const { plan } = await balance('--dry-run');
    assert.ok(plan.length > 0 && plan.every((move) => move.tid !== `t${tid!.toString(16)}`), JSON.stringify(plan));
  });

  it('does the moves that it is told, from a plan that was edited', async () => {
    const tids = (await hogs(2)).map((tid) => `t${tid.toString(16)}`);
    const path = join(lab().directory, 'plan.json');
    writeFileSync(path, JSON.stringify({ plan: [{ tid: tids[0], to: 'n3' }] }));
    const first = await balance('--plan', path);
    assert.deepEqual([first.policy, first.moved], ['manual', 1]);
    await lab().cli(['cordon', 'n2']);
    const refused = await lab().cli(['balance', '--move', `${tids[1]}=n2`, '--move', `${tids[1]}=n9`]);
    await lab().cli(['uncordon', 'n2']);
    assert.equal(refused.code, 3);
    assert.match(refused.stdout, /node n2 is cordoned/);
    assert.deepEqual(await places(), ['n1', 'n3']);
    rmSync(path);
  });

  it('gives a node back to its owner', async () => {
    await hogs(2);
    writeFileSync(owner(lab(), 'n1'), '');
    const { plan, moved } = await balance();
    rmSync(owner(lab(), 'n1'));
    assert.deepEqual([moved, plan.map(({ reason }) => /^its owner is at work/.test(reason))], [2, [true, true]]);
    assert.deepEqual(await places(), ['n2', 'n3']);
  });

  it('empties a node on request, keeps it closed, and moves nothing else', async () => {
    await hogs(3);
    const { moved, plan, reclaims } = await balance('--reclaim', 'n1', '--within', '30');
    assert.deepEqual([moved, plan.map(({ from }) => from)], [3, ['n1', 'n1', 'n1']]);
    assert.deepEqual(reclaims.map(({ node, left, inTime }) => [node, left, inTime]), [['n1', 0, true]]);
    assert.equal((await lab().nodes()).find(({ name }) => name === 'n1')?.cordoned, true);
    assert.ok(!(await places()).includes('n1'));
    const none = await balance('--reclaim', 'n1', '--within', '0.0001', '--dry-run');
    assert.deepEqual([none.plan, none.reclaims.map(({ inTime }) => inTime)], [[], [true]]);
    await lab().cli(['uncordon', 'n1']);
  });

  it('says beforehand, and at the end, that a node cannot be given back in time', async () => {
    await hogs(2);
    const dry = await balance('--reclaim', 'n1', '--within', '0.001', '--dry-run');
    assert.match(dry.notes.join(), /n1 cannot be given back within 0\.0 s: that moves 2 tasks/);
    assert.equal((await lab().nodes()).find(({ name }) => name === 'n1')?.cordoned, false);
    const late = await lab().cli(['balance', '--reclaim', 'n1', '--within', '0.001']);
    await lab().cli(['uncordon', 'n1']);
    assert.equal(late.code, 4, late.stdout + late.stderr);
    assert.match(late.stdout, /n1 is free of tasks \d+\.\d s after it was asked for/);
  });

  /** Of all threads. */
  const niceness = async (tid: number): Promise<number[]> => {
    const pid = (await lab().task(tid))?.pid ?? 0;
    return [...new Set(readdirSync(`/proc/${pid}/task`).map((thread) => getPriority(Number(thread))))];
  };

  it('lets a task linger at low priority while an owner is at work, also over a restart of its daemon, and no longer', async function () {
    if (!mayRaise()) skip(this, 'priorities cannot be raised again here: RLIMIT_NICE or CAP_SYS_NICE');
    const [tid] = await hogs(1);
    writeFileSync(owner(lab(), 'n1'), '');
    const { plan, lingers } = await balance('--linger');
    assert.deepEqual([plan, lingers.map(({ on, reason }) => [on, /^it lingers: at low priority it gets/.test(reason)])], [[], [[true, true]]]);
    assert.deepEqual([await niceness(tid!), await places()], [[19], ['n1']]);
    assert.deepEqual((await balance('--linger')).lingers, []);
    await lab().killDaemon('n1');
    await lab().restart('n1');
    await until('the task is known again', async () => (await lab().task(tid!))?.state === 'running');
    rmSync(owner(lab(), 'n1'));
    assert.deepEqual((await balance()).lingers.map(({ on }) => on), [false]);
    assert.deepEqual(await niceness(tid!), [0]);
  });

  it('a task that lingers and moves after all has its priority back', async function () {
    if (!mayRaise()) skip(this, 'priorities cannot be raised again here: RLIMIT_NICE or CAP_SYS_NICE');
    const [tid] = await hogs(1);
    writeFileSync(owner(lab(), 'n1'), '');
    await balance('--linger');
    assert.deepEqual(await niceness(tid!), [19]);
    await balance();
    rmSync(owner(lab(), 'n1'));
    assert.deepEqual([await niceness(tid!), (await places()).includes('n1')], [[0], false]);
  });

  it('a watch gives a workstation back when its owner comes, and may use it again when he has gone', async () => {
    await hogs(2);
    const watch = lab().startCli(['balance', '--watch', '--period', '1', '--rest', '0', '--within', '20']);
    await until('the load is even', async () => new Set(await places()).size === 2);
    const [busy] = (await places()).filter((name) => name !== 'n1');
    writeFileSync(owner(lab(), busy!), '');
    await until('its owner has it', async () => !(await places()).includes(busy!), { timeoutMs: 60_000 });
    await until('the watch has said so', () => new RegExp(`${busy} is free of tasks .*the goal: 20 s`).test(watch.stdout));
    rmSync(owner(lab(), busy!));
    watch.child.kill('SIGINT');
    await until('the watch is over', async () => !(await lab().control.balanceStatus({})).running, { timeoutMs: 60_000 });
  });

  it('knows who talks to whom', async () => {
    const ring = await lab().run('ring', ['4', '40000000', '7', '2000'], 'n1');
    await until('all four are there', async () => (await lab().tasks()).filter(({ state }) => state === 'running').length === 4);
    const talks = await until('they are heard', async () => {
      const { id } = await balance('--policy', 'comm', '--dry-run');
      const record = readFileSync(log(), 'utf8').split('\n').find((line) => line.includes(id))!;
      const { talks: found } = (JSON.parse(record) as { snapshot: { talks: { from: number; to: number; messagesPerSecond: number; bytesPerSecond: number }[] } }).snapshot;
      return found.filter(({ messagesPerSecond, bytesPerSecond }) => messagesPerSecond > 0 && bytesPerSecond > 0).length === 4 && found;
    }, { timeoutMs: 60_000 });
    // Each sends to one other: the ring.
    assert.deepEqual([...new Set(talks.map(({ from }) => from))].length, 4);
    assert.deepEqual([...new Set(talks.map(({ to }) => to))].length, 4);
    await ring.cancel();
  });

  it('watches until it is told to stop', async () => {
    const [tid] = await hogs(1);
    const watch = lab().startCli(['balance', '--watch', '--policy', 'rotate', '--period', '1', '--rest', '0']);
    await until('it has moved twice', async () => ((await lab().task(tid!))?.epoch ?? 0) >= 2, { timeoutMs: 60_000 });
    const second = await lab().cli(['balance', '--watch']);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /is being balanced already \(rotate/);
    watch.child.kill('SIGINT');
    await until('the watch is over', async () => !(await lab().control.balanceStatus({})).running, { timeoutMs: 60_000 });
    assert.equal((await lab().tasks()).length, 1);
  });

  it('a detached watch outlives its caller and its daemon', async () => {
    const result = await lab().cli(['balance', '--watch', '--detach', '--period', '1']);
    assert.equal(result.code, 0, result.stderr);
    await lab().killDaemon('n1');
    await lab().restart('n1');
    await until('it goes on', async () => (await lab().control.balanceStatus({})).running);
    const { running, detached, policy } = await lab().json<{ running: boolean; detached: boolean; policy: string }>(['balance', '--status']);
    assert.deepEqual({ running, detached, policy }, { running: true, detached: true, policy: 'refine' });
    assert.equal((await lab().cli(['balance', '--stop'])).code, 0);
    assert.equal((await lab().json<{ running: boolean }>(['balance', '--status'])).running, false);
  });
});
