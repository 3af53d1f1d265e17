/**
 * A criu for the tests: the one that MPVM_CRIU names, or one of Debian's newest, downloaded and
 * unpacked into a folder of this checkout. Nothing is installed; apt works with a configuration,
 * lists and a cache of its own, and checks the archive's signature as always.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './paths.js';
import { run } from './process.js';
import { skip } from './skip.js';

const folder = join(build, 'criu');
/** For the environment of the daemons of a lab: where useCriu() will have put it. */
export const criuPath = process.env['MPVM_CRIU'] ?? join(folder, 'criu');
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const linker = 'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2';

/** Its path, or why there is none. */
export type Found = { path: string } | { missing: string };
let found: Promise<Found> | undefined;

export function obtainCriu(): Promise<Found> {
  return (found ??= obtain());
}

async function obtain(): Promise<Found> {
  if (process.getuid?.() !== 0) return { missing: 'criu needs root' };
  try {
    if (!existsSync(criuPath)) await download();
  } catch (error) {
    return { missing: `no criu: ${error instanceof Error ? error.message : String(error)}` };
  }
  const check = await run(criuPath, ['check'], { timeoutMs: 30_000 });
  return check.code === 0 ? { path: criuPath } : { missing: `criu does not work here: ${`${check.stdout}${check.stderr}`.split('\n').find((line) => line.includes('Error')) ?? `exit ${check.code ?? check.signal}`}` };
}

async function download(): Promise<void> {
  const work = `${folder}.new`;
  rmSync(work, { recursive: true, force: true });
  for (const part of ['etc/apt.conf.d', 'etc/preferences.d', 'state/lists/partial', 'cache/archives/partial', 'tree']) mkdirSync(join(work, part), { recursive: true });
  writeFileSync(join(work, 'state/status'), '');
  // The mirrors of this archive are often some days behind the date that its index is good for.
  writeFileSync(join(work, 'etc/sources.list'), `deb [check-valid-until=no signed-by=${keyring}] http://deb.debian.org/debian sid main\n`);
  writeFileSync(join(work, 'apt.conf'), `
    Dir::Etc "${work}/etc"; Dir::Etc::sourcelist "${work}/etc/sources.list"; Dir::Etc::sourceparts "-";
    Dir::State "${work}/state"; Dir::State::status "${work}/state/status"; Dir::Cache "${work}/cache";
    APT::Architecture "amd64"; APT::Install-Recommends "false"; APT::Sandbox::User "root"; Acquire::Languages "none";
  `);
  const env = { APT_CONFIG: join(work, 'apt.conf') };
  await command('apt-get', ['update', '-q'], env);
  await command('apt-get', ['install', '-q', '-y', '--download-only', 'criu'], env);
  const archives = join(work, 'cache/archives');
  for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) await command('dpkg', ['-x', join(archives, name), join(work, 'tree')], {});
  rmSync(join(work, 'cache'), { recursive: true });
  rmSync(join(work, 'state'), { recursive: true });
  const tree = join(folder, 'tree');
  writeFileSync(join(work, 'criu'), `#!/bin/sh\nexec ${tree}/${linker} --library-path ${tree}/usr/lib/x86_64-linux-gnu ${tree}/usr/sbin/criu "$@"\n`);
  chmodSync(join(work, 'criu'), 0o755);
  rmSync(folder, { recursive: true, force: true });
  renameSync(work, folder);
}

async function command(name: string, args: string[], env: Record<string, string>): Promise<void> {
  const result = await run(name, args, { env: { ...process.env, ...env }, timeoutMs: 120_000 });
  if (result.code !== 0) throw new Error(`${name} ${args[0]}: ${(result.stderr || result.stdout).trim().split('\n').at(-1) ?? ''}`);
}

/** For a describe block, before its lab: skipped with the reason where there is none. */
export function useCriu(): void {
  before(async function () {
    this.timeout(180_000);
    const answer = await obtainCriu();
    if ('missing' in answer) skip(this, answer.missing);
  });
}
