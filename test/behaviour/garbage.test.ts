/** Whoever reaches a port or a socket of the VM with rubbish gets nothing and harms nothing. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { useLab } from '../lab/lab.js';
import type { Lab } from '../lab/lab.js';
import { processesOf } from '../lab/leftovers.js';
import { Random } from '../lab/random.js';
import { until } from '../lab/wait.js';

interface Door {
  name: string;
  open(): Socket;
}

/** TCP ports that processes of the lab listen on: from /proc, so that none is forgotten. */
function tcpDoors(lab: Lab): Door[] {
  const listening = new Map<string, { address: string; port: number }>();
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    const words = line.trim().split(/\s+/);
    if (words[3] !== '0A') continue;
    const [ip, port] = words[1]!.split(':') as [string, string];
    const address = (ip.match(/../g) ?? []).reverse().map((hex) => Number.parseInt(hex, 16)).join('.');
    listening.set(words[9]!, { address: address === '0.0.0.0' ? '127.0.0.1' : address, port: Number.parseInt(port, 16) });
  }
  const doors: Door[] = [];
  for (const { pid, command } of processesOf(lab.directory)) {
    let fds: string[] = [];
    try {
      fds = readdirSync(`/proc/${pid}/fd`);
    } catch {
      continue;
    }
    for (const fd of fds) {
      let inode: string | undefined;
      try {
        inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        continue;
      }
      const at = inode === undefined ? undefined : listening.get(inode);
      if (at) doors.push({ name: `tcp ${at.address}:${at.port} of ${command.slice(0, 60)}`, open: () => connect(at.port, at.address) });
    }
  }
  return doors;
}

function socketDoors(lab: Lab): Door[] {
  return (readdirSync(lab.directory, { recursive: true }) as string[])
    .map((path) => join(lab.directory, path))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isSocket())
    .map((path) => ({ name: path, open: () => connect(path) }));
}

function rubbish(random: Random): Buffer[] {
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random.below(256)));
  const framed = (body: Buffer): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(body.length);
    return Buffer.concat([head, body]);
  };
  return [
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'),
    Buffer.alloc(0),
    Buffer.alloc(1),
    Buffer.alloc(70_000, 0xff),
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0]),
    Buffer.from([0xff, 0xff, 0xff, 0x7f]),
    framed(bytes(20)),
    framed(bytes(300)),
    framed(Buffer.alloc(0)),
    Buffer.concat([framed(bytes(5)), framed(bytes(5))]),
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff', 'latin1'),
    bytes(16), bytes(32), bytes(48), bytes(64), bytes(1000), bytes(5000),
  ];
}

async function throwAt(door: Door, data: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = door.open();
    const timer = setTimeout(() => socket.destroy(), 60); // who waits for more gets nothing more
    socket.on('error', () => undefined).on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('data', () => undefined);
    socket.write(data, () => undefined);
  });
}

describe('rubbish on every port and socket harms nothing', function () {
  this.timeout(120_000);
  const lab = useLab({ nodes: 2 });

  it('while a ring passes messages and a task moves', async () => {
    const random = new Random();
    console.log(`      seed ${random.seed}`);
    const run = await lab().run('ring', ['4', '60000', String(random.seed), '4096']);
    await run.printed('ring started');
    const before = processesOf(lab().directory).length;
    const doors = await until('open doors', () => {
      const list = [...tcpDoors(lab()), ...socketDoors(lab())];
      return list.length >= 4 && list;
    });
    for (const door of doors) await Promise.all(rubbish(random).map((data) => throwAt(door, data)));
    console.log(`      ${doors.length} doors`);
    const nodes = await lab().nodeNames();
    if (!run.over) {
      const row = await lab().task(run.tid);
      if (row) await lab().move(run.tid, nodes.find((name) => name !== row.node)!).catch((error: unknown) => assert.match(String(error), /TASK_ENDED|no task/));
      assert.ok(processesOf(lab().directory).length >= Math.min(before, 2));
    }
    assert.match(await run.success(), /ring ok/);
    assert.equal((await lab().nodes()).filter((node) => (node.state ?? 0) === 0).length, 2);
  });

  it('many connections that say nothing do not keep others out', async () => {
    const doors = [...tcpDoors(lab()), ...socketDoors(lab())];
    const silent = doors.flatMap((door) => Array.from({ length: 40 }, () => door.open().on('error', () => undefined)));
    try {
      const run = await lab().run('ring', ['4', '400', '3', '4096']);
      assert.match(await run.success(), /ring ok/);
      assert.equal((await lab().cli(['ps'])).code, 0);
    } finally {
      for (const socket of silent) socket.destroy();
    }
  });
});
