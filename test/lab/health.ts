/** What a `subject` says of itself when the `doctor` asks. */
import type { Lab } from './lab.js';

export interface Health {
  rss: number;
  fds: number;
  maps: number;
  threads: number;
  pid: number;
  alarms: number;
  rtt_us: number;
  findings: string[];
}

export async function examine(lab: Lab, tid: number): Promise<Health> {
  const { stdout, stderr, code, timedOut } = await lab.shell('doctor', [`t${tid.toString(16)}`], { timeoutMs: 30_000 });
  if (code !== 0) throw new Error(`the doctor got no answer from t${tid.toString(16)}${timedOut ? ' in time' : ''}: ${stdout}${stderr}`);
  const [figures, ...findings] = stdout.trimEnd().split('\n');
  const values = Object.fromEntries((figures ?? '').split(' ').map((word) => word.split('='))) as Record<string, string>;
  const number = (name: string): number => Number(values[name]);
  return {
    rss: number('rss'), fds: number('fds'), maps: number('maps'), threads: number('threads'), pid: number('pid'), alarms: number('alarms'), rtt_us: number('rtt_us'), findings,
  };
}

export async function dismiss(lab: Lab, tid: number): Promise<void> {
  await lab.shell('doctor', [`t${tid.toString(16)}`, 'end'], { timeoutMs: 10_000 });
}
