/**
 * npm run setup: installs and builds everything, and returns at once when nothing is to do.
 * Each step says first whether it has work; only then a line is printed.
 */
import {
  chmodSync, cpSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, rmSync, symlinkSync, writeSync, readlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Stop, capture, paint, root, run } from './shell.mjs';
import { ensure, forTests, needed } from './packages.mjs';
import { generate } from './gen.mjs';
import { files, fingerprint, isFresh, stamp, unstamp } from './stamps.mjs';

const at = (path) => join(root, path);
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const say = (line) => process.stdout.write(`${line}\n`);

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 11)) {
    throw new Stop(`Node ${process.versions.node} is too old: mpvm needs Node 20.11 or later (https://nodejs.org)`);
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Stop(`mpvm runs on Linux, x86-64; this is ${process.platform}, ${process.arch}`);
  }
}

/** Elsewhere than on Debian the tools are checked by name. */
function checkTools() {
  const tools = { gcc: 'gcc', make: 'make', 'pkg-config': 'pkg-config', protoc: 'protobuf-compiler', 'protoc-gen-nanopb': 'nanopb' };
  const gone = Object.entries(tools).filter(([tool]) => capture('sh', ['-c', `command -v ${tool}`]) === undefined);
  if (gone.length > 0) throw new Stop(`not found: ${gone.map(([tool]) => tool).join(', ')}. Install ${gone.map(([, name]) => name).join(', ')}`);
}

/** What is installed is what the lock file says: the comparison npm itself would make, without starting npm. */
function nodeModulesFresh() {
  try {
    const locked = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages;
    const present = JSON.parse(readFileSync(at('node_modules/.package-lock.json'), 'utf8')).packages;
    return Object.entries(locked).every(
      ([path, { version, optional }]) => path === '' || (optional && !present[path]) || present[path]?.version === version,
    );
  } catch {
    return false;
  }
}

const steps = [
  {
    name: 'node_modules',
    why: 'npm ci',
    fresh: nodeModulesFresh,
    command: ['npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline']],
    limitSeconds: 600,
  },
  {
    name: 'gen',
    why: 'protocols to TypeScript',
    inputs: () => [...files(['proto']), 'libpvm/src/tracing/fields.def', 'scripts/gen.mjs', 'package-lock.json'],
    outputs: ['build/gen/messages.js', 'build/gen/messages.d.ts', 'build/gen/trace-fields.js'],
    work: generate,
  },
  { name: 'checkpoint', why: 'native engine: make -C native/checkpoint', make: 'native/checkpoint' },
  { name: 'nest', why: 'namespaces for criu: make -C native/nest', make: 'native/nest' },
  { name: 'probe', why: 'probe of the kernel: make -C native/probe', make: 'native/probe' },
  { name: 'libpvm', why: 'library: make -C libpvm', make: 'libpvm' },
  { name: 'addon', why: 'native module: make -C native/checkpoint/addon', make: 'native/checkpoint/addon' },
  {
    name: 'typescript',
    why: 'daemon and command: tsc',
    inputs: () => [...files(['daemon'], (path) => path.endsWith('.ts') && !path.startsWith(`${page}/`)), ...files(['proto']), 'tsconfig.json', 'scripts/gen.mjs', 'package-lock.json'],
    outputs: ['build/js/cli/main.js', 'build/js/mpvmd.js'],
    command: [at('node_modules/.bin/tsc'), ['-p', '.']],
  },
  {
    name: 'dashboard',
    why: 'page of the dashboard: tsc',
    inputs: () => [...files([page, 'daemon/shared']), 'tsconfig.json', 'package-lock.json'],
    outputs: ['build/web/web/page/main.js', 'build/web/web/page/index.html'],
    work: buildPage,
  },
  { name: 'examples', why: 'examples: make -C examples', make: 'examples' },
  { name: 'pvm3-tree', why: 'PVM_ROOT', fresh: treeLinked, work: linkTree },
  { name: 'command', why: 'npx mpvm', fresh: commandLinked, work: linkCommand },
];

/** The places that makefiles of PVM programs know below PVM_ROOT, so that `mpvm env` serves them too. */
const tree = {
  include: '../include',
  'lib/LINUX64': '../../lib',
  'lib/pvm': '../../../bin/pvm',
  'bin/LINUX64': '../../examples',
  // What aimk, PVM's make, reads.
  conf: '../../libpvm/conf',
  'lib/pvmgetarch': '../../../libpvm/conf/pvmgetarch',
};
const treePath = (name) => at(`build/pvm3/${name}`);
function treeLinked() {
  return Object.keys(tree).every((name) => existsSync(treePath(name)));
}
function linkTree() {
  for (const [name, target] of Object.entries(tree)) {
    mkdirSync(dirname(treePath(name)), { recursive: true });
    rmSync(treePath(name), { force: true });
    symlinkSync(target, treePath(name));
  }
}

/** npx looks for a project's own command in node_modules/.bin, where npm links those of dependencies only. */
const link = at('node_modules/.bin/mpvm');
function commandLinked() {
  try {
    return readlinkSync(link) === '../../bin/mpvm';
  } catch {
    return false;
  }
}
function linkCommand() {
  rmSync(link, { force: true });
  symlinkSync('../../bin/mpvm', link);
  chmodSync(at('bin/mpvm'), 0o755);
}

/** The page is plain modules: what the compiler makes of each file is what the browser loads. */
const page = 'daemon/web/page';
async function buildPage() {
  rmSync(at('build/web'), { recursive: true, force: true });
  const { code, output } = await run(at('node_modules/.bin/tsc'), ['-p', page], { limitSeconds: 300 });
  if (code !== 0) throw new Stop(`tsc -p ${page} failed:\n${output.slice(-6000)}`);
  for (const path of files([page], (name) => /\.(html|css|svg)$/.test(name))) cpSync(at(path), at(`build/web/${path.replace('daemon/', '')}`));
}

async function runStep(step) {
  if (step.make && !existsSync(at(`${step.make}/Makefile`))) return false;
  const started = performance.now();
  if (step.make) return await runMake(step, started);
  const print = step.inputs && fingerprint(step.inputs(), `${step.salt ?? ''}${JSON.stringify(step.command ?? '')}`);
  if (step.fresh ? step.fresh() : isFresh(step.name, print, step.outputs)) return false;
  say(`setup: ${step.why} …`);
  unstamp(step.name);
  if (step.command) {
    const [command, args] = step.command;
    const { code, timedOut, output } = await run(command, args, { limitSeconds: step.limitSeconds ?? 600 });
    if (code !== 0) throw new Stop(`${step.why} ${timedOut ? 'took too long' : 'failed'}:\n${output.slice(-6000)}`);
  } else {
    await step.work();
  }
  if (print) stamp(step.name, print);
  say(`setup: ${step.why} ${paint('green', 'done')} ${seconds(started)}`);
  return true;
}

/** make knows best whether there is work; a line is printed only when it takes a while or has done something. */
async function runMake({ make, why }, started) {
  let announced = false;
  const announce = () => {
    if (!announced) say(`setup: ${why} …`);
    announced = true;
  };
  const timer = setTimeout(announce, 300);
  const { code, output } = await run('make', ['-j2', '--no-print-directory', '-C', make], { limitSeconds: 600 });
  clearTimeout(timer);
  if (code !== 0) throw new Stop(`make -C ${make} failed:\n${output.slice(-6000)}`);
  const worked = output.split('\n').some((line) => line && !line.startsWith('make'));
  if (worked || announced) say(`setup: ${why} ${paint('green', 'done')} ${seconds(started)}`);
  return worked;
}

/** Two set-ups of one checkout at once would tread on each other: the second waits. */
async function lock() {
  mkdirSync(at('build'), { recursive: true });
  const path = at('build/.setup.lock');
  for (let said = false; ; ) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      const unlock = () => rmSync(path, { force: true });
      process.once('exit', unlock);
      return unlock;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
    if (owner && !existsSync(`/proc/${owner}`)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!said) say(`setup: waiting for another set-up (pid ${owner})`);
    said = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Returns the test packages that are missing, so that the suites can say why they are skipped. */
export async function setup({ tests = false, quiet = false } = {}) {
  // In the container image everything is in place, and the tools to build it are not.
  if (process.env.MPVM_PREBUILT) return [];
  const started = performance.now();
  checkNode();
  const unlock = await lock();
  try {
    await ensure(needed, { required: true, log: (line) => say(`setup: ${line}`) });
    checkTools();
    const gone = tests ? await ensure(forTests, { required: false, log: (line) => say(`setup: ${line}`) }) : [];
    let worked = false;
    for (const step of steps) worked = (await runStep(step)) || worked;
    if (worked || !quiet) say(`setup: ${worked ? 'ready' : 'nothing to do'} (${seconds(started)})`);
    return gone;
  } finally {
    unlock();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await setup({ quiet: process.argv.includes('--quiet') });
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    console.error(`setup: ${error.message}`);
    process.exitCode = 1;
  }
}
