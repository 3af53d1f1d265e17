/** The command without a VM: what it refuses, in which words, with which exit code. */
import { deepEqual, equal, match } from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from '../lab/paths.js';
import { run } from '../lab/process.js';
import type { Result } from '../lab/process.js';

describe('mpvm, wrongly used', function () {
  this.timeout(30_000);
  const directory = join(mkdtempSync(join(tmpdir(), 'mpvm-usage-')), 'vms');
  const mpvm = (...args: string[]): Promise<Result> =>
    run(process.execPath, [command, ...args], { env: { PATH: process.env.PATH ?? '', MPVM_DIR: directory } });
  const oneLine = (text: string): void => equal(text.trimEnd().split('\n').length, 1, text);

  after(() => {
    rmSync(join(directory, '..'), { recursive: true });
  });

  it('exits 2 for a command that does not exist, and names a similar one', async () => {
    const { code, stderr } = await mpvm('nodse');
    equal(code, 2);
    match(stderr, /unknown command 'nodse' \(Did you mean nodes\?\)/);
    oneLine(stderr);
  });

  it('shows its commands and exits 2 without one', async () => {
    const { code, stderr, stdout } = await mpvm();
    equal(code, 2);
    match(stdout + stderr, /migrate/);
  });

  it('exits 0 for --help and --version', async () => {
    equal((await mpvm('--help')).code, 0);
    equal((await mpvm('migrate', '--help')).code, 0);
    match((await mpvm('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('exits 2 with one line for arguments that are missing, wrong, or too many', async () => {
    for (const args of [['migrate', 't40002'], ['migrate', 'x', '--to', 'n1'], ['nodes', 'n1'], ['up', '--nodes', 'two'], ['run'], ['nodes', '-o', 'xml'], ['kill', 't40002', '-s', 'NONE']]) {
      const { code, stderr } = await mpvm(...args);
      equal(code, 2, `${args.join(' ')}: ${stderr}`);
      oneLine(stderr);
    }
  });

  it('says how to start a VM when there is none, and exits 1', async () => {
    for (const args of [['nodes'], ['ps'], ['migrate', 't40002', '--to', 'n1'], ['run', 'x'], ['drain', 'n1'], ['explain', 't40002'], ['migrations']]) {
      const [name = '', ...rest] = args;
      const { code, stderr } = await mpvm(name, '--name', 'nowhere', ...rest);
      equal(code, 1, args.join(' '));
      match(stderr, /no VM named nowhere .*; start one: mpvm up --name nowhere/);
      oneLine(stderr);
    }
  });

  it('gives programs an error they can read', async () => {
    const { code, stderr } = await mpvm('nodes', '-o', 'json');
    equal(code, 1);
    const { error } = JSON.parse(stderr) as { error: Record<string, string> };
    equal(error.code, 'NO_VM');
    deepEqual(Object.keys(error), ['code', 'text', 'remedy']);
  });

  it('takes a VM that is not up as down already', async () => {
    const { code, stdout } = await mpvm('down');
    equal(code, 0);
    match(stdout, /nothing to do/);
  });

  it('refuses a name that would lead out of its directory', async () => {
    const { code, stderr } = await mpvm('nodes', '--name', '../etc');
    equal(code, 2);
    match(stderr, /cannot be the name of a VM/);
  });

  it('leaves nothing on disk when it was not asked to start anything', () => {
    equal(existsSync(directory), false);
  });
});

describe('mpvm env', () => {
  it('prints lines that a shell accepts and that name our library first', async () => {
    const { code, stdout } = await run('sh', ['-c', `eval "$(${process.execPath} ${command} env)"; echo "$LD_LIBRARY_PATH|$MPVM_NAME|$PVM_ARCH"`], {
      env: { PATH: process.env.PATH ?? '', LD_LIBRARY_PATH: '/somewhere else', MPVM_NAME: 'x' },
    });
    equal(code, 0);
    match(stdout, /\/build\/lib:\/somewhere else\|x\|LINUX64\n$/);
  });
});
