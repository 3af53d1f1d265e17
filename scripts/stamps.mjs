/** "Is there anything to do?": a step's inputs are hashed and the hash kept under build/stamps. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './shell.mjs';

/** All files below the given paths (relative to the checkout) that `filter` accepts, sorted. */
export function files(paths, filter = () => true) {
  const found = [];
  const visit = (path) => {
    const entry = statSync(join(root, path), { throwIfNoEntry: false });
    if (!entry) return;
    if (entry.isDirectory()) for (const name of readdirSync(join(root, path))) visit(join(path, name));
    else if (filter(path)) found.push(path);
  };
  paths.forEach(visit);
  return found.sort();
}

export function fingerprint(paths, salt = '') {
  const hash = createHash('sha256').update(salt);
  for (const path of paths) hash.update(path).update('\0').update(readFileSync(join(root, path))).update('\0');
  return hash.digest('hex');
}

const stampPath = (name) => join(root, 'build/stamps', name);

export function isFresh(name, print, outputs) {
  try {
    return (
      readFileSync(stampPath(name), 'utf8') === print &&
      outputs.every((path) => statSync(join(root, path), { throwIfNoEntry: false }))
    );
  } catch {
    return false;
  }
}

export function stamp(name, print) {
  mkdirSync(dirname(stampPath(name)), { recursive: true });
  writeFileSync(stampPath(name), print);
}

export function unstamp(name) {
  rmSync(stampPath(name), { force: true });
}
