/** Hosts of this very machine: hostfiles, mpvm add and delete, pvm_addhosts and pvm_delhosts, pvm_start_pvmd; without root. */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { Conversation } from '../lab/conversation.js';
import { useLab } from '../lab/lab.js';
import { command } from '../lab/paths.js';

interface HostRow { host: string; done: boolean; status: number; code: string; remedy: string; tid: string | null; moved: number }

describe('hosts of this machine', function () {
  this.timeout(240_000);
  const lab = useLab({ nodes: 1 });
  /** Of 127/8, beside those of the lab. */
  const address = (n: number): string => `127.${130 + (process.pid % 100)}.7.${n}`;
  const vm = (name: string): { env: Record<string, string> } => ({ env: { MPVM_NAME: name } });
  const talk = (args: readonly string[] = [], env: Record<string, string> = {}): Conversation => new Conversation(lab().startShell('hosts', args, { talk: true, timeoutMs: 240_000, env }));

  it('are added and deleted for a program; what ran there goes on elsewhere', async () => {
    const program = talk();
    equal(await program.ask('watch-add -1'), '0');
    equal(await program.ask(`add ${address(2)} sp=20, ${address(2)}, 10.1.2.3, ${address(3)}`, 60_000), '2: 1 -28 -36 1');
    match(await program.ask('notice 5'), /^add t/);
    match(await program.ask('notice 5'), /^add t/);
    match(await program.ask('conf'), new RegExp(`^n1=t40000/1000 .*${address(2)}=t[0-9a-f]+/20`));
    const [, tid = ''] = /^1 t(\w+)$/.exec(await program.ask(`spawn ${address(2)}`)) ?? [];
    match(await program.ask('ask'), /\/1$/);
    equal((await lab().task(parseInt(tid, 16)))?.node, address(2));
    equal(await program.ask(`delete ${address(2)}, ${address(3)}`, 60_000), '2: 0 0');
    match(await program.ask('ask'), /\/2$/);
    equal((await lab().task(parseInt(tid, 16)))?.node, 'n1');
    match(await program.ask('conf'), /^n1=t40000\/1000$/);
    await program.end();
    await lab().control.signal({ tid: parseInt(tid, 16), signum: 9 });
  });

  it('are added and deleted by the command, which says what became of each', async () => {
    const results = await lab().cli(['add', address(2), '10.1.2.3', `${address(3)} so=no`, 'n1', '-o', 'json'], { timeoutMs: 60_000 });
    equal(results.code, 3, results.stderr);
    const rows = JSON.parse(results.stdout) as HostRow[];
    deepEqual(rows.map(({ host, code }) => [host, code]), [[address(2), ''], ['10.1.2.3', 'HOST_LOOPBACK'], [address(3), 'HOSTFILE_SYNTAX'], ['n1', 'HOST_LOOPBACK']]);
    match(rows[1]!.remedy, /--address/);
    const [again] = JSON.parse((await lab().cli(['add', address(2), '-o', 'json'])).stdout) as HostRow[];
    deepEqual([again?.code, again?.status], ['HOST_DUPLICATE', -28]);
    deepEqual((await lab().json<HostRow[]>(['delete', address(2)])).map(({ host, done }) => [host, done]), [[address(2), true]]);
  });

  it('can be deleted and added again and again, and are not cordoned when they come back', async () => {
    for (let round = 0; round < 3; round++) {
      equal((await lab().json<HostRow[]>(['add', address(4)]))[0]?.done, true);
      const node = (await lab().nodes()).find(({ name }) => name === address(4));
      deepEqual([node?.state, node?.cordoned], [0, false]);
      equal((await lab().json<HostRow[]>(['delete', address(4)]))[0]?.done, true);
    }
  });

  it('come from a hostfile, each with its options', async () => {
    const name = `${lab().name}-h`;
    const place = join(lab().directory, 'work');
    mkdirSync(place);
    const hostfile = join(lab().directory, 'hosts');
    writeFileSync(hostfile, `# two that are started, one that is not\n${address(11)} sp=30 ep=/nowhere\n* sp=44 wd=${place}\n${address(12)}\n& ${address(13)} sp=9\n`);
    const up = await lab().cli(['up', '--hostfile', hostfile], { ...vm(name), timeoutMs: 60_000 });
    equal(up.code, 0, up.stderr);
    const program = talk([], { MPVM_NAME: name });
    equal(await program.ask('conf'), `${address(11)}=t40000/30 ${address(12)}=t80000/44`);
    equal(await program.ask(`add ${address(13)}, ${address(14)}`, 60_000), '2: 1 1');
    match(await program.ask('conf'), new RegExp(`${address(13)}=t[0-9a-f]+/9`));
    match(await program.ask('conf'), new RegExp(`${address(14)}=t[0-9a-f]+/44`));
    // What is said of one host holds for no other.
    equal(await program.ask(`spawn ${address(11)}`), '0 tfffffff9');
    match(await program.ask(`spawn ${address(12)}`), /^1 t/);
    const { tasks } = JSON.parse(`{"tasks":${(await lab().cli(['ps', '-o', 'json'], vm(name))).stdout}}`) as { tasks: { node: string; pid: number }[] };
    const child = tasks.find(({ node }) => node === address(12));
    ok(child, 'the child is not there');
    match(readFileSync(`/proc/${child.pid}/environ`, 'latin1'), new RegExp(`MPVM_WD=${place}`));
    await program.end();
    // Said again, it adds nothing and complains of nothing.
    const again = await lab().cli(['up', '--hostfile', hostfile], { ...vm(name), timeoutMs: 60_000 });
    equal(again.code, 0, again.stderr);
    equal((await lab().cli(['down'], vm(name))).code, 0);
    rmSync(place, { recursive: true });
    rmSync(hostfile);
  });

  it('are named with their line when a hostfile is wrong, before anything is started', async () => {
    const hostfile = join(lab().directory, 'wrong');
    writeFileSync(hostfile, `${address(11)}\n\n${address(12)} zz=1\n`);
    const { code, stderr } = await lab().cli(['up', '--hostfile', hostfile], vm(`${lab().name}-w`));
    equal(code, 2);
    match(stderr, /wrong:3: there is no option "zz=1"/);
    equal((await lab().cli(['up', '--hostfile', `${hostfile}-not`], vm(`${lab().name}-w`))).code, 2);
    rmSync(hostfile);
  });

  it('are started by a program that finds no VM (pvm_start_pvmd)', async () => {
    const env = { MPVM_NAME: `${lab().name}-s`, PATH: `${dirname(command)}${delimiter}${process.env.PATH ?? ''}` };
    const hostfile = join(lab().directory, 'starters');
    writeFileSync(hostfile, `${address(21)}\n${address(22)}\n`);
    const program = talk(['start', '-d0', hostfile], env);
    equal(await program.ask('tid', 60_000), '0');
    equal(await program.ask('conf'), 't40001');
    equal(await program.ask('conf'), `${address(21)}=t40000/1000 ${address(22)}=t80000/1000`);
    const second = talk(['start'], env);
    equal(await second.ask('tid'), '-28');
    await second.end();
    await program.end();
    equal((await lab().cli(['down'], { env })).code, 0);
    rmSync(hostfile);
  });
});
