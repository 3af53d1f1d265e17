/**
 * Somebody in a move runs out of memory, descriptors, blocks or inodes, at whichever step that is: the task
 * lives exactly once, where the outcome says, every message is accounted for, and when there is room
 * again it moves.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlClient } from '../../daemon/rpc/clients.js';
import { useLab } from '../lab/lab.js';
import type { Move } from '../lab/lab.js';
import { namespacesMissing, NamespaceLab } from '../lab/namespaces.js';
import type { Machine } from '../lab/namespaces.js';
import { build } from '../lab/paths.js';
import { program } from '../lab/programs.js';
import { skip } from '../lab/skip.js';
import { TaskRun } from '../lab/task-run.js';
import { until } from '../lab/wait.js';

/** What is common to the labs. */
interface Group {
  readonly directory: string;
  readonly control: ControlClient;
  migrate(tid: number, to: string): Promise<Move>;
}
interface Member {
  tid: number;
  /** Of its process, as the lab sees it. */
  pid: number;
}
/** Takes something away; what it returns gives it back, to the process that the task is then. */
type Squeeze = (pid: number) => Release | Promise<Release>;
type Release = (pid: number) => unknown;

async function member(group: Group, run: TaskRun, node: string): Promise<Member> {
  const row = await until(`a member on ${node}`, async () => (await group.control.tasks({})).tasks.find((one) => one.tid !== run.tid && one.program?.endsWith('ring') && one.node === node));
  return { tid: row.tid ?? 0, pid: row.pid ?? 0 };
}

/** A ring runs over three nodes; its member on the second is to go to the third while something is short. */
async function survives(group: Group, [first, from, to]: readonly [string, string, string], squeeze: Squeeze, expected?: 'aborted'): Promise<void> {
  const run = await TaskRun.start(group.control.run({ program: program('ring'), argv: ['3', '4000000', '9', '4096'], count: 1, node: first, directory: group.directory }));
  try {
    await run.printed('ring started');
    const { tid, pid } = await member(group, run, from);
    const release = await squeeze(pid);
    const move = await group.migrate(tid, to);
    const outcome = `${move.outcome} ${move.code}: ${move.reason}`;
    if (expected) assert.equal(move.outcome, expected, outcome);
    if (move.outcome === 'aborted') assert.notEqual(move.code, 'INTERNAL', outcome);
    const row = await until(`the task runs once (${outcome})`, async () => {
      assert.equal(run.over, false, `${outcome}\n${run.output.slice(-1000)}`);
      const rows = (await group.control.tasks({})).tasks.filter((one) => one.tid === tid);
      return rows.length === 1 && rows[0]!.state === 'running' && rows[0];
    });
    await release(row.pid ?? 0);
    assert.equal(row.node, move.outcome === 'completed' ? to : from, outcome);
    const next = row.node === to ? from : to;
    await until(`it moves again (${outcome})`, async () => (await group.migrate(tid, next)).outcome === 'completed', { everyMs: 200 });
    assert.equal(run.over, false, run.output);
  } finally {
    for (const one of (await group.control.tasks({})).tasks) await group.control.signal({ tid: one.tid ?? 0, signum: 9 });
    await until('the ring is gone', async () => (await group.control.tasks({})).tasks.length === 0);
  }
}

const addressSpace = (pid: number): number => Number(/^VmSize:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

describe('a task or its restorer runs out of memory or descriptors in a move', function () {
  this.timeout(60_000);
  const place = mkdtempSync(join(tmpdir(), 'mpvm-short-'));
  const restorer = join(place, 'restorer'), limits = join(place, 'limits');
  writeFileSync(limits, '');
  writeFileSync(restorer, `#!/bin/bash\n. ${limits}\nexec ${join(build, 'bin/mpvm-restorer')} "$@"\n`, { mode: 0o755 });
  const lab = useLab({ nodes: 3, env: { MPVM_RESTORER: restorer } });
  after(() => rmSync(place, { recursive: true, force: true }));
  const nodes = ['n1', 'n2', 'n3'] as const;

  const task = (limit: string, value: (pid: number) => number): Squeeze => (pid) => {
    const before = execFileSync('prlimit', ['--pid', String(pid), `--${limit}`, '--noheadings', '--output', 'SOFT']).toString().trim();
    execFileSync('prlimit', ['--pid', String(pid), `--${limit}=${value(pid)}:`]);
    return (now) => execFileSync('prlimit', ['--pid', String(now), `--${limit}=${before}:`]);
  };
  const arrival = (line: (pid: number) => string): Squeeze => (pid) => {
    writeFileSync(limits, `${line(pid)}\n`);
    return () => writeFileSync(limits, '');
  };

  it('the task has no memory for its agent', () => survives(lab(), nodes, task('as', (pid) => addressSpace(pid) * 1024), 'aborted'));
  for (const more of [0, 1, 2, 4, 6]) {
    it(`the task may open ${more} descriptors more`, () => survives(lab(), nodes, task('nofile', (pid) => 1 + more + Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number)))));
  }
  // KiB: too little to be started, to begin, and for half of the task.
  it('the restorer has no memory to start', () => survives(lab(), nodes, arrival(() => 'ulimit -v 20000'), 'aborted'));
  it('the restorer has memory for itself alone', () => survives(lab(), nodes, arrival(() => 'ulimit -v 33000'), 'aborted'));
  it('the restorer has memory for half of the task', () => survives(lab(), nodes, arrival((pid) => `ulimit -v ${33_000 + Math.floor(addressSpace(pid) / 2)}`), 'aborted'));
  for (const most of [3, 65, 68]) it(`the restorer may have ${most} descriptors`, () => survives(lab(), nodes, arrival(() => `ulimit -n ${most}`)));
});

describe('the disk of a node is full when a task moves', function () {
  this.timeout(90_000);
  let lab: NamespaceLab | undefined;
  const nodes = ['n1', 'm2', 'm3'] as const;

  before(async function () {
    this.timeout(120_000);
    const missing = namespacesMissing();
    if (missing !== undefined) skip(this, missing);
    lab = await NamespaceLab.start(3);
    const [one, two, three] = lab.machines as [Machine, Machine, Machine];
    await one.mpvm('up', '--address', one.address);
    const token = (await one.mpvm('token', '--reusable')).trim();
    for (const other of [two, three]) await other.mpvm('join', token);
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') lab?.dump(this.currentTest.fullTitle());
  });
  after(async function () {
    this.timeout(60_000);
    await lab?.machines[0]?.mpvm('down');
    const left = await lab?.leftovers();
    await lab?.end();
    assert.deepEqual(left ?? [], []);
  });

  const shell = async (machine: Machine, line: string): Promise<void> => {
    const { code, stderr } = await machine.run(['sh', '-c', line]);
    assert.equal(code, 0, stderr);
  };
  const noBlocks = (index: number): Squeeze => async () => {
    const machine = lab!.machines[index]!;
    await shell(machine, 'mount -o remount,size=16m "$MPVM_DIR" && { cat /dev/zero > "$MPVM_DIR/fill" 2>/dev/null || true; }');
    return () => shell(machine, 'rm "$MPVM_DIR/fill"');
  };
  const noInodes = (index: number): Squeeze => async () => {
    const machine = lab!.machines[index]!;
    await shell(machine, 'mount -o remount,nr_inodes=$(df --output=iused "$MPVM_DIR" | tail -1 | tr -d " ") "$MPVM_DIR"');
    return () => shell(machine, 'mount -o remount,nr_inodes=100000 "$MPVM_DIR"');
  };

  for (const [index, whose] of ['the registry', 'the source', 'the destination'].entries()) {
    // There the move needs both.
    const expected = index === 2 ? 'aborted' : undefined;
    it(`${whose} has no block left`, () => survives(lab!, nodes, noBlocks(index), expected));
    it(`${whose} has no inode left`, () => survives(lab!, nodes, noInodes(index), expected));
  }
});
