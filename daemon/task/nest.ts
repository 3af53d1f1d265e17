/** Starting mpvm-nest (native/nest): namespaces for a process that is to be rebuilt, and the init that stands for it. */
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { processStartTime } from '../native/index.js';
import { programs } from '../programs.js';
import { Child } from './starter.js';

export interface StartedNest {
  readonly child: Child;
  readonly pid: number;
  readonly startTime: number;
  /** Of the namespaces, as this daemon sees it. */
  readonly init: number;
}

/** Resolves when it is ready. Throws what it says when it fails. */
export async function startNest(path: string, argv: string[]): Promise<StartedNest> {
  const { execa } = await programs();
  const nest = execa(path, argv, { detached: true, reject: false, cleanup: false, buffer: false, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', cwd: '/' });
  nest.unref();
  const child = new Child();
  let complaint = '';
  nest.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  nest.once('exit', (code, signal) => child.ended(code ?? 0, signal === null ? 0 : constants.signals[signal], 0, 0));
  const lines = createInterface({ input: nest.stdout });
  const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close')])) as [string?];
  const { pid } = nest;
  if (pid === undefined || line === undefined) throw new Error(complaint.trim() || (await nest).message || `${path} has ended`);
  return { child, pid, startTime: processStartTime(pid) ?? 0, init: Number(line) };
}
