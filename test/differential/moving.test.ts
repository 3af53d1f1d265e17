/**
 * The probes again, over three nodes of ours, while all their tasks are moved all the time: what a
 * program prints must not tell. The same program unmoved is the reference (that it does what PVM
 * 3.4.6 does is what probes.test.ts shows).
 *
 * PROBE_PACE slows the probes down (see probe.h), so that moves fall between any two of their steps;
 * with PROBE_PATIENCE they wait longer for a message than they would have to where nothing moves.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { useLab } from '../lab/lab.js';
import type { Lab } from '../lab/lab.js';
import { root } from '../lab/paths.js';
import { skip } from '../lab/skip.js';
import { Mover } from '../soak/mover.js';
import { binaryDirectories, compile } from './compile.js';
import { judgeMissing } from './judge.js';
import { normalise } from './normalise.js';
import type { Mask } from './normalise.js';

const folder = join(root, 'test/differential/probes');
const binaries = binaryDirectories('probes');
const paceMs = 10;
const patienceS = 60;

/** Why a probe is not run here. */
const left: Record<string, string> = {
  'no-daemon': 'it has no daemon, so nothing can move it',
  'host-list': 'asks where it is',
  'task-list': 'asks where it is',
  'group-hosts': 'asks where it is',
  'leave-and-die': 'asks what is known of a task three tenths of a second after it has left, which a move may outlast',
  descriptors: 'counts the descriptors of its process, which a restorer numbers anew',
};
/** Of what a probe prints, what depends on where its tasks are. */
const masks: Record<string, Mask> = {
  catchout: { sorted: true, replace: [[/libpvm \[t[0-9a-f]+\]:? child task.*\n/g, '']] },
};

const names = readdirSync(folder).filter((name) => name.endsWith('.c')).map((name) => name.slice(0, -2)).sort();

describe('probes under moves', function () {
  this.timeout(150_000);
  before(async function () {
    this.timeout(240_000);
    const missing = judgeMissing();
    if (missing) skip(this, missing);
    for (const name of names) {
      await compile(join(folder, `${name}.c`), binaries, { flags: ['-w', '-O1', '-std=gnu11'], headers: [join(folder, 'probe.h')] });
    }
  });
  const env = { PROBE_PATIENCE: String(patienceS) };
  const still = useLab({ nodes: 3, path: [binaries.ours], env });
  const lab = useLab({ nodes: 3, path: [binaries.ours], env: { ...env, PROBE_PACE: String(paceMs) } });
  let moves = 0;

  async function printed(where: Lab, name: string): Promise<string> {
    const run = await where.run(join(binaries.ours, name));
    const ended = await run.finish(100_000);
    const mask = { ...masks[name], paths: [binaries.ours, where.directory] };
    return normalise(`${run.output}\nexit ${ended?.code ?? '?'} ${ended?.signal ?? ''}`, mask);
  }

  for (const name of names) {
    it(name, async function () {
      if (left[name]) skip(this, left[name]);
      const expected = await printed(still(), name);
      const mover = new Mover(lab(), { everyMs: 10 }).start();
      let got;
      try {
        got = await printed(lab(), name);
      } finally {
        await mover.stop();
      }
      moves += mover.moves.length;
      // That a move ends because its task does is no failure here: these tasks are short.
      assert.equal(got, expected, `${name} differs when it is moved (${mover.summary()})`);
    });
  }

  it('was moved a good deal', () => {
    assert.ok(moves > names.length, `${moves} moves in all`);
  });
});
