/**
 * pvm3.h, pvmproto.h, pvmtev.h and fpvm3.h against Debian's: the same constants, macros, structures and
 * prototypes; and a program that calls every function compiles in old and new C and C++, links, starts.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { includeDirectory, libraryDirectory } from '../lab/paths.js';
import { mustRun, run } from '../lab/process.js';
import { skip } from '../lab/skip.js';
import { source } from './build.js';

const theirs = '/usr/include';
const headers = ['pvm3.h', 'pvmproto.h', 'pvmtev.h'];
const first = '#define NOTMPNAM\n#define PVM33COMPAT\n#include <stdio.h>\n#include <sys/time.h>\n';
const included = headers.map((header) => `#include <${header}>\n`).join('');

const structures: Record<string, string[]> = {
  pvmhostinfo: ['hi_tid', 'hi_name', 'hi_arch', 'hi_speed', 'hi_dsig'],
  pvmtaskinfo: ['ti_tid', 'ti_ptid', 'ti_host', 'ti_flag', 'ti_a_out', 'ti_pid'],
  pvmminfo: ['len', 'ctx', 'tag', 'wid', 'enc', 'crc', 'src', 'dst'],
  pvmmboxinfo: ['mi_name', 'mi_nentries', 'mi_indices', 'mi_owners', 'mi_flags'],
  Pvmtevdid: ['did', 'desc'],
  Pvmtevinfo: ['name', 'desc_status', 'mark', 'total', 'count'],
  Pvmtracer: ['trctid', 'trcctx', 'trctag', 'outtid', 'outctx', 'outtag', 'trcbuf', 'trcopt', 'tmask'],
};

describe('header files', function () {
  this.timeout(60_000);
  let place: string;
  before(function () {
    const gone = [...headers, 'fpvm3.h'].find((header) => !existsSync(join(theirs, header)));
    if (gone) skip(this, `${theirs}/${gone} not installed`);
    place = mkdtempSync(join(tmpdir(), 'mpvm-headers-'));
  });
  after(() => {
    if (place) rmSync(place, { recursive: true, force: true });
  });

  function write(name: string, text: string): string {
    writeFileSync(join(place, name), text);
    return join(place, name);
  }

  /** Names that the three headers define and <stdio.h>, <sys/time.h> do not. */
  async function macros(include: string): Promise<string[]> {
    const names = async (text: string): Promise<string[]> => {
      const { stdout } = await mustRun('gcc', [`-I${include}`, '-dM', '-E', write('macros.c', text)]);
      return [...stdout.matchAll(/^#define (\w+(?:\([^)]*\))?)/gm)].map(([, name = '']) => name);
    };
    const others = new Set(await names(first));
    return (await names(first + included)).filter((name) => !others.has(name)).map((name) => name.replace(/\(.*/, '()'));
  }

  async function valuesWith(include: string, names: readonly string[]): Promise<string> {
    const show = names.map((name) => `  printf(_Generic((${name}), char *: "${name} %s\\n", default: "${name} %d\\n"), ${name});`);
    const layout = Object.entries(structures).flatMap(([name, fields]) => [
      `  printf("${name} %zu\\n", sizeof(struct ${name}));`,
      ...fields.map((field) => `  printf("${name}.${field} %zu %zu\\n", offsetof(struct ${name}, ${field}), sizeof(((struct ${name} *)0)->${field}));`),
    ]);
    const text = `${first}#include <stddef.h>\n#define MSGHDRLEN 16\n${included}int main(void)\n{\n${[...show, ...layout].join('\n')}\n  return 0;\n}\n`;
    const file = write('values.c', text);
    await mustRun('gcc', ['-w', `-I${include}`, file, '-o', join(place, 'values')]);
    return (await mustRun(join(place, 'values'))).stdout;
  }

  it('define every macro that Debian’s define', async () => {
    const ours = new Set(await macros(includeDirectory));
    assert.deepEqual((await macros(theirs)).filter((name) => !ours.has(name)), []);
  });

  it('give every constant its value, every structure its layout', async () => {
    const constants = (await macros(theirs)).filter((name) => !name.endsWith('()') && !/^_PVM\w*_H_$|^PVMTMPNAMFUN/.test(name));
    assert.ok(constants.length > 400, `${constants.length} constants`);
    assert.equal(await valuesWith(includeDirectory, constants), await valuesWith(theirs, constants));
  });

  /** Debian's declarations behind our headers: a compiler complains about any that differs. */
  for (const [language, compiler] of [['C', ['gcc']], ['C++', ['g++', '-x', 'c++']]] as const) {
    it(`declare every function as Debian’s do (${language})`, async () => {
      const { stdout } = await mustRun('gcc', [`-I${theirs}`, '-E', '-P', write('theirs.c', first + included)]);
      const pieces = stdout.slice(stdout.indexOf('struct pvmhostinfo')).replaceAll(/\bstruct \w+\s*\{[^}]*\};/g, '').split(';');
      // PVM's own functions; pvm_recvf is declared wrongly there: what it returns takes three numbers, not a function.
      const declarations = pieces.map((piece) => piece.trim()).filter((piece) => /^(int|char|void)\b[^(]*\b[pP]vm\w+\s*\(/.test(piece) && !piece.includes('pvm_recvf'));
      assert.ok(declarations.length > 110, `${declarations.length} declarations`);
      const wrapped = `${first}${included}#ifdef __cplusplus\nextern "C" {\n#endif\n${declarations.join(';\n')};\n#ifdef __cplusplus\n}\n#endif\n`;
      const [command, ...flags] = compiler;
      await mustRun(command, [...flags, '-Wall', '-Werror', '-fsyntax-only', `-I${includeDirectory}`, write('both.c', wrapped)]);
    });
  }

  const dialects = [
    ...['gnu89', 'c99', 'c11', 'gnu17', 'c2x'].map((standard) => ['gcc', `-std=${standard}`]),
    ...['c++98', 'c++11', 'c++17', 'gnu++20'].map((standard) => ['g++', '-x', 'c++', `-std=${standard}`]),
  ];
  for (const [compiler = '', ...flags] of dialects) {
    it(`every function can be called: ${compiler} ${flags.at(-1) ?? ''}`, async () => {
      const strict = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-but-set-variable', '-fsyntax-only'];
      await mustRun(compiler, [...flags, ...strict, `-I${includeDirectory}`, source('every-call.c')]);
      // What compiles against Debian's header is what programs hold for right.
      await mustRun(compiler, [...flags, ...strict, '-Wno-cast-function-type', `-I${theirs}`, source('every-call.c')]);
    });
  }

  it('a program that calls every function links and starts, shared and static, all symbols bound at once', async () => {
    const libraries = ['-lgpvm3', '-lpvm3'];
    for (const flags of [['-Wl,-z,now'], ['-static']]) {
      const output = join(place, 'every-call');
      await mustRun('gcc', ['-w', ...flags, `-I${includeDirectory}`, `-L${libraryDirectory}`, source('every-call.c'), '-o', output, ...libraries]);
      const { stdout } = await mustRun(output, [], { env: { ...process.env, LD_LIBRARY_PATH: libraryDirectory } });
      assert.match(stdout, /^started, PVM 3\.4\.6, TM_CONNECT is 80010001$/m);
    }
  });

  describe('fpvm3.h', () => {
    const parameters = (file: string): string[] =>
      [...readFileSync(file, 'utf8').matchAll(/^\s*parameter\s*\(\s*(\w+)\s*=\s*(-?\d+)\s*\)/gim)].map(([, name = '', value = '']) => `${name.toUpperCase()}=${value}`).sort();

    it('has the constants of Debian’s', () => {
      const expected = parameters(join(theirs, 'fpvm3.h'));
      assert.ok(expected.length > 100);
      assert.deepEqual(parameters(join(includeDirectory, 'fpvm3.h')), expected);
    });

    for (const [form, extension, standard] of [['fixed', 'f', 'legacy'], ['fixed', 'f', 'f2018'], ['free', 'f90', 'f2018']] as const) {
      it(`can be included in ${form} source form (-std=${standard})`, async function () {
        if ((await run('gfortran', ['--version']).catch(() => undefined))?.code !== 0) skip(this, 'gfortran not installed');
        const text = ['program p', 'implicit none', "include 'fpvm3.h'", 'print *, PVMDEFAULT, PvmOk, STRING, INTEGER8, PVMNORESET', 'end'].map((line) => `      ${line}\n`).join('');
        await mustRun('gfortran', ['-Wall', '-Werror', '-Wno-unused-parameter', `-std=${standard}`, '-fsyntax-only', `-I${includeDirectory}`, write(`p.${extension}`, text)]);
      });
    }
  });
});
