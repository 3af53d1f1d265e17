import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { hasCode } from '../../daemon/errors.js';
import { clientCredentials, ensureAuthority, issueIdentity, readIdentity } from '../../daemon/rpc/certificates.js';
import { createClient, createNodeClient } from '../../daemon/rpc/clients.js';
import { healthService } from '../../daemon/rpc/health.js';
import { until } from '../lab/wait.js';
import { useDaemons } from './daemons.js';

describe('daemons', function () {
  this.timeout(120_000);
  const vm = useDaemons();

  const tasksOf = async (node: string) => (await vm().control(node).tasks({})).tasks;
  const sleeper = async (node: string, on = node) => (await vm().control(node).spawn({ program: '/bin/sleep', argv: ['1000'], count: 1, node: on, directory: '/' })).tids[0] ?? 0;
  const pidOf = (tid: number) => until('the task', async () => (await tasksOf('n1')).find((task) => task.tid === tid)?.pid);
  const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));

  it('form a VM that every one of them knows', async () => {
    await vm().up('n1', 'n2', 'n3');
    for (const node of ['n1', 'n2', 'n3']) await vm().sees(node, { n1: 'UP', n2: 'UP', n3: 'UP' });
    assert.deepEqual(['n1', 'n2', 'n3'].map((node) => vm().file(node).host >>> 18), [1, 2, 3]);
  });

  it('answer health checks', async () => {
    await vm().up('n1');
    const health = createClient(healthService, { target: `unix:${vm().path('n1', 'control.sock')}`, peer: 'n1', unreachable: 'NO_DAEMON' });
    assert.equal((await health.check({})).status, 1);
    assert.equal((await health.check({ service: 'nonsense' })).status, 3);
    health.close();
  });

  it('leave nothing behind when they are told to stop', async () => {
    await vm().up('n1', 'n2');
    const pids = await Promise.all([sleeper('n1', 'n1'), sleeper('n1', 'n2')]).then(async () => (await tasksOf('n1')).map(({ pid }) => pid ?? 0));
    assert.equal(pids.length, 2);
    assert.equal((await vm().kill('n2', 'SIGTERM')).code, 0);
    await vm().sees('n1', { n2: 'LEFT' });
    assert.equal((await vm().kill('n1', 'SIGTERM')).code, 0);
    assert.deepEqual(readdirSync(vm().directory), []);
    await until('the tasks have ended', () => !pids.some(isAlive));
  });

  it('all go down together when one is asked', async () => {
    await vm().up('n1', 'n2', 'n3');
    const daemons = ['n1', 'n2', 'n3'].map((node) => vm().running(node));
    await vm().control('n3').down({});
    for (const daemon of daemons) assert.equal((await daemon.ended).code, 0);
    assert.deepEqual(readdirSync(vm().directory), []);
  });

  it('survive kill -9 and restart of the registry: same VM, same tids, tasks run on', async () => {
    await vm().up('n1', 'n2');
    const tids = [await sleeper('n1', 'n1'), await sleeper('n1', 'n2')];
    await vm().control('n1').cordon({ node: 'n2', cordoned: true, reason: 'test', user: 'me' });
    const before = await tasksOf('n2');
    await vm().kill('n1');
    assert.ok(before.every(({ pid }) => isAlive(pid ?? 0)));
    await vm().start('n1');
    await vm().sees('n1', { n1: 'UP', n2: 'UP' });
    const after = await until('both tasks', async () => {
      const rows = await tasksOf('n2');
      return rows.length === 2 && rows;
    });
    assert.deepEqual(after.map(({ tid, pid }) => [tid, pid]), before.map(({ tid, pid }) => [tid, pid]));
    assert.deepEqual(after.map(({ tid }) => tid).sort(), tids.sort());
    assert.equal((await vm().control('n2').nodes({})).nodes[1]?.cordonReason, 'test');
    await vm().kill('n2', 'SIGTERM');
    await vm().sees('n1', { n2: 'LEFT' });
  });

  it('tell of a killed node once, and take it back under its number; its old tasks are ended', async () => {
    await vm().start('n1', ['--grace-ms', '1500']);
    await vm().up('n2', 'n3');
    const tid = await sleeper('n1', 'n2');
    const pid = await pidOf(tid);
    const { host } = vm().file('n2');
    await vm().kill('n2');
    await vm().sees('n3', { n2: 'DEAD' });
    assert.ok(isAlive(pid), 'a daemon that dies does not take its tasks with it');
    await vm().start('n2');
    await vm().sees('n3', { n2: 'UP' });
    assert.equal(vm().file('n2').host, host);
    await until('the task that had been declared lost is ended', () => !isAlive(pid));
    assert.equal(vm().log('n1').filter(({ msg, member }) => msg === 'node declared dead' && member === 'n2').length, 1);
  });

  it('take a killed daemon back before it is declared dead, with its tasks', async () => {
    await vm().start('n1', ['--grace-ms', '60000']);
    await vm().up('n2');
    const tid = await sleeper('n1', 'n2');
    const pid = await pidOf(tid);
    await vm().kill('n2');
    await vm().sees('n1', { n2: 'SUSPECT' });
    await vm().start('n2');
    await vm().sees('n1', { n2: 'UP' });
    const row = await until('the task', async () => (await tasksOf('n1')).find((task) => task.tid === tid));
    assert.equal(row.pid, pid);
  });

  it('do not count a stopped daemon as dead before it has had its time, and let it end its tasks if it comes too late', async () => {
    await vm().start('n1', ['--grace-ms', '1000']);
    await vm().up('n2');
    const tid = await sleeper('n1', 'n2');
    const pid = await pidOf(tid);
    vm().running('n2').child.kill('SIGSTOP');
    await vm().sees('n1', { n2: 'DEAD' });
    vm().running('n2').child.kill('SIGCONT');
    await vm().sees('n1', { n2: 'UP' });
    await until('its tasks, reported as ended, are ended', () => !isAlive(pid));
  });

  it('come back after they have left, and give no tid twice', async () => {
    await vm().up('n1', 'n2');
    const first = await sleeper('n1', 'n2');
    await vm().kill('n2', 'SIGTERM');
    await vm().start('n2');
    await vm().sees('n1', { n2: 'UP' });
    const second = await sleeper('n1', 'n2');
    assert.equal(second >>> 18, first >>> 18);
    assert.ok(second > first);
  });

  it('survive many kills of the registry in a row', async () => {
    await vm().up('n1', 'n2');
    const tid = await sleeper('n1', 'n2');
    for (let round = 0; round < 4; round++) {
      await vm().kill('n1');
      await vm().start('n1');
      await vm().sees('n2', { n1: 'UP', n2: 'UP' });
    }
    await until('the task is there', async () => (await tasksOf('n1')).some((task) => task.tid === tid));
  });

  describe('refuse', () => {
    const fails = async (args: string[], code: number, ...words: string[]): Promise<void> => {
      const result = await vm().raw(args).ended;
      assert.equal(result.code, code, result.stderr);
      assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
      for (const word of words) assert.ok(result.stderr.includes(word), `${word} is not in: ${result.stderr}`);
    };
    const usual = (node: string): string[] => ['--vm', 'v', '--node', node, '--address', vm().address(node)];

    it('wrong options', async () => {
      await fails(['--node', 'n1'], 2, '--address');
      await fails([...usual('n1'), '--nonsense'], 2, '--nonsense');
      await fails([...usual('n1'), '--port', 'x'], 2, '--port');
      await fails(['--vm', '../v', '--node', 'n1', '--address', '127.0.0.1'], 2, '../v');
    });

    it('a port that is in use, and leave nothing', async () => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen({ host: vm().address('n1'), port: 0 }, resolve));
      const { port } = other.address() as { port: number };
      await fails([...usual('n1'), '--port', String(port)], 1, `port ${port}`, 'in use', '--port');
      other.close();
      assert.deepEqual(readdirSync(vm().directory), []);
    });

    it('an address of another machine', () => fails(['--vm', 'v', '--node', 'n1', '--address', '192.0.2.1'], 2, '192.0.2.1', 'not an address of this machine'));

    it('a registry that is not there', async () => {
      await ensureAuthority(join(vm().directory, 'v', 'ca'), 'v');
      await fails([...usual('n2'), '--join', `${vm().address('n1')}:9`], 1, 'does not answer');
    });

    it('to join without a certificate of the VM', () => fails([...usual('n2'), '--join', `${vm().address('n1')}:9`], 1, 'no certificate'));

    it('a directory that others can read, or that is none', async () => {
      mkdirSync(join(vm().directory, 'v'), { mode: 0o700 });
      mkdirSync(join(vm().directory, 'v', 'n1'));
      chmodSync(join(vm().directory, 'v', 'n1'), 0o755);
      await fails(usual('n1'), 1, 'open to other users', 'MPVM_DIR');
      symlinkSync('/tmp', join(vm().directory, 'v', 'n2'));
      await fails(usual('n2'), 1, 'not a directory');
    });

    it('a directory with too long a path', () => fails([...usual('n1'), '--dir', join(vm().directory, 'x'.repeat(90))], 1, 'MPVM_DIR', 'Linux allows'));

    it('a directory in which another daemon lives', async () => {
      await vm().up('n1');
      await fails(usual('n1'), 1, `pid ${vm().file('n1').pid}`);
      assert.deepEqual(await vm().states('n1'), { n1: 'UP' });
    });

    it('a journal that is damaged, saying where, and leave it as it is', async () => {
      await vm().up('n1');
      await vm().kill('n1');
      const path = vm().path('n1', 'journal');
      const journal = readFileSync(path);
      journal[30] = journal[30]! ^ 1;
      writeFileSync(path, journal);
      await fails(usual('n1'), 1, 'damaged', path);
      assert.deepEqual(readFileSync(path), journal);
    });
  });

  describe('are harmed by nothing that strangers send', () => {
    const port = (): { host: string; port: number } => ({ host: vm().address('n1'), port: vm().file('n1').port });
    /** Sends, and waits until the other side has had enough. */
    const throwAt = (target: { host: string; port: number } | { path: string }, bytes: Buffer): Promise<void> => new Promise((resolve) => {
      const socket = connect(target);
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.on('data', () => undefined);
      socket.setTimeout(2000, () => socket.destroy());
      socket.end(bytes);
    });

    it('garbage on the port and the sockets', async () => {
      await vm().up('n1', 'n2');
      const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      const pieces = [Buffer.alloc(0), randomBytes(10), randomBytes(100_000), preface, Buffer.concat([preface, randomBytes(5000)]), Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])];
      const targets = [port(), { path: vm().path('n1', 'control.sock') }, { path: vm().path('n1', 'task.sock') }];
      await Promise.all(targets.flatMap((target) => pieces.map((piece) => throwAt(target, piece))));
      assert.ok(await sleeper('n2', 'n1') > 0);
      assert.deepEqual(await vm().states('n2'), { n1: 'UP', n2: 'UP' });
    });

    it('a certificate of another authority, or none', async () => {
      await vm().up('n1');
      const authority = `${vm().directory}-other-ca`;
      await ensureAuthority(authority, 'v');
      await issueIdentity(authority, `${vm().directory}-other`, 'n2', vm().address('n2'));
      const forged = readIdentity(`${vm().directory}-other`)!;
      const ours = readIdentity(vm().path('n1', 'tls'))!;
      const target = `${port().host}:${port().port}`;
      for (const identity of [forged, { ...forged, authority: ours.authority }]) {
        const client = createNodeClient({ target, peer: 'n1', unreachable: 'NODE_UNREACHABLE', credentials: clientCredentials(identity) });
        await assert.rejects(client.ping({}), (error: unknown) => hasCode(error, 'NODE_UNREACHABLE'));
        client.close();
      }
      await new Promise<void>((resolve) => {
        const bare = connectTls({ ...port(), ca: ours.authority, checkServerIdentity: () => undefined, ALPNProtocols: ['h2'] });
        bare.on('error', () => undefined);
        bare.on('close', () => resolve());
        bare.on('data', () => undefined);
      });
      const client = createNodeClient({ target, peer: 'n1', unreachable: 'NODE_UNREACHABLE', credentials: clientCredentials(ours, 'n1') });
      assert.equal((await client.ping({})).name, 'n1');
      client.close();
    });

    it('a certificate of this VM under the name of another node', async () => {
      await vm().up('n1');
      const ours = readIdentity(vm().path('n1', 'tls'))!;
      const client = createNodeClient({ target: `${port().host}:${port().port}`, peer: 'n2', unreachable: 'NODE_UNREACHABLE', credentials: clientCredentials(ours, 'n2') });
      await assert.rejects(client.ping({}), (error: unknown) => hasCode(error, 'NODE_UNREACHABLE'));
      client.close();
    });
  });
});
