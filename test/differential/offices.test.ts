/**
 * Tasks with an office: a tasker, a resource manager (srm of pvm-examples, as it is), registration.
 * On both PVMs the same; on ours also while the one in office moves, and when it ends.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { useLab } from '../lab/lab.js';
import { root } from '../lab/paths.js';
import { skip } from '../lab/skip.js';
import { until } from '../lab/wait.js';
import { binaryDirectories, compile } from './compile.js';
import { compareOn } from './compare.js';
import { useContest } from './contest.js';
import { judgeMissing } from './judge.js';
import type { Side } from './judge.js';
import { normalise } from './normalise.js';

const folder = join(root, 'test/differential/offices');
const binaries = binaryDirectories('offices');
const paths = [binaries.judge, binaries.ours];
const manager = '/usr/bin/srm.pvm';
type Which = 'judge' | 'ours';

async function withTasker(side: Side, which: Which): Promise<string> {
  const tasker = side.start(join(binaries[which], 'tasker'));
  try {
    const user = await side.run(join(binaries[which], 'tasker_user'));
    const served = await tasker.ended;
    return normalise([user.stdout, user.stderr, `exit ${user.code}`, served.stdout, served.stderr, `exit ${served.code}`].join('\n'), { paths });
  } finally {
    tasker.kill('SIGKILL');
  }
}

async function managed(side: Side, which: Which): Promise<string> {
  // Its stdout is a pipe: without a hint it would come late.
  const srm = side.start('/usr/bin/stdbuf', ['-oL', manager]);
  try {
    await until('the resource manager', () => srm.stdout.includes('registered as Resource Manager'));
    const user = await side.run(join(binaries[which], 'manager_user'));
    srm.kill('SIGKILL');
    // Which of the three ends first is open.
    return normalise([user.stdout, user.stderr, `exit ${user.code}`].join('\n'), { paths });
  } finally {
    srm.kill('SIGKILL');
    await srm.ended;
  }
}

describe('tasks with an office', function () {
  this.timeout(60_000);
  before(async function () {
    this.timeout(120_000);
    const missing = judgeMissing();
    if (missing) skip(this, missing);
    for (const name of ['tasker', 'tasker_user', 'manager_user', 'register']) {
      await compile(join(folder, `${name}.c`), binaries, { flags: ['-w', '-O1', '-std=gnu11'], headers: [join(root, 'test/differential/probes/probe.h')] });
    }
  });

  describe('as on PVM 3.4.6', () => {
    const contest = useContest({ judgePath: [binaries.judge], ourPath: [binaries.ours] });

    it('are registered, seen, and replaced by nobody', async () => {
      const { judge, ours } = contest();
      await compareOn(judge, ours, { judge: join(binaries.judge, 'register'), ours: join(binaries.ours, 'register') }, {}, paths);
    });
    it('a tasker starts the tasks of its host', async () => {
      const { judge, ours } = contest();
      const expected = await withTasker(judge, 'judge');
      assert.match(expected, /the child says: two words, exported/);
      assert.equal(await withTasker(ours, 'ours'), expected);
    });
    // The last one: PVM 3.4.6 does not get over the end of its resource manager.
    it('srm.pvm decides what its tasks are given', async function () {
      if (!existsSync(manager)) skip(this, `${manager} not installed`);
      const { judge, ours } = contest();
      const expected = await managed(judge, 'judge');
      assert.match(expected, /a child has 3 siblings, is among them 1/);
      assert.equal(await managed(ours, 'ours'), expected);
    });
  });

  describe('on three nodes of ours', () => {
    const lab = useLab({ nodes: 3, path: [binaries.ours] });
    const user = async (): Promise<string> => {
      const { code, stdout, stderr } = await lab().shell(join(binaries.ours, 'manager_user'), [], { cwd: lab().directory });
      assert.equal(code, 0, `${stdout}${stderr}`);
      return stdout;
    };

    it('the resource manager keeps its office while it moves, and when it ends the daemons decide again', async function () {
      if (!existsSync(manager)) skip(this, `${manager} not installed`);
      const names = await lab().nodeNames();
      const [srm] = await lab().spawn(manager, [], names[0]);
      await until('the resource manager', async () => ((await lab().task(srm!))?.flags ?? 0) & 0x100);
      assert.match(await user(), /a child has 3 siblings, is among them 1/);
      for (const to of [names[1]!, names[2]!, names[0]!, names[2]!]) {
        await lab().move(srm!, to);
        const said = await user();
        assert.match(said, /manager > 0/);
        assert.equal(said.match(/told by the manager: 1/g)?.length, 3, said);
        assert.match(said, /ends of 7/);
        assert.ok(((await lab().task(srm!))?.flags ?? 0) & 0x100);
      }
      await lab().control.signal({ tid: srm!, signum: 9 });
      await until('its end', async () => (await lab().task(srm!)) === undefined);
      const alone = await user();
      assert.match(alone, /manager = 0/);
      assert.match(alone, /ends of 7/);
    });

    it('a tasker that has moved starts the tasks of the node it is on', async () => {
      const names = await lab().nodeNames();
      const tasker = await lab().run(join(binaries.ours, 'tasker'), [], names[0]);
      await until('the tasker', async () => ((await lab().task(tasker.tid))?.flags ?? 0) & 0x400);
      await lab().move(tasker.tid, names[1]!);
      const { stdout } = await lab().shell(join(binaries.ours, 'tasker_user'), [], { cwd: lab().directory, env: { MPVM_NODE: names[1]! } });
      assert.match(stdout, /the child says: two words, exported/);
      assert.match(await tasker.success(), /start .tasker_user flags 1 argc 3/);
    });
  });
});
