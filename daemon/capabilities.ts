/** What the kernel lets this process do (capabilities(7)). */
import { readFileSync } from 'node:fs';

const capability = { SYS_ADMIN: 21n, SYS_NICE: 23n, CHECKPOINT_RESTORE: 40n } as const;
type Capability = keyof typeof capability;

/** `status`: of /proc/PID/status. */
export function hasCapability(which: Capability, status = readFileSync('/proc/self/status', 'latin1')): boolean {
  const held = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return ((held >> capability[which]) & 1n) === 1n;
}
