/**
 * Nodes that have a known part of a processor each, whatever else this machine does: control groups
 * with a limit. In the group of a node a hog can take a half: it has a group of its own there, with as
 * much weight as the node's daemon and tasks have together. Needs root.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../test/lab/wait.js';

/** cpu as a controller of its own (v1), or the unified tree with cpu enabled for children (v2). */
const first = '/sys/fs/cgroup/cpu';
const unified = '/sys/fs/cgroup';
const isFirst = existsSync(join(first, 'cgroup.procs'));
const root = isFirst ? first : unified;
/** Short beside a step of the heat program: else its tasks would wait for each other's turns. */
const periodUs = 5000;

export function partsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'control groups need root';
  if (!isFirst && !/\bcpu\b/.test(text(join(unified, 'cgroup.subtree_control')))) return 'there is no cpu controller for control groups';
  return undefined;
}

export class Part {
  readonly #group: string;
  readonly #ours: string;
  readonly #others: string;
  #hog: ChildProcess | undefined;

  /** `processors`: what node and hog may have together. `threads`: how many will want to run: the group weighs as they would without it. */
  constructor(name: string, processors: number, threads: number) {
    this.#group = join(root, `mpvm-bench-${process.pid}-${name}`);
    this.#ours = join(this.#group, 'node');
    this.#others = join(this.#group, 'hog');
    mkdirSync(this.#group);
    if (!isFirst) writeFileSync(join(this.#group, 'cgroup.subtree_control'), '+cpu');
    for (const group of [this.#ours, this.#others]) mkdirSync(group);
    const runs = String(Math.round(processors * periodUs));
    if (isFirst) {
      writeFileSync(join(this.#group, 'cpu.shares'), String(1024 * threads));
      writeFileSync(join(this.#group, 'cpu.cfs_period_us'), String(periodUs));
      writeFileSync(join(this.#group, 'cpu.cfs_quota_us'), runs);
    } else {
      writeFileSync(join(this.#group, 'cpu.weight'), String(Math.min(10_000, 100 * threads)));
      writeFileSync(join(this.#group, 'cpu.max'), `${runs} ${periodUs}`);
    }
  }

  /** With all that it starts from now on. */
  hold(pid: number): void {
    writeFileSync(join(this.#ours, 'cgroup.procs'), String(pid));
  }

  beginHog(): void {
    this.#hog = spawn('sh', ['-c', 'echo $$ > "$1/cgroup.procs"; while :; do :; done', 'hog', this.#others], { stdio: 'ignore' });
  }
  async endHog(): Promise<void> {
    this.#hog?.kill('SIGKILL');
    this.#hog = undefined;
    await until('the end of the hog', () => text(join(this.#others, 'cgroup.procs')).trim() === '');
  }

  async end(): Promise<void> {
    await this.endHog();
    for (const group of [this.#ours, this.#others, this.#group]) rmdirSync(group);
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
