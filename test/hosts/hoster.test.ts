/** A task that has registered with pvm_reg_hoster starts the hosts that are added. */
import { deepEqual, equal, match } from 'node:assert/strict';
import { useLab } from '../lab/lab.js';
import { until } from '../lab/wait.js';

interface HostRow { host: string; done: boolean; status: number; code: string; text: string }

describe('a hoster', function () {
  this.timeout(120_000);
  const lab = useLab({ nodes: 1 });
  const address = (n: number): string => `127.${130 + (process.pid % 100)}.8.${n}`;
  const add = async (host: string): Promise<HostRow> => {
    const { stdout, stderr } = await lab().cli(['add', host, '-o', 'json'], { timeoutMs: 90_000 });
    return (JSON.parse(stdout || stderr) as HostRow[])[0]!;
  };

  it('starts what is added while it is registered; after its end hosts are started as before', async () => {
    const hoster = await lab().run('hoster');
    await hoster.printed('hoster');
    const first = await add(address(2));
    equal(first.done, true, JSON.stringify(first));
    match(hoster.output, new RegExp(`start ${address(2)}`));
    equal((await lab().nodes()).find(({ name }) => name === address(2))?.state, 0);
    await lab().control.signal({ tid: hoster.tid, signum: 9 });
    await until('the hoster has ended', () => hoster.over);
    equal((await add(address(3))).done, true);
    for (const host of [address(2), address(3)]) equal((await lab().cli(['delete', host], { timeoutMs: 60_000 })).code, 0);
  });

  it('that cannot is believed, and the host is not added', async () => {
    const hoster = await lab().run('hoster', ['PvmCantStart']);
    await hoster.printed('hoster');
    const row = await add(address(4));
    deepEqual([row.done, row.code, row.status], [false, 'HOST_START_FAILED', -29]);
    await lab().control.signal({ tid: hoster.tid, signum: 9 });
    await until('the hoster has ended', () => hoster.over);
  });

  it('that ends before it answers leaves nobody waiting', async () => {
    const hoster = await lab().run('hoster', ['never']);
    await hoster.printed('hoster');
    const adding = add(address(5));
    await hoster.printed(`start ${address(5)}`);
    await lab().control.signal({ tid: hoster.tid, signum: 9 });
    const row = await adding;
    deepEqual([row.done, row.code], [false, 'HOST_START_FAILED'], JSON.stringify(row));
  });
});
