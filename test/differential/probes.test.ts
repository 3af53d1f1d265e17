/**
 * Probes: one behaviour a program, run on Debian's PVM 3.4.6 and on ours; what they print must be
 * the same. Where we differ on purpose the probe says so and why (docs list it too).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lab/paths.js';
import { skip } from '../lab/skip.js';
import { binaryDirectories, compile } from './compile.js';
import { compareOn } from './compare.js';
import type { Drive } from './compare.js';
import { useContest } from './contest.js';
import { judgeMissing } from './judge.js';

const folder = join(root, 'test/differential/probes');
const names = readdirSync(folder).filter((name) => name.endsWith('.c')).map((name) => name.slice(0, -2)).sort();
const binaries = binaryDirectories('probes');
const both = (name: string): { judge: string; ours: string } => ({ judge: join(binaries.judge, name), ours: join(binaries.ours, name) });

const drives: Record<string, Drive> = {
  // Whether it has to wait depends on the moment.
  catchout: { sorted: true, replace: [[/libpvm \[t[0-9a-f]+\]:? child task.*\n/g, '']] },
  // How many hosts there are.
  events: { replace: [[/(form of config exit: .*\b66=)\d+/g, '$1<hosts>']] },
  // Which file could not be opened is ours to say.
  'no-daemon': { replace: [[/libpvm \[pid\d+\].*\n/g, '']] },
};
/** Where we differ and know it. */
const differs: Record<string, string> = {
  'leave-and-die': 'pvm_exit of a spawned task is told at once here, under PVM when its process ends',
};
/** What only makes sense on one node: the rest runs over three as well. */
const single = new Set(['spawn-placement', 'host-list', 'task-list', 'host-changes', 'group-hosts']);

describe('probes: each behaviour of the library as in PVM 3.4.6', function () {
  this.timeout(40_000);
  before(async function () {
    this.timeout(240_000);
    const missing = judgeMissing();
    if (missing) skip(this, missing);
    for (const name of names) {
      await compile(join(folder, `${name}.c`), binaries, { flags: ['-w', '-O1', '-std=gnu11'], headers: [join(folder, 'probe.h')] });
    }
  });

  for (const nodes of [1, 3]) {
    describe(nodes === 1 ? 'on one node' : 'over three nodes', () => {
      const contest = useContest({ judgePath: [binaries.judge], ourPath: [binaries.ours], nodes });
      for (const name of names) {
        if (nodes > 1 && single.has(name)) continue;
        it(name, async function () {
          if (differs[name]) skip(this, differs[name]);
          const { judge, ours } = contest();
          await compareOn(judge, ours, both(name), drives[name] ?? {}, [binaries.judge, binaries.ours]);
        });
      }
    });
  }
});
