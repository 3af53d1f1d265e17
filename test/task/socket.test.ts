/** task.sock of real daemons: enrolment, routes, spawn, output, notices, signals, and rubbish. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mpvm } from '../../daemon/rpc/messages.js';
import { pvm, spawnFlag } from '../../daemon/task/codes.js';
import { until } from '../lab/wait.js';
import { useNodes } from './nodes.js';

const { DEAD, HERE, ELSEWHERE } = mpvm.task.Route.State;
const ipLoopback = -36;
const outputTo = (tid: number, tag: number): mpvm.task.ISpawn => ({ inherited: { outputTid: tid, outputTag: tag } });
const on = (node: string): mpvm.task.ISpawn => ({ flags: spawnFlag.Host, where: node });

describe('task.sock', function () {
  this.timeout(30_000);
  const nodes = useNodes(2);

  describe('enrolment', () => {
    it('gives a program from a shell a tid of the node, no parent, and what it needs', async () => {
      const task = await nodes().task('n1');
      const { place } = task;
      assert.equal(place.tid! & 0x3ffc0000, place.host);
      assert.deepEqual([place.parent, place.epoch ?? 0, place.node, place.architecture], [pvm.NoParent, 0, 'n1', 'LINUX64']);
      assert.equal(place.secret?.length, 16);
      assert.ok(existsSync(place.socketDir!));
    });
    it('never gives a tid twice', async () => {
      const first = await nodes().task('n1');
      first.close();
      await first.closed;
      assert.notEqual((await nodes().task('n1')).tid, first.tid);
    });
    it('refuses another protocol, a wrong pid, and a tid that is not of this node', async () => {
      for (const [hello, status] of [[{ protocol: 2 }, -26], [{ pid: 1 }, -8], [{ tid: 0x40fff }, pvm.NoTask]] as const) {
        const stranger = nodes().stranger('n1');
        assert.equal((await stranger.enroll(hello)).status, status);
        await stranger.closed;
      }
    });
    it('takes a task back whose link broke, under the same tid', async () => {
      const task = await nodes().task('n1');
      task.socket.destroy();
      const again = nodes().stranger('n1');
      const answer = await again.enroll({ tid: task.tid, incarnation: task.incarnation });
      assert.equal(answer.status, 0);
      assert.equal(again.tid, task.tid);
    });
    it('does not take back one that only says it is that task', async () => {
      const task = await nodes().task('n1');
      const impostor = nodes().stranger('n1');
      assert.equal((await impostor.enroll({ tid: task.tid })).status, -8);
    });
    it('after pvm_exit gives a new tid on the same connection', async () => {
      const task = await nodes().task('n1');
      const before = task.tid;
      task.send({ leave: {} });
      assert.equal((await task.enroll()).status, 0);
      assert.notEqual(task.tid, before);
    });
  });

  describe('rubbish', () => {
    it('costs the one who sends it his connection, nobody else', async () => {
      const task = await nodes().task('n1');
      const header = Buffer.alloc(8);
      header.writeUInt32LE(4);
      const rubbish = [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(4, 0xff), Buffer.concat([header, Buffer.alloc(8, 0xff)]), Buffer.from([0, 0, 0, 0])];
      for (const bytes of rubbish) {
        const socket = connect(nodes().paths('n1').taskSocket);
        socket.on('error', () => undefined);
        socket.resume();
        const closed = new Promise((resolve) => socket.on('close', resolve));
        socket.write(bytes);
        await closed;
      }
      assert.equal((await task.ask({ listHosts: {} })).status, 2);
    });
    it('from a task ends its link, not its life', async () => {
      const task = await nodes().task('n1');
      task.socket.write(Buffer.alloc(64, 0xff));
      await task.closed;
      const other = await nodes().task('n1');
      assert.equal((await other.ask({ taskStatus: { tid: task.tid } })).status, 0);
    });
  });

  describe('routes', () => {
    it('lead to a task of this node, and to one of another', async () => {
      const [here, there] = [await nodes().task('n1'), await nodes().task('n2')];
      for (const task of [here, there]) task.send({ endpoint: { localPath: join(task.place.socketDir!, 'x.sock'), port: 4711 } });
      const near = (await here.ask({ resolve: { tid: here.tid } })).route!;
      assert.deepEqual([near.state, near.localPath, near.epoch ?? 0], [HERE, join(here.place.socketDir!, 'x.sock'), 0]);
      const far = (await here.ask({ resolve: { tid: there.tid } })).route!;
      assert.deepEqual([far.state, far.address, far.port], [ELSEWHERE, there.place.address, 4711]);
    });
    it('to a task that does not listen yet are answered when it does', async () => {
      const [here, there] = [await nodes().task('n1'), await nodes().task('n2')];
      const answer = here.ask({ resolve: { tid: there.tid } });
      await here.ask({ listHosts: {} });
      there.send({ endpoint: { localPath: '/x', port: 12 } });
      assert.equal((await answer).route?.port, 12);
    });
    it('to a task that never was, has ended, or is of no host, are dead ends', async () => {
      const [here, there] = [await nodes().task('n1'), await nodes().task('n2')];
      there.send({ leave: {} });
      await until('the end', async () => (await here.ask({ taskStatus: { tid: there.tid } })).status === pvm.NoTask);
      for (const tid of [there.tid, (here.place.host! | 0x3ffff) >>> 0, 0x3ffc0001]) {
        assert.equal((await here.ask({ resolve: { tid } })).route?.state ?? DEAD, DEAD, tid.toString(16));
      }
    });
  });

  describe('spawn', () => {
    it('tells a task who it is, and gives it nothing else of the daemon', async () => {
      const parent = await nodes().task('n1');
      const script = 'env; echo "cwd $(pwd)"; echo "argv0 $0"; readlink /proc/$$/fd/0; ls /proc/$$/fd | tr "\\n" " "; cut -d" " -f1,5,6 /proc/$$/stat';
      const [tid] = await parent.spawn('sh', ['-c', script], { ...on('n1'), ...outputTo(parent.tid, 5), environment: ['EXPORTED=by the parent'], context: 7 });
      const { text, marks } = await parent.output(5, tid!);
      const line = (start: string): string => text.split('\n').find((each) => each.startsWith(start)) ?? '';
      assert.deepEqual(marks, [-2, -1, 0]); // PVM's order: new, spawned, end
      assert.equal(line('PVMSOCK='), `PVMSOCK=${nodes().paths('n1').taskSocket}`);
      assert.ok(line('PVMEPID=').length > 12);
      assert.equal(line('PVMCTX='), 'PVMCTX=0x7');
      assert.equal(line('EXPORTED='), 'EXPORTED=by the parent');
      assert.equal(line('DAEMON_SAYS='), 'DAEMON_SAYS=hello');
      assert.equal(line('MPVM_NODE='), 'MPVM_NODE=n1');
      assert.equal(line('cwd '), `cwd ${nodes().directory}`);
      assert.match(line('argv0 '), /^argv0 \/(usr\/)?bin\/sh$/);
      assert.ok(text.includes('\n/dev/null\n0 1 2 '), text);
      const [pid, group, session] = text.trim().split('\n').at(-1)!.split(' ').slice(-3);
      assert.deepEqual([group, session], [pid, pid]);
    });
    it('goes round the hosts, and to the one that is named', async () => {
      const parent = await nodes().task('n1');
      const tids = await parent.spawn('sleep', ['60'], { count: 4 });
      const hosts = tids.map((tid) => tid & 0x3ffc0000);
      assert.equal(new Set(hosts).size, 2);
      const [there] = await parent.spawn('sleep', ['60'], on('n2'));
      assert.notEqual(there! & 0x3ffc0000, parent.place.host);
      const [here] = await parent.spawn('sleep', ['60'], on('.'));
      assert.equal(here! & 0x3ffc0000, parent.place.host);
      for (const tid of [...tids, there!, here!]) await parent.ask({ signal: { tid, signum: 9 } });
    });
    it('gives the process that enrols with its cookie its parent, its context, and all siblings', async () => {
      const parent = await nodes().task('n1');
      const tids = await parent.spawn('sh', ['-c', 'echo "$PVMEPID"; exec sleep 60'], { count: 3, context: 5, ...outputTo(parent.tid, 7) });
      assert.equal(new Set(tids.map((tid) => tid & 0x3ffc0000)).size, 2);
      for (let left = tids.length; left > 0; ) {
        const { ints, body } = await parent.message(7);
        if (ints[1]! <= 0) continue;
        left--;
        const child = nodes().stranger(((ints[0]! & 0x3ffc0000) === parent.place.host ? 'n1' : 'n2'));
        await child.enroll({ cookie: body.subarray(8, 8 + ints[1]!).toString().trim() });
        assert.deepEqual([child.tid, child.place.parent, child.place.context], [ints[0], parent.tid, 5]);
        assert.deepEqual([...child.place.siblings!].sort(), [...tids].sort());
      }
    });
    it('reports each task that cannot be started', async () => {
      const parent = await nodes().task('n1');
      assert.deepEqual(await parent.spawn('no-such-program', [], { count: 3 }), [pvm.NoFile, pvm.NoFile, pvm.NoFile]);
      assert.deepEqual(await parent.spawn('sleep', [], on('elsewhere')), [pvm.NoHost]);
      assert.deepEqual(await parent.spawn('sleep', [], { flags: spawnFlag.Arch, where: 'CRAY' }), [pvm.NoHost]);
      const answer = await parent.ask({ spawn: { program: 'sleep', count: 0 } });
      assert.equal(answer.status, pvm.BadParam);
    });
    it('in a directory that does not exist starts in /', async () => {
      const parent = await nodes().task('n1');
      const [tid] = await parent.spawn('pwd', [], { flags: spawnFlag.Host, where: 'n1:/tmp', ...outputTo(parent.tid, 6) });
      assert.equal((await parent.output(6, tid!)).text, '/tmp\n');
      const [other] = await parent.spawn('pwd', [], { flags: spawnFlag.Host, where: 'n1:/no/such', ...outputTo(parent.tid, 6) });
      assert.equal((await parent.output(6, other!)).text, '/\n');
    });
    it('of a script without an interpreter is a missing file, and leaves nothing', async () => {
      const parent = await nodes().task('n1');
      const path = join(nodes().directory, 'broken');
      writeFileSync(path, '#!/no/such/interpreter\n', { mode: 0o755 });
      assert.deepEqual(await parent.spawn(path, [], on('n1')), [pvm.NoFile]);
    });
    it('makes no exception of cordoned hosts', async () => {
      const parent = await nodes().task('n1');
      await nodes().control().cordon({ node: 'n2', cordoned: true, reason: 'test', user: 'me' });
      try {
        const tids = await parent.spawn('true', [], { count: 4 });
        assert.ok(tids.every((tid) => (tid & 0x3ffc0000) === parent.place.host));
        assert.deepEqual(await parent.spawn('true', [], on('n2')), [pvm.NoHost]);
      } finally {
        await nodes().control().cordon({ node: 'n2', cordoned: false });
      }
    });
  });

  describe('output', () => {
    it('from another node reaches the task that collects it, complete', async () => {
      const parent = await nodes().task('n1');
      const [tid] = await parent.spawn('sh', ['-c', 'seq 1 100000; echo on stderr >&2'], { ...on('n2'), ...outputTo(parent.tid, 8) });
      const { text } = await parent.output(8, tid!);
      assert.equal(text.length, 588_895 + 'on stderr\n'.length);
      assert.ok(text.endsWith('\n100000\non stderr\n'));
    });
    it('waits for a collector that does not read', async () => {
      const parent = await nodes().task('n1');
      const [tid] = await parent.spawn('sh', ['-c', 'head -c 80000000 /dev/zero | tr "\\0" x'], { ...on('n1'), ...outputTo(parent.tid, 9) });
      parent.socket.pause();
      const other = await nodes().task('n1');
      await other.ask({ listHosts: {} });
      assert.equal((await other.ask({ taskStatus: { tid } })).status, 0);
      parent.socket.resume();
      assert.equal((await parent.output(9, tid!)).text.length, 80_000_000);
    });
    it('of children that outlive the task is still collected', async () => {
      const parent = await nodes().task('n1');
      const gate = join(nodes().directory, 'gate');
      const [tid] = await parent.spawn('sh', ['-c', `(while ! [ -e ${gate} ]; do sleep 0.01; done; echo late) & echo early`], { ...on('n1'), ...outputTo(parent.tid, 4) });
      await until('the end of the task', async () => (await parent.ask({ taskStatus: { tid } })).status === pvm.NoTask);
      writeFileSync(gate, '');
      assert.equal((await parent.output(4, tid!)).text, 'early\nlate\n');
    });
  });

  describe('notices', () => {
    it('tell of the end of a task here, elsewhere, and of one that never was', async () => {
      const task = await nodes().task('n1');
      for (const node of ['n1', 'n2']) {
        const [tid] = await task.spawn('sleep', ['60'], on(node));
        assert.equal((await task.ask({ notify: { kind: 1, tag: 22, tids: [tid!] } })).status, 0);
        await task.ask({ signal: { tid, signum: 15 } });
        const notice = await task.message(22);
        assert.deepEqual([notice.ints, notice.about], [[tid], tid]);
      }
      await task.ask({ notify: { kind: 1, tag: 23, tids: [task.place.host! | 0x3fff0] } });
      assert.deepEqual((await task.message(23)).ints, [task.place.host! | 0x3fff0]);
    });
    it('come once for each request, and at once when it is cancelled', async () => {
      const task = await nodes().task('n1');
      const [tid] = await task.spawn('sleep', ['60'], on('n2'));
      for (const tag of [31, 32, 32]) await task.ask({ notify: { kind: 1, tag, tids: [tid!] } });
      await task.ask({ notify: { kind: 1, tag: 31, tids: [tid!], cancel: true } });
      assert.deepEqual((await task.message(31)).ints, [tid]);
      await task.ask({ signal: { tid, signum: 9 } });
      await task.message(32);
      await task.message(32);
      await task.ask({ listHosts: {} });
      assert.equal(task.events.length, 0);
    });
    it('come when a task has left by pvm_exit', async () => {
      const [task, other] = [await nodes().task('n1'), await nodes().task('n2')];
      await task.ask({ notify: { kind: 1, tag: 24, tids: [other.tid] } });
      other.send({ leave: {} });
      assert.deepEqual((await task.message(24)).ints, [other.tid]);
    });
    it('are not to be had of hosts, groups and nonsense', async () => {
      const task = await nodes().task('n1');
      for (const notify of [{ kind: 1, tids: [] }, { kind: 99, tids: [task.tid] }, { kind: 1, tids: [task.place.host!] }, { kind: 1, tids: [0] }, { kind: 2, tids: [0] }]) {
        assert.equal((await task.ask({ notify: { tag: 1, ...notify } })).status, pvm.BadParam, JSON.stringify(notify));
      }
    });
  });

  describe('a call between daemons whose answer was lost, and which is sent again', () => {
    it('brings a frame to its task once', async () => {
      const task = await nodes().task('n2');
      const from = nodes().peer('n2', 'n1');
      const deliver = (tag: number): Uint8Array => mpvm.task.ToTask.encode({ request: 0, deliver: { source: 0x80000000, tag, encoding: 0x10000000, body: Buffer.alloc(4) } }).finish();
      const first = { tid: task.tid, frames: [deliver(41)], call: 'test.1' };
      await from.deliver(first);
      await from.deliver(first);
      await from.deliver({ tid: task.tid, frames: [deliver(42)], call: 'test.2' });
      from.close();
      await task.message(42);
      assert.equal(task.events.filter((frame) => frame.deliver?.tag === 41).length, 1);
    });
  });

  describe('questions', () => {
    it('of hosts and tasks are answered with the whole VM', async () => {
      const task = await nodes().task('n1');
      const hosts = (await task.ask({ listHosts: {} })).hostList!;
      assert.deepEqual(hosts.hosts?.map((host) => [host.name, host.architecture, host.speed, host.dataSignature]), [['n1', 'LINUX64', 1000, 0x408c41], ['n2', 'LINUX64', 1000, 0x408c41]]);
      const [child] = await task.spawn('sleep', ['60'], on('n2'));
      const all = (await task.ask({ listTasks: { where: 0 } })).taskList!.tasks!;
      const mine = all.find((one) => one.tid === child)!;
      assert.deepEqual([mine.parent, mine.program, mine.flags! & 2], [task.tid, 'sleep', 2]);
      const self = all.find((one) => one.tid === task.tid)!;
      assert.deepEqual([self.parent ?? 0, self.program ?? '', self.flags, self.pid], [0, '', 4, process.pid]);
      const one = (await task.ask({ listTasks: { where: child } })).taskList!.tasks!;
      assert.deepEqual(one.map((each) => each.tid), [child]);
      const there = (await task.ask({ listTasks: { where: child! & 0x3ffc0000 } })).taskList!.tasks!;
      assert.ok(there.length > 0 && there.every((each) => each.host === (child! & 0x3ffc0000)));
      assert.equal((await task.ask({ listTasks: { where: 0x3ffc0000 } })).status, pvm.NoHost);
      assert.equal((await task.ask({ hostStatus: { name: 'n2' } })).status, 0);
      assert.equal((await task.ask({ hostStatus: { name: 'n7' } })).status, pvm.NoHost);
      await task.ask({ signal: { tid: child, signum: 9 } });
      await until('its end', async () => (await task.ask({ taskStatus: { tid: child } })).status === pvm.NoTask);
    });
    it('of the time of a host, and of what is not there', async () => {
      const task = await nodes().task('n1');
      const time = (await task.ask({ hostTime: { host: 2 << 18 } })).hostTime?.microseconds ?? 0;
      assert.ok(Math.abs(time / 1000 - Date.now()) < 60_000);
      assert.equal((await task.ask({ hostTime: { host: 99 << 18 } })).status, pvm.NoHost);
    });
    it('for contexts and groups go to the registry', async () => {
      const [task, other] = [await nodes().task('n1'), await nodes().task('n2')];
      const context = (await task.ask({ newContext: {} })).status;
      assert.ok(context > 0);
      assert.equal((await task.ask({ freeContext: { context } })).status, 0);
      const join_ = mpvm.task.Group.Verb.JOIN;
      const value = async (client: typeof task, verb: mpvm.task.Group.Verb): Promise<number> => {
        const answer = await client.ask({ group: { verb, name: 'g' } });
        assert.equal(answer.status, 0);
        return answer.group?.value ?? 0;
      };
      assert.deepEqual([await value(task, join_), await value(other, join_), await value(task, mpvm.task.Group.Verb.SIZE)], [0, 1, 2]);
      other.send({ leave: {} });
      await until('the member that left is out', async () => (await value(task, mpvm.task.Group.Verb.SIZE)) === 1);
    });
    it('to add hosts that this machine, which listens at the loopback only, could not reach are answered for each', async () => {
      const task = await nodes().task('n1');
      const answer = await task.ask({ addHosts: { names: ['10.1.2.3', '10.1.2.4'] } });
      assert.deepEqual([answer.status, answer.tids?.tids], [0, [ipLoopback, ipLoopback]]);
    });
  });
});
