/** mpvm up --lab: nodes on machines of their own, made of namespaces; and nothing of it after mpvm down. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { shaping } from '../../daemon/lab/network.js';
import { processesOf } from '../lab/leftovers.js';
import { namespacesMissing } from '../lab/namespaces.js';
import { command, libraryDirectory, programs } from '../lab/paths.js';
import { run } from '../lab/process.js';
import type { Result } from '../lab/process.js';
import { buildPrograms, program } from '../lab/programs.js';
import { skip } from '../lab/skip.js';
import { until } from '../lab/wait.js';

interface NodeRow { name: string; address: string; state: string }
interface TaskRow { tid: string; node: string }

describe('mpvm up --lab', function () {
  this.timeout(120_000);
  const directory = mkdtempSync(join(tmpdir(), 'mpvm-cli-lab-'));
  const env = { ...process.env, MPVM_DIR: directory, MPVM_NAME: 'lab', LD_LIBRARY_PATH: libraryDirectory, PVM_PATH: programs };
  const mpvm = (...args: string[]): Promise<Result> => run(process.execPath, [command, ...args], { env, timeoutMs: 60_000 });
  const must = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await mpvm(...args);
    assert.equal(code, 0, `mpvm ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  const nodes = async (): Promise<NodeRow[]> => JSON.parse(await must('nodes', '-o', 'json')) as NodeRow[];
  const network = (): { id: string; prefix: string } => JSON.parse(readFileSync(join(directory, 'lab/lab.json'), 'utf8')) as { id: string; prefix: string };

  before(async function () {
    const missing = namespacesMissing();
    if (missing !== undefined) skip(this, missing);
    await buildPrograms();
  });
  after(async () => {
    await mpvm('down');
    rmSync(directory, { recursive: true, force: true });
  });

  it('refuses what does not go together, and names what the machine lacks', async () => {
    for (const args of [['--delay', '5'], ['--lab', '--address', '127.0.0.1'], ['--lab', '--reorder', '5']]) {
      const { code, stderr } = await mpvm('up', ...args);
      assert.equal(code, 2, stderr);
    }
    const { code, stderr } = await run(process.execPath, [command, 'up', '--lab'], { env: { ...env, PATH: '/nowhere' }, timeoutMs: 20_000 });
    assert.equal(code, 1);
    assert.match(stderr, /needs the command ip, .*apt-get install iproute2/);
  });

  let made: { id: string; prefix: string };
  it('makes machines between which tasks move, while programs of this shell talk to them', async () => {
    await must('up', '--lab', '--nodes', '3', '--rate', '1000');
    made = network();
    assert.deepEqual((await nodes()).map(({ name, address, state }) => [name, address, state]), ['n1', 'n2', 'n3'].map((name, i) => [name, `${made.prefix}.${i + 1}`, 'up']));
    const { code, stdout, stderr } = await run(program('ring'), ['6', '600', '3', '4096'], { env, timeoutMs: 60_000 });
    assert.equal(code, 0, stdout + stderr);
    const tid = (await must('spawn', '--node', 'n2', program('sleeper'), 'nanosleep', '100000', '1')).trim();
    await must('migrate', tid, '--to', 'n3');
    assert.deepEqual((JSON.parse(await must('ps', '-o', 'json')) as TaskRow[]).map((row) => [row.tid, row.node]), [[tid, 'n3']]);
  });

  it('pulls cables and puts them back', async () => {
    const state = async (): Promise<string | undefined> => (await nodes()).find(({ name }) => name === 'n3')?.state;
    await must('lab', 'cut', 'n3');
    await until('n3 is missed', async () => (await state()) !== 'up', { timeoutMs: 30_000 });
    await must('lab', 'mend', 'n3');
    await until('n3 is back', async () => (await state()) === 'up', { timeoutMs: 30_000 });
  });

  it('grows by machines, and starts a daemon again where it was', async () => {
    await must('up', '--lab', '--nodes', '4');
    assert.equal((await nodes()).find(({ name }) => name === 'n4')?.address, `${made.prefix}.4`);
    const daemon = processesOf(directory).find(({ command: line }) => line.startsWith('mpvmd lab/n2'))!;
    process.kill(daemon.pid, 'SIGKILL');
    assert.match(await must('up'), /node n2 up/);
  });

  it('is gone after mpvm down: processes, cards, namespaces', async () => {
    await must('down');
    assert.deepEqual(processesOf(directory), []);
    assert.deepEqual(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n').filter((line) => line.startsWith(made.id)), []);
    assert.equal(networkInterfaces()[made.id], undefined);
    assert.deepEqual(execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }).split('\n').filter((line) => line.includes(made.id)), []);
  });

  it('makes lines slow and bad with netem, or says that the kernel has none', async () => {
    const { code, stderr } = await mpvm('up', '--lab', '--nodes', '2', '--delay', '20', '--loss', '1', '--reorder', '5', '--rate', '100');
    if (code !== 0) assert.match(stderr, /has no netem/);
    else {
      const { id } = network();
      const shown = execFileSync('tc', ['-n', `${id}-switch`, 'qdisc', 'show', 'dev', `${id}p2`], { encoding: 'utf8' });
      assert.match(shown, /netem .*delay 20ms.* loss 1%/);
    }
    await must('down');
    assert.equal(networkInterfaces()[made.id], undefined);
  });

  it('asks tc for netem, or for a token bucket where only the rate is limited', () => {
    assert.deepEqual(shaping({}), undefined);
    assert.deepEqual(shaping({ delayMs: 5, lossPercent: 0.1, reorderPercent: 25, mbitPerSecond: 10 })?.join(' '), 'netem limit 100000 delay 5ms loss 0.1% reorder 25% rate 10mbit');
    assert.deepEqual(shaping({ mbitPerSecond: 1000 })?.join(' '), 'tbf rate 1000mbit burst 1250000 latency 100ms');
  });
});
