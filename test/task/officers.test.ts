/** Messages of tasks with an office, and what a hoster is asked and answers. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Core } from '../../daemon/task/core.js';
import type { TaskEntry } from '../../daemon/task/entry.js';
import { readExec, readHostsStarted, sm } from '../../daemon/task/officer-messages.js';
import { Officers } from '../../daemon/task/officers.js';
import type { Router } from '../../daemon/task/router.js';
import { MessageReader, xdr, XdrError } from '../../daemon/task/xdr.js';
import { mpvm } from '../../daemon/rpc/messages.js';

const encoding = { xdr: 0x10000000, raw: 0x00408c41 };

describe('messages of tasks with an office', () => {
  it('SM_EXEC: what a task is started with', () => {
    const body = xdr(0x40001, 'worker', 3, 2, 1, 'argument', 0x40002, 7, 8, 0x40003, 9, 10, 5, 'PVMTMASK=@@C@', 'PVMTRCBUF=512', 'PVMTRCOPT=2', 'PVMCTX=0x40007', 'NAME=value', 0, 0);
    const exec = readExec(new MessageReader(body, encoding.xdr));
    assert.deepEqual(exec, {
      parent: 0x40001, program: 'worker', flags: 3, count: 2, argv: ['argument'], environment: ['NAME=value'], context: 0x40007,
      inherited: { outputTid: 0x40002, outputContext: 7, outputTag: 8, traceTid: 0x40003, traceContext: 9, traceTag: 10, traceBuffer: 512, traceOptions: 2, traceMask: '@@C@' },
    });
  });

  it('are read in the sender\'s own form, too', () => {
    const raw = Buffer.alloc(4 + 4 + 3);
    raw.writeInt32LE(-5, 0);
    raw.writeInt32LE(3, 4);
    raw.write('ab\0', 8, 'latin1');
    const reader = new MessageReader(raw, encoding.raw);
    assert.equal(reader.int(), -5);
    assert.equal(reader.string(), 'ab');
    assert.equal(reader.left, 0);
  });

  it('that are cut short, or count absurdly, are no messages', () => {
    const whole = xdr(0x40001, 'worker', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    for (let length = 0; length < whole.length; length += 4) assert.throws(() => readExec(new MessageReader(whole.subarray(0, length), encoding.xdr)), XdrError);
    assert.throws(() => new MessageReader(xdr(1 << 30), encoding.xdr).string(), XdrError);
    assert.throws(() => new MessageReader(xdr(-1), encoding.xdr).string(), XdrError);
    assert.throws(() => new MessageReader(xdr(1), encoding.xdr).strings(1 << 24), XdrError);
    assert.throws(() => new MessageReader(xdr(1), 0x20000000), XdrError);
    assert.deepEqual(readHostsStarted(new MessageReader(xdr(0x80000, 'PvmCantStart'), encoding.xdr)), new Map([[0x80000, 'PvmCantStart']]));
  });
});

describe('a hoster', () => {
  const hoster = 0x40005;
  const hosts = [{ tid: 0x80000, options: 'pw', login: 'me@there', command: 'start it' }];

  function scene(): { officers: Officers; sent: mpvm.task.IToTask[]; vm: EventEmitter & { holder: number } } {
    const vm = Object.assign(new EventEmitter(), {
      holder: hoster,
      self: { name: 'n1', host: 0x40000 },
      officer: (office: mpvm.task.Office): { tid: number } | undefined => (office === mpvm.task.Office.HOSTER && vm.holder ? { tid: vm.holder } : undefined),
    });
    const sent: mpvm.task.IToTask[] = [];
    const silent = { warn: () => undefined, info: () => undefined };
    const core = { vm, table: new Map(), log: silent, stopping: false } as unknown as Core;
    const post = (tid: number, frames: mpvm.task.IToTask[]): void => {
      if (tid === hoster) sent.push(...frames);
    };
    const router = { post } as unknown as Router;
    const host = { spawnOn: () => Promise.reject(new Error()), addHosts: () => Promise.resolve([]), endedByTasker: () => undefined };
    return { officers: new Officers(core, host, router), sent, vm };
  }
  const entry = (tid: number): TaskEntry => ({ tid, deliver: () => undefined }) as unknown as TaskEntry;

  it('is sent what is to be started, and its answer is matched by the wait id', async () => {
    const { officers, sent } = scene();
    const started = officers.startHosts(hosts);
    const { tag, waitId, body } = sent[0]!.deliver!;
    assert.equal(tag, sm.StartHosts);
    const reader = new MessageReader(body!, encoding.xdr);
    assert.deepEqual([reader.int(), reader.uint(), reader.string(), reader.string(), reader.string()], [1, 0x80000, 'pw', 'me@there', 'start it']);
    const answer = { tag: sm.StartHostsAck, encoding: encoding.xdr, body: xdr(0x80000, 'ddpro<2316>') };
    await officers.post(entry(hoster), { ...answer, waitId: (waitId ?? 0) + 1 });
    await officers.post(entry(0x40009), { ...answer, waitId }); // not the hoster
    await officers.post(entry(hoster), { ...answer, waitId });
    assert.deepEqual(await started, new Map([[0x80000, 'ddpro<2316>']]));
  });

  it('that ends before it has answered starts nothing', async () => {
    const { officers, vm } = scene();
    const started = officers.startHosts(hosts);
    vm.holder = 0;
    vm.emit('offices');
    assert.equal(await started, undefined);
    assert.equal(await officers.startHosts(hosts), undefined);
  });
});
