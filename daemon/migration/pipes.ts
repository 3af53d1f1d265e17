/** Pipes of a task: those whose both ends are its own move with it, and what lies in them. */
import { readdirSync, readlinkSync } from 'node:fs';
import type { DescriptorInfo } from './proc.js';

const accessMode = 3;
const readOnly = 0;
const writeOnly = 1;

/** The targets (`pipe:[inode]`) of pipes with an end that is none of theirs. Looks at other processes only if there are pipes. */
export function pipesToOthers(pids: ReadonlySet<number>, descriptors: readonly DescriptorInfo[]): Set<string> {
  const ends = new Map<string, Set<number>>();
  for (const { target, flags } of descriptors) {
    if (!target.startsWith('pipe:')) continue;
    const modes = ends.get(target) ?? new Set();
    ends.set(target, modes.add(flags & accessMode));
  }
  const has = (modes: Set<number>, mode: number): boolean => modes.has(mode) || modes.has(2);
  const found = new Set([...ends].filter(([, modes]) => !has(modes, readOnly) || !has(modes, writeOnly)).map(([target]) => target));
  const rest = new Set([...ends.keys()].filter((target) => !found.has(target)));
  if (rest.size > 0) for (const target of heldByOthers(pids, rest)) found.add(target);
  return found;
}

/** Of processes that this user may look at: others cannot have been given them without its help. */
export function* heldByOthers(pids: ReadonlySet<number>, targets: ReadonlySet<string>): Generator<string> {
  for (const other of readdirSync('/proc')) {
    if (!/^\d+$/.test(other) || pids.has(Number(other))) continue;
    for (const target of linksIn(`/proc/${other}/fd`)) if (targets.has(target)) yield target;
  }
}

function* linksIn(directory: string): Generator<string> {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return; // ended, or not ours to see
  }
  for (const name of names) {
    try {
      yield readlinkSync(`${directory}/${name}`);
    } catch {
      // closed meanwhile
    }
  }
}
