/** From the name that pvm_spawn was given to a file, a directory and an environment. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, searchPath, startDirectory, taskEnvironment, usableDirectory } from '../../daemon/task/program.js';

describe('finding the program of a spawn', () => {
  let home = '';
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'mpvm-program-'));
    for (const [path, mode] of [['pvm3/bin/LINUX64/worker', 0o755], ['own/worker', 0o755], ['own/notes', 0o644]] as const) {
      mkdirSync(join(home, path, '..'), { recursive: true });
      writeFileSync(join(home, path), '#!/bin/sh\n');
      chmodSync(join(home, path), mode);
    }
    mkdirSync(join(home, 'own/folder'));
  });
  after(() => rmSync(home, { recursive: true }));
  const find = (name: string, path?: string): string | undefined => findProgram(name, home, { HOME: home, PVM_PATH: path });

  it('without PVM_PATH looks below $HOME, then below PVM_ROOT', () => {
    assert.equal(find('worker'), join(home, 'pvm3/bin/LINUX64/worker'));
    assert.deepEqual(searchPath({ HOME: '/h', PVM_ROOT: '/r', PVM_ARCH: 'X' }), ['/h/pvm3/bin/X', '/r/bin/X']);
    assert.deepEqual(searchPath({ HOME: '/h' }), ['/h/pvm3/bin/LINUX64', '/usr/lib/pvm3/bin/LINUX64']);
  });
  it('takes the first hit of PVM_PATH, relative entries below $HOME', () => {
    assert.equal(find('worker', '/nowhere:own:$HOME/pvm3/bin/$PVM_ARCH'), join(home, 'own/worker'));
    assert.equal(find('worker', '${HOME}/own'), join(home, 'own/worker'));
  });
  it('uses a name with a slash as it is, from where the task starts', () => {
    assert.equal(find('/bin/sh', '/nowhere'), '/bin/sh');
    assert.equal(find('./own/worker', '/nowhere'), join(home, 'own/worker'));
    assert.equal(find('./worker', 'own'), undefined);
  });
  it('finds nothing that cannot be executed', () => {
    for (const name of ['notes', 'folder', 'missing', '']) assert.equal(find(name, 'own'), undefined, name);
  });
  it('starts tasks in $HOME, or where the spawn says', () => {
    assert.equal(startDirectory('', { HOME: '/h' }), '/h');
    assert.equal(startDirectory('work', { HOME: '/h' }), '/h/work');
    assert.equal(startDirectory('/tmp', { HOME: '/h' }), '/tmp');
    assert.equal(usableDirectory('/nowhere/at/all'), '/');
  });
  it('adds what the parent exports, then the identity of the task, to the environment of the daemon', () => {
    const environment = taskEnvironment({ A: '1', B: '1', PVMEPID: 'old' }, ['B=2', 'C=x=y', 'broken'], { PVMEPID: 'new' }, '/lib/mpvm');
    assert.deepEqual(environment, { A: '1', B: '2', C: 'x=y', PVMEPID: 'new', PVM_ARCH: 'LINUX64', LD_LIBRARY_PATH: '/lib/mpvm' });
    const again = taskEnvironment({ LD_LIBRARY_PATH: '/a:/lib/mpvm' }, [], {}, '/lib/mpvm');
    assert.equal(again['LD_LIBRARY_PATH'], '/a:/lib/mpvm');
  });
});
