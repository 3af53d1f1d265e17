/**
 * Debian's libgpvm3.so.3 and its group server, pvmgs, on our libpvm3: whoever replaces only one of the
 * two libraries keeps groups that work, kept by a task as under PVM; and that task moves like any other.
 */
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { useLab } from '../lab/lab.js';
import { build } from '../lab/paths.js';
import type { Result } from '../lab/process.js';
import { skip } from '../lab/skip.js';

const old = '/usr/lib/x86_64-linux-gnu/libgpvm3.so.3';

describe('the group library of PVM 3.4.6 on our libpvm3', function () {
  this.timeout(60_000);
  before(function () {
    const gone = [old, '/usr/bin/pvmgs', '/usr/bin/gexample', '/usr/bin/trsg'].find((path) => !existsSync(path));
    if (gone) skip(this, `${gone} not installed`);
  });
  const lab = useLab({ nodes: 3, path: ['/usr/bin'] });

  function environment(): Record<string, string> {
    const directory = join(lab().directory, 'old');
    if (!existsSync(directory)) {
      mkdirSync(directory);
      symlinkSync(old, join(directory, 'libgpvm3.so.3'));
    }
    const libraries = [directory, join(lab().directory, 'lib'), join(build, 'lib')];
    // What they spawn finds the same libraries.
    return { LD_LIBRARY_PATH: libraries.join(':'), PVM_EXPORT: 'LD_LIBRARY_PATH' };
  }
  const start = (name: string, args: readonly string[] = [], input = ''): Promise<Result> =>
    lab().shell(join('/usr/bin', name), args, { env: environment(), input, timeoutMs: 30_000 });
  const server = async (): Promise<{ tid: number; node: string }> => {
    const row = (await lab().tasks()).find(({ program }) => program === 'pvmgs');
    assert.ok(row, 'a group server runs');
    return { tid: row.tid ?? 0, node: row.node ?? '' };
  };

  it('is the one that is loaded, and our libpvm3 with it', async () => {
    const { stdout } = await start('ldd', ['/usr/bin/gexample']);
    assert.match(stdout, /libgpvm3\.so\.3 => \S+\/old\/libgpvm3\.so\.3/);
    assert.match(stdout, /libpvm3\.so\.3 => \S*mpvm-lab-\w+\/lib\//);
  });

  it('starts its server, which keeps groups: freezing, barriers, reduction', async () => {
    const { code, stdout, stderr } = await start('gexample', [], '5\n3\n');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /1-Norm is 15[^]*column 1 is 120/);
    await server();
  });

  it('reduces, scatters, gathers', async () => {
    const { stdout } = await start('trsg', [], '4\n5\n');
    assert.match(stdout, /Test OK: Sum of Squares of first 20 integers is 2870/);
  });

  it('goes on when the server has moved', async () => {
    const { tid, node } = await server();
    for (const to of (await lab().nodeNames()).filter((name) => name !== node)) {
      await lab().move(tid, to);
      const { stdout } = await start('gexample', [], '60\n7\n');
      assert.match(stdout, /Using 7 processors[^]*1-Norm is 1830/);
      assert.equal((await server()).tid, tid);
    }
  });
});
