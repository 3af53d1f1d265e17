/**
 * npm test: sets up, runs every suite, and ends with one line that counts them all.
 *
 *   npm test                      everything
 *   npm test -- lint soak ring    only suites whose name contains one of the words
 *
 * A suite that hangs is ended at its time limit and counts as failed; the others still run.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stop, paint, root, run } from './shell.mjs';
import { setup } from './setup.mjs';
import { files } from './stamps.mjs';

const bin = (name) => join(root, 'node_modules/.bin', name);
const say = (line) => process.stdout.write(`${line}\n`);

/** Against a suite that hangs, not against a slow machine: no suite takes a quarter of it on an idle one. */
const limitSeconds = 1200;

function cSuite(directory) {
  return {
    name: directory,
    command: ['make', ['--no-print-directory', '-C', directory, 'check']],
    skip: () => !existsSync(join(root, directory, 'Makefile')) && 'it has no Makefile',
    count: countC,
  };
}

/** Input after input to what parses bytes of others; the seed is fixed here, `make -C libpvm fuzz FUZZ_SEED=… FUZZ_RUNS=…` goes further. */
const fuzzSuite = {
  name: 'libpvm fuzz',
  command: ['make', ['--no-print-directory', '-j2', '-C', 'libpvm', 'fuzz', 'FUZZ_RUNS=4000']],
  skip: () => !existsSync('/usr/bin/clang-14') && "Debian's clang-14 is not installed",
  count: countC,
};

function mochaSuite(path) {
  return {
    name: path,
    command: [process.execPath, ['--import=tsx', bin('mocha'), '--reporter', join(root, 'scripts/mocha-reporter.cjs'), '--timeout', '60000', '--exit', path]],
    count: countMocha,
  };
}

const suites = [
  { name: 'types', command: ['sh', ['-c', `for project in . daemon/web/page test; do ${bin('tsc')} -p $project --noEmit || exit; done`]] },
  { name: 'lint', command: [bin('eslint'), ['.']] },
  cSuite('native/checkpoint'),
  cSuite('libpvm'),
  fuzzSuite,
  ...files(['test'], (path) => path.endsWith('.test.ts'))
    // Quick ones first: who waits for a result sees the likely failures early.
    .sort((a, b) => Number(/soak|differential/.test(a)) - Number(/soak|differential/.test(b)))
    .map(mochaSuite),
];

/** cmocka sums up each program in three lines; other C tests say "ok NAME …" or "FAILED NAME: …", one line a case. */
function countC(output) {
  const sum = (word) => [...output.matchAll(new RegExp(`\\[ *${word} *\\] (\\d+) test`, 'g'))].reduce((total, match) => total + Number(match[1]), 0);
  const lines = (pattern, group = 1) => [...output.matchAll(pattern)].map((match) => match[group]);
  const counts = {
    passed: sum('PASSED') + lines(/^(ok) \S/gm).length,
    failed: sum('FAILED') + lines(/^(FAILED) \S/gm).length,
    skips: [...new Set([...lines(/\[ *SKIPPED *\] (?!\d+ test)(.*)/g), ...lines(/^skipped (.*)/gm)])],
  };
  const failures = lines(/^(?:.*\n){0,6}(?:\[ *FAILED *\] (?!\d+ test)|FAILED ).*/gm, 0);
  if (failures.length > 0) counts.failures = failures;
  return counts.passed + counts.failed > 0 ? counts : undefined;
}

function countMocha(_, resultFile) {
  return existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : undefined;
}

const lastLines = (text, most = 40) => text.trimEnd().split('\n').slice(-most).join('\n');
const heading = (text) => text.slice(0, text.indexOf('\n') + 1);

/** Nothing of a user's own VM reaches a suite. */
async function runSuite(suite) {
  const reason = suite.skip?.();
  if (reason) return { passed: 0, failed: 0, skips: [`${suite.name}: ${reason}`] };
  const place = mkdtempSync(join(tmpdir(), 'mpvm-test-'));
  const result = join(place, '.result.json');
  const env = { ...process.env, MPVM_TEST_RESULT: result };
  for (const name of Object.keys(env)) if (/^M?PVM_(?!TEST)|^PVM/.test(name)) delete env[name];
  const started = performance.now();
  const [command, args] = suite.command;
  const { code, signal, timedOut, output } = await run(command, args, { env, show: true, limitSeconds });
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const counts = suite.count?.(output, result) ?? { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skips: [] };
  rmSync(place, { recursive: true, force: true });
  if (timedOut) say(`${suite.name}: ended after ${limitSeconds} s, its time limit`);
  // A suite may fail outside of any test: then its exit says so.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  // Of what tells nothing about single tests, the end is likely to say why.
  if (counts.failed > 0) counts.failures ??= [lastLines(output)];
  const how = code === 0 ? paint('green', 'ok') : paint('red', timedOut ? 'timed out' : `failed (${signal ?? `exit ${code}`})`);
  say(`-- ${suite.name}: ${how}, ${counts.passed} passed, ${counts.failed} failed, ${counts.skips.length} skipped, ${seconds}\n`);
  return counts;
}

async function main(words) {
  const missing = await setup({ tests: true, quiet: true });
  const chosen = suites.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (chosen.length === 0) throw new Stop(`no suite has ${words.join(' or ')} in its name. They are:\n  ${suites.map(({ name }) => name).join('\n  ')}`);
  const total = { passed: 0, failed: 0, skips: [] };
  const failed = [];
  const started = performance.now();
  for (const suite of chosen) {
    say(paint('bold', `== ${suite.name}`));
    const counts = await runSuite(suite);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skips.push(...counts.skips);
    if (counts.failed > 0) failed.push({ name: suite.name, failures: counts.failures });
  }
  if (missing.length > 0) say(`Not installed: ${missing.join(' ')}. With them more could be tested: sudo apt-get install ${missing.join(' ')}`);
  for (const skip of total.skips) say(`skipped: ${skip}`);
  // Once more at the end, where who has only the end of a long log finds it.
  for (const { name, failures } of failed) {
    say(paint('red', `failed: ${name}`));
    for (const failure of failures.slice(0, 5)) say(`${heading(failure)}${lastLines(failure, 60)}`.replace(/^/gm, '    '));
  }
  say(`${((performance.now() - started) / 1000).toFixed(0)} s`);
  say(`${total.passed} passed, ${total.failed} failed, ${total.skips.length} skipped`);
  return total.failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  console.error(error.message);
  say('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
