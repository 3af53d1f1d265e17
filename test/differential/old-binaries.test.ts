/**
 * The programs as Debian ships them, linked years ago with PVM 3.4.6: with our library in the
 * library path they run on our VM, and do what they do on PVM.
 */
import { existsSync } from 'node:fs';
import assert from 'node:assert/strict';
import { skip } from '../lab/skip.js';
import { judgeMissing } from './judge.js';
import { useContest } from './contest.js';
import { compareOn } from './compare.js';
import { examples } from './examples.js';
import type { Example } from './examples.js';

/** Some are named otherwise in /usr/bin. */
const renamed: Record<string, string> = { hello: 'hello.pvm', gs: 'gs.pvm' };
/** Not shipped as binaries, or spawning themselves by another name. */
const left = new Set(['mbox', 'starter', 'bwtest']);

const fortran: Example[] = [
  { title: 'hitc: a pool of tasks, in Fortran', program: 'hitc', drive: { sorted: true } },
  { title: 'fmaster1', program: 'fmaster1', drive: { stdin: '3\n', sorted: true } },
  { title: 'fspmd', program: 'fspmd', drive: {} },
  { title: 'fgexample', program: 'fgexample', drive: { stdin: '5\n3\n' } },
  { title: 'frsg', program: 'frsg', drive: { stdin: '4\n5\n' } },
];

describe('binaries linked with PVM 3.4.6 run unchanged', function () {
  this.timeout(60_000);
  before(function () {
    const missing = judgeMissing();
    if (missing) skip(this, missing);
  });
  const contest = useContest({ judgePath: ['/usr/bin'], ourPath: ['/usr/bin'] });

  const list = [...examples.filter(({ program }) => !left.has(program)), ...fortran];
  for (const { title, program, drive } of list) {
    it(title, async function () {
      const file = `/usr/bin/${renamed[program] ?? program}`;
      if (!existsSync(file)) skip(this, `${file} not installed`);
      const { judge, ours } = contest();
      await compareOn(judge, ours, { judge: file, ours: file }, drive);
    });
  }

  it('master1', async () => {
    const { judge, ours } = contest();
    await compareOn(judge, ours, { judge: '/usr/bin/master1', ours: '/usr/bin/master1' }, { sorted: true, anyCode: true });
  });

  it('they load our library and no other', async () => {
    const { ours } = contest();
    const { stdout } = await ours.run('/usr/bin/ldd', ['/usr/bin/gexample']);
    assert.match(stdout, /libpvm3\.so\.3 => \S*mpvm-lab-\w+\/lib\//);
    assert.match(stdout, /libgpvm3\.so\.3 => \S*mpvm-lab-\w+\/lib\//);
  });
});
