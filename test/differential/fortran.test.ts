/**
 * Fortran: the routines of libfpvm3 do what those of PVM 3.4.6 do, by the calls that they make, by
 * programs run on both, and by the programs of pvm-examples, compiled unchanged.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { skip } from '../lab/skip.js';
import { binaryDirectories } from './compile.js';
import { compareOn } from './compare.js';
import type { Drive } from './compare.js';
import { useContest } from './contest.js';
import { buildFortranExamples, buildFortranProbes, fortranExamples, fortranFolder, fortranMissing, fortranProbes, recorded } from './fortran.js';

const pair = (suite: string) => (name: string) => {
  const into = binaryDirectories(suite);
  return { judge: join(into.judge, name), ours: join(into.ours, name) };
};

const drives: Record<string, Drive> = {
  // Children print when they like, and whether pvmfexit has to wait for them depends on the moment.
  endings: { sorted: true, replace: [[/libpvm \[t[0-9a-f]+\]:? child task.*\n/g, '']] },
};
/** They start as many tasks as there are hosts. */
const byHosts = new Set(['fmaster1', 'fgexample', 'hitc']);

describe('Fortran', function () {
  this.timeout(60_000);
  before(async function () {
    this.timeout(240_000);
    const missing = await fortranMissing();
    if (missing) skip(this, missing);
    await buildFortranProbes();
    await buildFortranExamples();
  });

  describe('each routine makes the calls that it makes under PVM 3.4.6', () => {
    // How often the list of siblings is asked for is nobody's concern.
    const calls = (text: string): string => text.replace(/^ {2}pvm_siblings\n/gm, '');
    for (const library of ['static', 'shared'] as const) {
      it(`with the same arguments (${library} library)`, async () => {
        const expected = calls(await recorded('calls.f', 'judge'));
        assert.match(expected, /pvm_reduce/);
        assert.equal(calls(await recorded('calls.f', 'ours', library)), expected);
      });
    }

    it('or those of the manual where PVM 3.4.6 does not follow it', async () => {
      assert.equal(await recorded('manual.f90', 'ours'), readFileSync(join(fortranFolder, 'manual.out'), 'utf8'));
    });
  });

  for (const nodes of [1, 3]) {
    describe(nodes === 1 ? 'on one node' : 'over three nodes', () => {
      const probes = binaryDirectories('fortran-probes');
      const examples = binaryDirectories('fortran-examples');
      const contest = useContest({ judgePath: [probes.judge, examples.judge], ourPath: [probes.ours, examples.ours], nodes });
      const paths = [probes.judge, probes.ours, examples.judge, examples.ours];

      for (const name of fortranProbes) {
        // Hosts are what it lists.
        if (nodes > 1 && name === 'rows') continue;
        it(name, async () => {
          const { judge, ours } = contest();
          const text = await compareOn(judge, ours, pair('fortran-probes')(name), drives[name] ?? {}, paths);
          assert.ok(text.length > 100);
        });
      }
      for (const { title, program, drive } of fortranExamples) {
        if (nodes > 1 && byHosts.has(program)) continue;
        it(title, async () => {
          const { judge, ours } = contest();
          await compareOn(judge, ours, pair('fortran-examples')(program), drive, paths);
        });
      }
      if (nodes > 1) {
        // Debian's libfpvm3.a is in the program: it wants a few symbols more of libpvm3 than C programs do.
        for (const name of fortranProbes.filter((one) => one !== 'rows')) {
          it(`${name}, linked with PVM 3.4.6`, async () => {
            const { judge, ours } = contest();
            const { judge: file } = pair('fortran-probes')(name);
            await compareOn(judge, ours, { judge: file, ours: file }, drives[name] ?? {}, paths);
          });
        }
        it('fmaster1: three slaves a node', async () => {
          const { stdout } = await contest().ours.run(pair('fortran-examples')('fmaster1').ours);
          assert.match(stdout, /Spawning +9 tasks/);
          assert.equal([...stdout.matchAll(/I got +(\S+) from +\d+ \(expected +\1 \)/g)].length, 9, stdout);
        });
        it('fgexample: a norm and a factorial', async () => {
          const { stdout } = await contest().ours.run(pair('fortran-examples')('fgexample').ours);
          assert.match(stdout, /1-Norm is +5050\n[^]*column 1 is +9\.33262154439441\d*E\+157\n/);
        });
      }
    });
  }
});
