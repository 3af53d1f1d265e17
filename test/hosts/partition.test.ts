/**
 * The network falls in two: the side without the registry goes on computing and exchanging messages, and changes nothing
 * of what both sides must agree on. So no task can be in two places, whatever the other side does meanwhile.
 */
import assert from 'node:assert/strict';
import { useNamespaces } from '../lab/namespaces.js';
import { program } from '../lab/programs.js';
import { Verdicts } from '../lab/verdicts.js';
import { until } from '../lab/wait.js';

interface TaskRow { tid: string; node: string; epoch: number }

describe('a network in two parts', function () {
  this.timeout(120_000);
  const lab = useNamespaces(3);
  const machine = (name: string) => lab().machine(name);
  const here = async (name: string): Promise<TaskRow[]> => {
    const control = machine(name).control();
    try {
      const rows = (await control.tasks({}, { timeoutMs: 20_000 })).tasks;
      return rows.filter(({ node }) => node === name).map(({ tid, node = '', epoch }) => ({ tid: `t${tid?.toString(16)}`, node: node!, epoch: epoch ?? 0 }));
    } finally {
      control.close();
    }
  };
  const spawn = async (node: string, ...args: string[]): Promise<string> => (await machine('m2').mpvm('spawn', '--node', node, ...args)).trim();
  const refusal = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await machine('m2').cli([...args, '-o', 'json'], { timeoutMs: 60_000 });
    assert.notEqual(code, 0, stdout);
    return stdout + stderr;
  };

  before(async () => {
    // Nobody is given up: what is here shown holds for as long as the network is in two parts.
    Object.assign(lab().env, { MPVM_GRACE_MS: '60000' });
    await machine('m1').mpvm('up', '--address', machine('m1').address);
    const token = (await machine('m1').mpvm('token', '--reusable')).trim();
    for (const name of ['m2', 'm3']) await machine(name).mpvm('join', token);
    await machine('m1').mpvm('cordon', 'n1'); // so that the programs below are on one side
  });
  it('goes on computing without the registry, moves and admits nobody there, and is one again afterwards', async () => {
    const seed = 4711;
    const verdicts = new Verdicts(lab().directory);
    const sleeper = await spawn('m2', program('sleeper'), 'nanosleep', '100000', '1');
    await until('it runs', async () => (await here('m2')).some(({ tid }) => tid === sleeper));
    await spawn('m2', program('ring'), '4', '50000', String(seed), '4096');
    await until('the ring is on both machines', async () => (await here('m2')).length > 1 && (await here('m3')).length > 0);
    assert.equal(verdicts.of(seed).length, 0, 'the ring is too short for this test');

    machine('m1').cut();
    // Four tasks on two machines pass their messages to the last, and end.
    await until('the ring has ended well', () => verdicts.of(seed).length === 4, { timeoutMs: 60_000 });
    assert.deepEqual(verdicts.failures, []);
    // What the directory must commit is not done, and the task runs on where it was.
    assert.match(await refusal('migrate', sleeper, '--to', 'm3', '--deadline', '3'), /REGISTRY|aborted|DEADLINE|TIMEOUT/);
    assert.match(await refusal('cordon', 'm3'), /REGISTRY|TIMEOUT/);
    const places = [...(await here('m2')), ...(await here('m3'))].filter(({ tid }) => tid === sleeper);
    assert.deepEqual(places.map(({ node, epoch }) => [node, epoch]), [['m2', 0]]);

    machine('m1').mend();
    await until('all are up', async () => Object.values(await lab().states()).every((state) => state.startsWith('up')), { timeoutMs: 60_000 });
    await until('the task moves again', async () => (await machine('m2').cli(['migrate', sleeper, '--to', 'm3'])).code === 0, { timeoutMs: 30_000 });
    assert.deepEqual((await machine('m1').json<TaskRow[]>('ps')).filter(({ tid }) => tid === sleeper).map(({ node }) => node), ['m3']);
    await machine('m1').mpvm('down');
    assert.deepEqual(await lab().leftovers(), []);
  });
});
