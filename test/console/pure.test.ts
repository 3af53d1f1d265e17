/** The console's rules, without a console. What PVM itself prints is compared in test/differential. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Aliases } from '../../daemon/console/aliases.js';
import { commands } from '../../daemon/console/commands/index.js';
import { completions } from '../../daemon/console/complete.js';
import { exportedEnvironment } from '../../daemon/console/environment.js';
import { taskLine } from '../../daemon/console/format.js';
import { fileSink } from '../../daemon/console/job-sinks.js';
import { Jobs } from '../../daemon/console/jobs.js';
import { readOptions } from '../../daemon/console/start.js';
import { readSpawn } from '../../daemon/console/spawn-options.js';
import { TraceMask } from '../../daemon/console/tracing.js';
import { leadingNumber, parse, readTid } from '../../daemon/console/words.js';

describe('the words of a line', () => {
  it('never fails, and gives back what was quoted', () => {
    fc.assert(fc.property(fc.string(), (line) => {
      const parsed = parse(line);
      assert.ok('words' in parsed || parsed.wrong !== '');
    }));
    fc.assert(fc.property(fc.array(fc.string(), { maxLength: 20 }), (words) => {
      const line = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
      assert.deepEqual(parse(line), { words });
    }));
  });
  it('reads numbers as C does, and ids with or without a t', () => {
    assert.deepEqual(['12', '12abc', ' 7', '-3', '0x2', 'zz', '', '99999999999'].map(leadingNumber), [12, 12, 7, -3, 0, 0, 0, 0x7fffffff]);
    assert.deepEqual(['t40002', '40002', '0x40002', 'T4', 'zz', '-1', ''].map(readTid), [0x40002, 0x40002, 0x40002, 4, 0, 0, 0]);
  });
  it('follows aliases, but not for ever', () => {
    const aliases = new Aliases();
    for (let at = 0; at < 100; at++) aliases.set(`a${at}`, [`a${at + 1}`]);
    assert.deepEqual(aliases.expand(['a90', 'x']), ['a100', 'x']);
    assert.equal(aliases.expand(['a0']), undefined);
    assert.deepEqual(aliases.expand(['none', 'a1']), ['none', 'a1']);
  });
});

describe('the options of spawn', () => {
  const read = (line: string) => readSpawn(line.split(' '), new Set(['LINUX64']));
  const cases: [string, Partial<ReturnType<typeof read>>][] = [
    ['prog a -b', { count: 1, flags: 0, where: '', program: 'prog', argv: ['a', '-b'], output: undefined }],
    ['-4 -> prog', { count: 4, output: { file: '', append: false }, program: 'prog' }],
    ['->>f -n1 prog', { output: { file: 'f', append: true }, where: 'n1', flags: 1 }],
    ['-LINUX64:/tmp prog', { where: 'LINUX64:/tmp', flags: 2 }],
    ['-:/tmp prog', { where: ':/tmp', flags: 0 }],
    ['--host=10.0.0.1:/x prog', { where: '10.0.0.1:/x', flags: 1 }],
    ['-? -@ prog', { flags: 4, trace: { file: '' } }],
    ['-LINUX64 -n2 prog', { where: 'n2', flags: 1 }],
    ['- -- prog', { flags: 0, where: '' }],
    ['-3', { count: 3, program: undefined }],
  ];
  for (const [line, expected] of cases) {
    it(line, () => {
      const got = read(line);
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(got[key as keyof typeof got], value, key);
    });
  }
});

describe('jobs', () => {
  const one = 0x40002;
  const two = 0x80003;
  function bench(showTids = true) {
    const said: string[] = [];
    const jobs = new Jobs({ showTids, finished: (job) => said.push(`finished ${job}`) });
    const number = jobs.next();
    jobs.open(number, { line: (text) => said.push(text.toString()), close: () => said.push('closed') });
    const take = (tid: number, count: number, text = ''): boolean => jobs.take(number, tid, count, Buffer.from(`${text}\0\0`));
    const data = (tid: number, text: string): boolean => take(tid, Buffer.byteLength(text), text);
    return { jobs, said, number, take, data };
  }

  it('puts pieces together to lines, whole characters included', () => {
    const { said, take, number, jobs } = bench();
    const bytes = Buffer.from('grün\nrest');
    take(one, -2);
    jobs.take(number, one, 3, bytes.subarray(0, 3));
    jobs.take(number, one, bytes.length - 3, bytes.subarray(3));
    take(one, 0);
    assert.deepEqual(said, ['[1:t40002] grün\n', '[1:t40002] rest\n', '[1:t40002] EOF\n']);
  });
  it('ends with the last task, however early that ended', () => {
    const { said, take, jobs, number } = bench();
    take(one, -2);
    take(one, 0);
    jobs.started(number, [one, two]);
    assert.deepEqual(jobs.list(), [{ number, tasks: [] }]);
    take(two, -2);
    take(two, 0);
    assert.deepEqual(said.slice(-2), ['closed', 'finished 1']);
    assert.deepEqual(jobs.list(), []);
  });
  it('waits for what its tasks have spawned, and goes on for one that is heard of late', () => {
    const { said, take, data, jobs, number } = bench();
    jobs.started(number, [one]);
    take(one, -2);
    take(two, -1);
    take(one, 0);
    assert.deepEqual(jobs.list(), [{ number, tasks: [two] }]);
    take(two, 0);
    const late = 0xc0004;
    data(late, 'late\n');
    take(late, 0);
    assert.deepEqual(said.filter((line) => line.startsWith('finished')), ['finished 1', 'finished 1']);
  });
  it('without ids shows the text alone', () => {
    const { said, data, take } = bench(false);
    data(one, 'a\n');
    take(one, 0);
    assert.deepEqual(said, ['a\n']);
  });
  it('knows no jobs but its own, and no endless lines', () => {
    const { jobs, said, data } = bench();
    assert.equal(jobs.take(7, one, 0, Buffer.alloc(0)), false);
    data(one, 'x'.repeat(70_000));
    assert.equal(said.length, 1);
  });
  it('say once when their file cannot be written', () => {
    const said: string[] = [];
    const sink = fileSink('/dev/full', true, (text) => said.push(text));
    sink.line(Buffer.from('a\n'));
    sink.line(Buffer.from('b\n'));
    sink.close();
    assert.deepEqual(said, ['/dev/full: No space left on device\n']);
  });
  it('go to a new file, or to the end of one', () => {
    const directory = mkdtempSync(join(tmpdir(), 'mpvm-jobs-'));
    try {
      const path = join(directory, 'out');
      const ignore = (): void => undefined;
      const first = fileSink(path, false, ignore);
      first.line(Buffer.from('a\n'));
      first.close();
      first.line(Buffer.from('late\n'));
      first.close();
      assert.throws(() => fileSink(path, false, ignore), { code: 'EEXIST' });
      const second = fileSink(path, true, ignore);
      second.line(Buffer.from('b\n'));
      second.close();
      assert.equal(readFileSync(path, 'utf8'), 'a\nlate\nb\n');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('what the console shows and offers', () => {
  it('a task whose parent is not told has its code for parent', () => {
    const line = taskLine({ tid: 0x40003, parent: 0xffffffdd, pid: 12, flags: 6, program: 'x' }, 'n1', 0x40002, true);
    assert.equal(line, '                      n1    40003 ffffffdd     12     6/c,f x           ');
  });
  it('exports what is set, and the list itself', () => {
    assert.deepEqual(exportedEnvironment({ PVM_EXPORT: 'A:B:', A: '1' }), ['PVM_EXPORT=A:B', 'A=1']);
    assert.deepEqual(exportedEnvironment({ A: '1' }), []);
  });
  it('a mask that can be sent: four events a character', () => {
    const tracing = new TraceMask();
    tracing.set('*', false);
    tracing.set('send', true);
    tracing.set('pvm_mytid', true);
    assert.equal(tracing.mask, '@@@@@@D@@@@H@@@@@@@@@@@@@@@@@@@@@@@');
    assert.equal(tracing.set('newtask', true), false);
  });
  it('completes commands, hosts, tids and options', () => {
    const choices = { commands: ['add', 'alias', 'ps', 'pstat'], aliases: ['ll'], hosts: ['n1', 'n2'], tids: ['t40002', 't40003'], options: ['PvmRoute'], variables: ['HOME'] };
    const offered = (line: string) => completions(line, choices).candidates;
    assert.deepEqual(offered('a'), ['add', 'alias']);
    assert.deepEqual(offered('l'), ['ll ']);
    assert.deepEqual(offered('pstat t4000'), ['t40002', 't40003']);
    assert.deepEqual(offered('pstat t40002 t40003'), ['t40003 ']);
    assert.deepEqual(offered('migrate t40002 --to '), ['n1', 'n2']);
    assert.deepEqual(offered('ps -nn'), ['-nn1', '-nn2']);
    assert.deepEqual(offered('spawn -n'), ['-n1', '-n2']);
    assert.deepEqual(offered('spawn --host=n2'), ['--host=n2 ']);
    assert.deepEqual(offered('setopt P'), ['PvmRoute ']);
    assert.deepEqual(offered('help p'), ['ps', 'pstat']);
    assert.deepEqual(offered('echo n'), []);
  });
  it('reads the words of pvmd', () => {
    assert.deepEqual(readOptions(['-nhost', '-d0x14', 'file']), { host: 'host', debug: 0x14, hostFile: 'file' });
    assert.deepEqual(readOptions(['-d', '-n']), { host: '', debug: 0, hostFile: undefined });
    assert.throws(() => readOptions(['a', 'b']), { code: 'BAD_REQUEST' });
  });
  it('has each command once, and every one of them explains itself', () => {
    assert.equal(new Set(commands.map(({ name }) => name)).size, commands.length);
    for (const { summary, usage, name } of commands) {
      assert.ok(summary !== '' && usage.length > 0, name);
      for (const line of usage) assert.ok(line.startsWith(name), `${name}: ${line}`);
    }
    const pvm = 'add alias conf delete echo export getopt halt help id jobs kill mstat names ps pstat put quit reset setenv setopt sig spawn trace unalias unexport version';
    assert.equal(commands.filter(({ own }) => !own).map(({ name }) => name).join(' '), pvm);
  });
});
