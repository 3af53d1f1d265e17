/** PVM's hostfile: its syntax by examples, and any text whatever. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { formatHost, hostsLimit, parseHost, parseHostfile } from '../../daemon/hosts/hostfile.js';
import type { HostSpec } from '../../daemon/hosts/hostfile.js';

describe('a hostfile', () => {
  it('is one host a line; comments and blank lines say nothing', () => {
    const { entries, defaults, mistakes } = parseHostfile('# my first host file\nthud\n\n   # indented\n  fred  \nwilma');
    deepEqual(entries.map(({ name, line, wanted }) => [name, line, wanted]), [['thud', 2, true], ['fred', 5, true], ['wilma', 6, true]]);
    deepEqual(defaults, {});
    deepEqual(mistakes, []);
  });

  it('has all of PVM’s options', () => {
    const host = parseHost('h lo=bob so=ms dx=/opt/mpvm/bin/mpvm ep=$HOME/bin:/usr/bin wd=/work bx=/usr/bin/gdb sp=500 ip=10.0.0.7 id=two');
    deepEqual(host, {
      name: 'h', login: 'bob', start: 'ms', command: '/opt/mpvm/bin/mpvm', executionPath: '$HOME/bin:/usr/bin', directory: '/work',
      debugger: '/usr/bin/gdb', speed: 500, address: '10.0.0.7', vmid: 'two',
    });
    deepEqual(parseHost('h bp=/x'), { name: 'h', debugger: '/x' });
  });

  it('sets defaults for the lines below by "*", describes hosts without starting them by "&", overloads by "$"', () => {
    const { entries, defaults } = parseHostfile('one\n* lo=guest sp=2\ntwo\nthree lo=me\n& four so=ms\n&five\n* ep=/x\n$six\n');
    deepEqual(entries.map(({ name, login, speed, wanted, overload }) => [name, login, speed, wanted, overload]), [
      ['one', undefined, undefined, true, false],
      ['two', 'guest', 2, true, false],
      ['three', 'me', 2, true, false],
      ['four', 'guest', 2, false, false],
      ['five', 'guest', 2, false, false],
      ['six', undefined, undefined, true, true],
    ]);
    deepEqual(defaults, { executionPath: '/x' });
  });

  it('goes on in the next line after a backslash', () => {
    const { entries } = parseHostfile('one lo=a \\\n  sp=7\ntwo');
    deepEqual(entries.map(({ name, speed, line }) => [name, speed, line]), [['one', 7, 1], ['two', undefined, 3]]);
  });

  it('names the line of each mistake, and reads on', () => {
    const { entries, mistakes } = parseHostfile('a zz=1\nb sp=0\nc lo=\nd so=no\n*x\n&\n$\ngood\n');
    deepEqual(mistakes.map(({ line }) => line), [1, 2, 3, 4, 5, 6, 7]);
    deepEqual(entries.map(({ name }) => name), ['good']);
  });

  it('takes no more hosts than a VM can have', () => {
    const { entries, mistakes } = parseHostfile('h\n'.repeat(hostsLimit + 3));
    equal(entries.length, hostsLimit);
    equal(mistakes.length, 3);
  });

  it('is never more than it says, whatever it says', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.array(fc.constantFrom(...Array.from('&*$#\\ \t\n=lospdxewbi1a')), { maxLength: 200 }).map((chars) => chars.join('')));
    fc.assert(fc.property(text, (anything) => {
      const { entries, mistakes } = parseHostfile(anything);
      const lines = anything.split(/\r?\n/).length;
      ok(entries.length + mistakes.length <= lines);
      for (const { name } of entries) ok(name !== '' && !/\s/.test(name));
      for (const line of anything.split('\n')) parseHost(line);
    }), { numRuns: 1000 });
  });

  it('reads what it writes', () => {
    const word = fc.stringMatching(/^[^\s=&*$#\\][^\s\\]{0,30}$/);
    const value = fc.option(fc.stringMatching(/^[^\s\\]{1,30}$/), { nil: undefined });
    const spec = fc.record({
      name: word, login: value, start: fc.constantFrom('pw', 'ms', undefined), command: value, executionPath: value, directory: value,
      debugger: value, speed: fc.option(fc.integer({ min: 1, max: 1_000_000 }), { nil: undefined }), address: value, vmid: value,
    });
    fc.assert(fc.property(spec, (host) => {
      const given = Object.fromEntries(Object.entries(host).filter(([, one]) => one !== undefined)) as unknown as HostSpec;
      deepEqual(parseHost(formatHost(given)), given);
    }), { numRuns: 1000 });
  });
});
