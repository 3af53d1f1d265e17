/**
 * The symbols of our libraries against those of Debian's: what it exports, we export with the same
 * type and, where it is data, the same size; or docs/PORTING.md names it as left out.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { libraryDirectory, root } from '../lab/paths.js';
import { mustRun } from '../lab/process.js';
import { skip } from '../lab/skip.js';

interface Symbol {
  data: boolean;
  size: number;
}
const debian = '/usr/lib/x86_64-linux-gnu';

async function exported(file: string): Promise<Map<string, Symbol>> {
  const { stdout } = await mustRun('nm', ['-D', '-S', '--defined-only', file]);
  const symbols = new Map<string, Symbol>();
  for (const [, size = '', type = '', name = ''] of stdout.matchAll(/^\w+ (?:(\w+) )?([A-Z]) (\w+)$/gm)) {
    symbols.set(name, { data: 'BDR'.includes(type), size: Number.parseInt(size || '0', 16) });
  }
  return symbols;
}

/** The names in the table of the chapter. */
function leftOut(): Set<string> {
  const text = readFileSync(join(root, 'docs/PORTING.md'), 'utf8');
  const chapter = text.split(/^## /m).find((part) => part.startsWith('Symbols that are not there')) ?? '';
  const rows = chapter.split('\n').filter((line) => line.startsWith('| `'));
  return new Set(rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name)));
}

describe('exported symbols', () => {
  for (const library of ['libpvm3', 'libgpvm3']) {
    describe(library, () => {
      let theirs: Map<string, Symbol>, ours: Map<string, Symbol>;
      before(async function () {
        const file = join(debian, `${library}.so.3`);
        if (!existsSync(file)) skip(this, `${file} not installed`);
        theirs = await exported(file);
        ours = await exported(join(libraryDirectory, `${library}.so.3`));
        assert.ok(theirs.size > 50 && ours.size > 15);
      });

      it('all of PVM 3.4.6 are there, or named as left out', () => {
        const out = leftOut();
        assert.deepEqual([...theirs.keys()].filter((name) => !ours.has(name) && !out.has(name)), []);
      });

      it('none is named as left out that is there', () => {
        assert.deepEqual([...leftOut()].filter((name) => ours.has(name)), []);
      });

      it('functions are functions, and data has its size', () => {
        for (const [name, symbol] of theirs) {
          const own = ours.get(name);
          if (!own) continue;
          assert.equal(own.data, symbol.data, `${name}: ${own.data ? 'data' : 'a function'}`);
          if (symbol.data) assert.equal(own.size, symbol.size, `size of ${name}`);
        }
      });

      it('beside PVM’s there are our own only, under our own names', () => {
        const compatible = new Set(['pvm_getmwid', 'pvm_setmwid']); // PVM 3.3, declared for PVM33COMPAT
        assert.deepEqual([...ours.keys()].filter((name) => !theirs.has(name) && !compatible.has(name) && !/^pvmi_/.test(name)), []);
      });
    });
  }

  it('libfpvm3: all routines of PVM 3.4.6, in the static library and in the shared one', async function () {
    const file = join(debian, 'libfpvm3.a');
    if (!existsSync(file)) skip(this, `${file} not installed`);
    const routines = async (path: string, ...flags: string[]): Promise<string[]> =>
      [...(await mustRun('nm', ['--defined-only', ...flags, path])).stdout.matchAll(/ T (\w+)$/gm)].map(([, name = '']) => name);
    const theirs = await routines(file);
    assert.equal(theirs.length, 69);
    for (const ours of [await routines(join(libraryDirectory, 'libfpvm3.a')), await routines(join(libraryDirectory, 'libfpvm3.so.3'), '-D')]) {
      assert.deepEqual(theirs.filter((name) => !ours.includes(name)), []);
    }
  });

  it('static libraries define nothing that a program could stumble over', async () => {
    const prefixes = /^(pvm|Pvm|PVM|tev_|ckpt_|sys_|mpvm_|pb_|gpvm_|gstid$|gs_|lpvmerr$|errnamecode$|vpvmlogprintf$|i_(malloc|realloc|free|dump|choke)$|ftocstr$|ctofstr$|ttpcb|enc_trc)/;
    for (const library of ['libpvm3.a', 'libgpvm3.a', 'libfpvm3.a']) {
      const { stdout } = await mustRun('nm', ['-g', '--defined-only', join(libraryDirectory, library)]);
      const names = [...stdout.matchAll(/^\w+ [A-Z] (\S+)$/gm)].map(([, name = '']) => name);
      assert.deepEqual(names.filter((name) => !prefixes.test(name)), [], library);
    }
  });
});
