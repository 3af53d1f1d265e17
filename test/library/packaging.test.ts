/**
 * How programs find the library when they are built: pkg-config, the tree below PVM_ROOT, and both in a
 * copy of the tree elsewhere. Each program is started without any help from the environment.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { build, command } from '../lab/paths.js';
import { mustRun, run } from '../lab/process.js';
import { skip } from '../lab/skip.js';
import { source } from './build.js';

const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^M?PVM|^LD_|^PKG_CONFIG/.test(name)));

describe('programs are built', function () {
  this.timeout(60_000);
  let place: string;
  before(() => {
    place = mkdtempSync(join(tmpdir(), 'mpvm-packaging-'));
  });
  after(() => {
    rmSync(place, { recursive: true, force: true });
  });

  /** A shell in which `mpvm env` was evaluated, as docs/PORTING.md says. */
  const shell = (script: string): Promise<unknown> => mustRun('sh', ['-ec', `eval "$('${process.execPath}' '${command}' env)"; ${script}`], { cwd: place, env: clean, timeoutMs: 60_000 });
  async function starts(name: string, libraries: string): Promise<void> {
    const { stdout } = await mustRun(join(place, name), [], { env: clean });
    assert.match(stdout, /^started, PVM 3\.4\.6/m);
    const loaded = (await run('ldd', [join(place, name)], { env: clean })).stdout;
    for (const library of ['libpvm3', 'libgpvm3']) assert.match(loaded, new RegExp(`${library}\\.so\\.3 => ${libraries}/(pkgconfig/\\.\\./)?lib/`), loaded);
  }

  it('with pkg-config', async () => {
    await shell(`cc -w '${source('every-call.c')}' $(pkg-config --cflags --libs pvm3) -o with-pkg-config`);
    await starts('with-pkg-config', build);
  });

  it('with pkg-config --static, to need no library at all', async () => {
    await shell(`cc -w -static '${source('every-call.c')}' $(pkg-config --static --cflags --libs pvm3) -o static`);
    const { stdout } = await mustRun(join(place, 'static'), [], { env: clean });
    assert.match(stdout, /^started, PVM 3\.4\.6/m);
    assert.doesNotMatch((await mustRun('readelf', ['-l', join(place, 'static')])).stdout, /INTERP/);
  });

  it('as makefiles of PVM programs do it, by PVM_ROOT and PVM_ARCH', async () => {
    const { stdout } = await mustRun('sh', ['-ec', `eval "$('${process.execPath}' '${command}' env)"
      cc -w "-I$PVM_ROOT/include" '${source('every-call.c')}' -o by-root "-L$PVM_ROOT/lib/$PVM_ARCH" -lgpvm3 -lpvm3
      ./by-root`], { cwd: place, env: clean });
    assert.match(stdout, /^started, PVM 3\.4\.6/m);
  });

  it('in Fortran, with pkg-config and by PVM_ROOT', async function () {
    if ((await run('gfortran', ['--version']).catch(() => undefined))?.code !== 0) skip(this, 'gfortran not installed');
    const flags = '-w -fallow-argument-mismatch';
    await shell(`gfortran ${flags} '${source('answerer.f90')}' $(pkg-config --cflags --libs fpvm3) -o fortran
      gfortran ${flags} "-I$PVM_ROOT/include" '${source('answerer.f90')}' -o fortran-by-root "-L$PVM_ROOT/lib/$PVM_ARCH" -lfpvm3 -lgpvm3 -lpvm3
      gfortran ${flags} "-I$PVM_ROOT/include" '${source('answerer.f90')}' -o fortran-without-groups "-L$PVM_ROOT/lib/$PVM_ARCH" -lfpvm3 -lpvm3`);
    // There is no daemon: it says so, and stops with 2.
    for (const [name, help] of [['fortran', ''], ['fortran-by-root', join(build, 'lib')], ['fortran-without-groups', join(build, 'lib')]]) {
      const env = { ...clean, MPVM_DIR: join(place, 'none'), ...(help ? { LD_LIBRARY_PATH: help } : {}) };
      const { code, stderr } = await run(join(place, name!), [], { env });
      assert.equal(code, 2, stderr);
      assert.match(stderr, /Can't contact local daemon/);
    }
  });

  it('by aimk, PVM’s make, as the examples of PVM are', async function () {
    if (!existsSync('/usr/bin/aimk')) skip(this, 'pvm-dev not installed');
    const archive = '/usr/share/doc/pvm-examples/examples.tar.gz';
    if (!existsSync(archive)) skip(this, 'pvm-examples not installed');
    // Their makefile wants to lie beside include and lib.
    await shell(`mkdir aimk aimk/bin; cd aimk
      ln -s "$PVM_ROOT/include" "$PVM_ROOT/lib" .
      tar -xzf ${archive}
      cd examples; rm -rf LINUX64
      FC=gfortran aimk hello gexample timing fmaster1 fgexample`);
    for (const name of ['hello', 'gexample', 'timing', 'fmaster1', 'fgexample']) {
      const loaded = (await run('ldd', [join(place, 'aimk/bin/LINUX64', name)], { env: { ...clean, LD_LIBRARY_PATH: join(build, 'lib') } })).stdout;
      assert.ok(loaded.includes(`libpvm3.so.3 => ${build}/lib/`), `${name}: ${loaded}`);
      assert.doesNotMatch(loaded, /not found/);
    }
  });

  it('with a copy of the tree elsewhere', async () => {
    for (const name of ['include', 'lib', 'pkgconfig']) cpSync(join(build, name), join(place, 'copy', name), { recursive: true, verbatimSymlinks: true });
    const path = join(place, 'copy/pkgconfig');
    const flags = (await mustRun('pkg-config', ['--cflags', '--libs', 'pvm3', 'fpvm3'], { env: { ...clean, PKG_CONFIG_PATH: path } })).stdout;
    assert.ok(!flags.includes(build), flags);
    await mustRun('sh', ['-ec', `cc -w '${source('every-call.c')}' $(pkg-config --cflags --libs pvm3) -o elsewhere`], { cwd: place, env: { ...clean, PKG_CONFIG_PATH: path } });
    await starts('elsewhere', join(place, 'copy'));
  });
});
