/**
 * A VM over machines with network, process and mount namespaces of their own: an address, a pid or a socket of
 * another machine is not there. Joining, adding, programs, moves, deleting, a cut cable, a crash.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import type { Conversation } from '../lab/conversation.js';
import { useNamespaces } from '../lab/namespaces.js';
import { command } from '../lab/paths.js';
import { until } from '../lab/wait.js';
import { Mover } from '../soak/mover.js';

interface TaskRow { tid: string; node: string; epoch: number; program: string }
interface HostRow { host: string; done: boolean; code: string; moved: number }

describe('a VM over machines of their own', function () {
  this.timeout(120_000);
  const lab = useNamespaces(3);
  const machine = (name: string) => lab().machine(name);
  const tasks = (): Promise<TaskRow[]> => machine('m1').json<TaskRow[]>('ps');

  describe('whose nodes join by token', () => {
    it('grows by machines that have a token and nothing else', async () => {
      const { address } = machine('m1');
      await machine('m1').mpvm('up', '--address', address);
      const token = (await machine('m1').mpvm('token', '--reusable')).trim();
      for (const name of ['m2', 'm3']) match(await machine(name).mpvm('join', token), new RegExp(`node ${name} of VM lab up at ${machine(name).address}`));
      deepEqual(await lab().states(), { m2: 'up', m3: 'up', n1: 'up' });
      const seen = await machine('m3').json<{ name: string; address: string }[]>('nodes');
      deepEqual(seen.map(({ name, address }) => [name, address]), [['m2', machine('m2').address], ['m3', machine('m3').address], ['n1', machine('m1').address]]);
    });

    it('runs programs over all of them, and loses no byte while tasks move from machine to machine', async () => {
      const ring = machine('m1').begin([process.execPath, command, 'run', 'ring', '7', '40000', '11'], { timeoutMs: 110_000 });
      await until('the start of the ring', () => ring.stdout.includes('ring started') || ring.child.exitCode !== null, { timeoutMs: 30_000 });
      const mover = new Mover(lab(), { everyMs: 200 }).start();
      const { code, stdout, stderr } = await ring.ended;
      await mover.stop();
      equal(code, 0, stdout + stderr);
      deepEqual(mover.failures, []);
      ok(mover.moves.length > 0, `no task has moved: ${mover.refused.join()}`);
      console.log(`      ${mover.summary()}`);
    });

    it('is told once of a machine whose cable is out, and takes it back under its name', async () => {
      const program: Conversation = machine('m1').talk('hosts');
      match(await program.ask('spawn m3'), /^1 t/);
      match(await program.ask('spawn m2'), /^1 t/);
      equal(await program.ask('ask'), 'm3/1 m2/1');
      const [, tid = '', ] = /^1 (t\w+)$/.exec(await program.ask('spawn m3')) ?? [];
      equal(await program.ask('watch-tasks'), '0');
      const [, host = ''] = /^0 (t\w+)$/.exec(await program.ask('watch-host m3')) ?? [];
      machine('m3').cut();
      await until('m3 is dead', async () => (await lab().states())['m3'] === 'dead', { timeoutMs: 30_000 });
      const notices = [await program.ask('notice 20'), await program.ask('notice 20'), await program.ask('notice 20')];
      ok(notices.includes(`delete ${host}`), notices.join());
      ok(notices.includes(`exit ${tid}`), notices.join());
      equal(notices.filter((notice) => notice.startsWith('exit')).length, 2, notices.join());
      equal(await program.ask('notice 1'), 'none');
      equal(await program.ask('mstat m3'), '-22');

      machine('m3').mend();
      await until('m3 is up again', async () => (await lab().states())['m3'] === 'up', { timeoutMs: 30_000 });
      await until('its tasks of before have ended', async () => !(await tasks()).some(({ node }) => node === 'm3'), { timeoutMs: 20_000 });
      match(await program.ask('spawn m3'), /^1 t/);
      equal(await program.ask('notice 1'), 'none');
      await program.end();
    });

    it('survives a machine that crashes; the machine joins again with a token', async () => {
      await machine('m3').crash();
      await until('m3 is dead', async () => (await lab().states())['m3'] === 'dead', { timeoutMs: 30_000 });
      await machine('m3').boot();
      const token = (await machine('m1').mpvm('token', '--node', 'm3')).trim();
      await machine('m3').mpvm('join', token);
      deepEqual(await lab().states(), { m2: 'up', m3: 'up', n1: 'up' });
    });

    it('is left by a node whose tasks go elsewhere first', async () => {
      const program = machine('m1').talk('hosts');
      await program.ask('spawn m2');
      equal(await program.ask('ask'), 'm2/1');
      const [left] = await machine('m2').json<HostRow[]>('leave');
      equal(left?.done, true);
      match(await program.ask('ask'), /^m[13]\/2$/);
      deepEqual(await lab().states(), { m3: 'up', n1: 'up' });
      await program.end();
    });

    it('goes down from any machine, and leaves nothing on any', async () => {
      await machine('m3').mpvm('down');
      deepEqual(await lab().leftovers(), []);
    });
  });

  describe('whose hosts are added through PVM_RSH', () => {
    let program: Conversation;

    it('adds them for a program, as PVM does', async () => {
      await machine('m1').mpvm('up', '--address', machine('m1').address);
      program = machine('m1').talk('hosts');
      equal(await program.ask('watch-add -1'), '0');
      const [two, three] = [machine('m2').address, machine('m3').address];
      equal(await program.ask(`add ${two} sp=500 lo=bob, ${two}, ${three} zz=1, 10.1.1.1`), '1: 1 -28 -2 -29');
      match(await program.ask('notice 10'), /^add t/);
      match(await program.ask('conf'), new RegExp(`${two}=t80000/500`));
      equal(await program.ask(`add ${two}, ${three}`), '1: -28 1');
      const call = lab().rshCalls.find(([host]) => host === two)!;
      deepEqual(call.slice(0, 3), [two, '-l', 'bob']);
      equal(call.length, 4);
      ok(!call.join(' ').includes('mpvm1.'), 'a token in the command line can be seen by everybody on that machine');
    });

    it('spawns there, and moves tasks away before a host is deleted', async () => {
      const [two, three] = [machine('m2').address, machine('m3').address];
      await program.ask(`spawn ${two}`);
      await program.ask(`spawn ${three}`);
      equal(await program.ask('ask'), 'm2/1 m3/1');
      await program.ask('watch-tasks');
      const [, host = ''] = /^0 (t\w+)$/.exec(await program.ask(`watch-host ${two}`)) ?? [];
      match(await program.ask('notice 5'), /^add t/);
      equal(await program.ask(`delete ${two}, nobody, ${two}`, 60_000), '1: 0 -6 -28');
      equal(await program.ask('notice 10'), `delete ${host}`);
      equal(await program.ask('notice 1'), 'none');
      match(await program.ask('ask'), /^m[13]\/2 m3\/2$/);
      equal(await program.ask('delete n1'), '0: -2');
    });

    it('lets a task delete the host that it runs on, and answers it where it is then', async () => {
      const two = machine('m2').address;
      await program.ask(`add ${two}`);
      await program.ask(`spawn ${two}`);
      match(await program.ask(`child-delete ${two}`, 90_000), /^1: 0 m[13]$/);
      match(await program.ask('ask'), /m[13]\/1$/);
    });

    it('ends with the host what cannot be moved, as PVM does, and says so', async () => {
      const two = machine('m2').address;
      await program.ask(`add ${two}`);
      // It has a pipe to this process.
      const remote = machine('m2').talk('hosts');
      match(await remote.ask('conf'), /n1=/);
      const kept = await machine('m1').cli(['delete', two, '-o', 'json'], { timeoutMs: 60_000 });
      equal(kept.code, 3, kept.stdout + kept.stderr);
      equal((JSON.parse(kept.stdout) as HostRow[])[0]?.code, 'HOST_NOT_EMPTY');
      equal(await program.ask(`delete ${two}`, 60_000), '1: 0');
      await remote.end();
    });

    it('goes down and leaves nothing', async () => {
      await program.end();
      await machine('m1').mpvm('down');
      deepEqual(await lab().leftovers(), []);
    });
  });
});
