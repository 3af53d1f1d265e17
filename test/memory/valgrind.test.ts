/**
 * Under valgrind's memcheck: neither the library nor what it hands to programs reads or writes where
 * it may not, and nothing is lost. The programs are the probes of test/differential.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { one } from '../differential/compile.js';
import { ourFlags } from '../differential/contest.js';
import { useLab } from '../lab/lab.js';
import { build, root } from '../lab/paths.js';
import { skip } from '../lab/skip.js';

const folder = join(root, 'test/differential/probes');
const names = readdirSync(folder).filter((name) => name.endsWith('.c')).map((name) => name.slice(0, -2)).sort();
const binaries = join(build, 'test/memory');
const memcheck = '/usr/bin/valgrind';
const wrong = 99;
/** What valgrind does not know of new kernels and says so. */
const talk = /WARNING: unhandled|You may be able|Read the file|Nevertheless|it at http|set address range|starts with SP/;

describe('under valgrind', function () {
  this.timeout(120_000);
  before(async function () {
    if (!existsSync(memcheck)) skip(this, "Debian's valgrind is not installed");
    mkdirSync(binaries, { recursive: true });
    for (const name of names) {
      await one('cc', join(folder, `${name}.c`), join(binaries, name), ['-w', '-O1', '-g', '-std=gnu11', ...ourFlags], ['-lgpvm3', '-lpvm3', '-lm'], [join(folder, 'probe.h')]);
    }
  });
  const lab = useLab({ nodes: 1, path: [binaries] });

  for (const name of names) {
    it(`${name} is clean`, async () => {
      const log = join(lab().directory, `${name}.valgrind`);
      const leaks = ['--leak-check=full', '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite'];
      const options = ['--child-silent-after-fork=yes', `--error-exitcode=${wrong}`, ...leaks, `--log-file=${log}`];
      const { code, signal } = await lab().shell(memcheck, [...options, join(binaries, name)], { cwd: lab().directory, timeoutMs: 100_000 });
      const report = readFileSync(log, 'utf8').split('\n').filter((line) => !talk.test(line)).join('\n');
      assert.ok(signal === null && code !== wrong && report.includes('ERROR SUMMARY: 0 errors'), `exit ${String(code ?? signal)}\n${report}`);
    });
  }
});
