/** VMs and nodes of this machine, as their directories show them. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Nodes with a directory in that of a VM. */
export function nodesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isSocket(join(directory, entry.name, 'control.sock')))
      .map((entry) => entry.name)
      .sort(new Intl.Collator('en', { numeric: true }).compare);
  } catch {
    return [];
  }
}

/** Names of VMs with a directory here. */
export function vmsIn(base: string): string[] {
  try {
    return readdirSync(base, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && statSync(join(base, entry.name, 'local'), { throwIfNoEntry: false }))
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** Where a link leads; the path itself when it leads nowhere. */
export function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}
