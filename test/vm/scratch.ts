/** A private directory that is gone after the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mpvm-vm-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
