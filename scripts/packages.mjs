/** Debian packages that the build and the tests need, and what is missed without them. */
import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { Stop, capture, run } from './shell.mjs';

/** Without these nothing can be built. */
export const needed = [
  'gcc',
  'g++', // node-gyp
  'make',
  'libc6-dev',
  'pkg-config',
  'python3', // node-gyp, nanopb's generator
  'protobuf-compiler',
  'nanopb', // C code of proto/
  'libnanopb-dev',
  'libxxhash-dev', // checksum of the image stream
];

/** Without these some suites are skipped, each with its reason. */
export const forTests = [
  'libcmocka-dev',
  'pvm', // the judge
  'pvm-dev',
  'pvm-examples',
  'gfortran',
  'procps',
  'strace', // what a message costs, in system calls
  'iproute2',
  'valgrind',
  'libc6-dbg', // valgrind knows libc's functions by it
  'clang-14', // libFuzzer
  'libclang-rt-14-dev',
  'netpipe-pvm', // programs of others
  'tablix2',
  'tmux', // the console at a terminal
  'chromium', // the page of the dashboard
];

export const isDebian = () => existsSync('/usr/bin/dpkg-query');

export function missing(packages) {
  if (!isDebian()) return [];
  const format = '-f=${db:Status-Abbrev} ${Package}\n';
  const { stdout } = spawnSync('dpkg-query', ['-W', format, ...packages], { encoding: 'utf8' });
  const installed = new Set(
    (stdout ?? '')
      .split('\n')
      .filter((line) => line.startsWith('ii'))
      .map((line) => line.split(/\s+/)[1]),
  );
  // pkgconf replaces pkg-config in newer releases.
  return packages.filter((name) => !installed.has(name) && !(name === 'pkg-config' && capture('pkg-config', ['--version'])));
}

const installCommand = (packages) => `apt-get install -y --no-install-recommends ${packages.join(' ')}`;

/** Installs as root; as anybody else names the command. `required` decides whether that stops us. */
export async function ensure(packages, { required, log }) {
  const wanted = missing(packages);
  if (wanted.length === 0) return [];
  if (process.getuid() !== 0) {
    if (required) throw new Stop(`Debian packages are missing. Install them, then try again:\n  sudo ${installCommand(wanted)}`);
    return wanted;
  }
  log(`installing ${wanted.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () => run('sh', ['-c', installCommand(wanted)], { env, limitSeconds: 600 });
  let result = await install();
  if (result.code !== 0) {
    await run('apt-get', ['update'], { env, limitSeconds: 300 });
    result = await install();
  }
  if (result.code !== 0 && required) throw new Stop(`${installCommand(wanted)} failed:\n${result.output.slice(-2000)}`);
  return missing(wanted);
}
