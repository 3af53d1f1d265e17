/**
 * How the daemon of a new node comes to run on its host. Three ways: directly (the host is this machine), through
 * a remote shell, or by a task that has registered as hoster (pvm_reg_hoster). The last two run a command there and
 * hand back what it printed; that the node has really joined, the registry sees.
 */
import { spawn } from 'node:child_process';
import { MpvmError } from '../errors.js';
import { startNode } from './start-node.js';

/** One host to be started. */
export interface HostOrder {
  /** As the request has it; the node will have this name. */
  readonly name: string;
  /** What a remote shell is told: the address of ip=, else the name. */
  readonly target: string;
  /** Address that the daemon listens at, for a direct start. */
  readonly address: string;
  /** lo=, or empty. */
  readonly login: string;
  /** The command to run there, for /bin/sh; it reads the token from its standard input … */
  readonly command: string;
  readonly token: string;
  /** … and the same with the token in it, for those who cannot give it an input. */
  readonly wholeCommand: string;
}

export interface HostStarter {
  readonly kind: 'direct' | 'rsh' | 'hoster';
  /** Resolves with what the command printed. Rejects with HOST_START_FAILED or HOST_START_TIMEOUT, or with what the command said. */
  start(order: HostOrder, signal: AbortSignal): Promise<string>;
}

/** On this machine, in the directory of this VM: no token, no shell. */
export function directStarter(node: { base: string; vm: string; registry: string; environment: NodeJS.ProcessEnv }): HostStarter {
  return {
    kind: 'direct',
    async start({ name, address }) {
      await startNode({ ...node, name, address });
      return '';
    },
  };
}

/** PVM waits so long, too. */
export const startLimitMs = 60_000;
const outputLimit = 64 << 10;
/** Its last words may come so long after its end. */
const pipesMs = 500;

/** `PVM_RSH HOST [-l LOGIN] COMMAND`, as PVM calls it; ssh when it is not set. */
export function rshStarter(program: string, limitMs = startLimitMs): HostStarter {
  return { kind: 'rsh', start: (order, signal) => runThere(program, order, limitMs, signal) };
}

function runThere(program: string, order: HostOrder, limitMs: number, signal: AbortSignal): Promise<string> {
  const { name, target, login, command, token } = order;
  return new Promise((resolve, reject) => {
    // A group and session of its own: it can be ended with what it has started, and asks nobody at a terminal.
    const child = spawn(program, [target, ...(login === '' ? [] : ['-l', login]), command], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    let out = '';
    let complaints = '';
    const end = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    };
    const failed = (error: MpvmError): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', cancelled);
      end();
      reject(error);
    };
    const cancelled = (): void => failed(new MpvmError('CANCELLED'));
    const late = setTimeout(() => failed(new MpvmError('HOST_START_TIMEOUT', { host: name, seconds: limitMs / 1000 })), limitMs);
    signal.addEventListener('abort', cancelled, { once: true });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out = clip(out + text)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints = clip(complaints + text)));
    child.stdin.on('error', () => undefined).end(`${token}\n`);
    child.once('error', (error) => failed(new MpvmError('HOST_START_FAILED', { host: name, detail: `${program}: ${error.message}` })));
    // What it has started may keep the pipes for ever: that must not keep us.
    child.once('exit', () => setTimeout(() => child.emit('close', child.exitCode, child.signalCode), pipesMs).unref());
    child.once('close', (code, by) => {
      if (code !== 0) return failed(saidThere(name, complaints) ?? new MpvmError('HOST_START_FAILED', { host: name, detail: lastLine(complaints) || lastLine(out) || `${program} ended with ${code ?? by ?? '?'}` }));
      clearTimeout(late);
      signal.removeEventListener('abort', cancelled);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(out);
    });
  });
}

/** A task that has registered with pvm_reg_hoster: has the command run on [user@]host, and says what it printed there. */
export type AskHoster = (login: string, command: string) => Promise<string | undefined>;

/** The hoster decides how; it gets the whole command, since it may have no way to give it an input. */
export function hosterStarter(ask: AskHoster, limitMs = startLimitMs): HostStarter {
  return {
    kind: 'hoster',
    async start({ name, target, login, wholeCommand }, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
      const late = new Promise<never>((_, reject) => {
        limit.addEventListener('abort', () => reject(signal.aborted ? new MpvmError('CANCELLED') : new MpvmError('HOST_START_TIMEOUT', { host: name, seconds: limitMs / 1000 })), { once: true });
      });
      const said = await Promise.race([ask(login === '' ? target : `${login}@${target}`, wholeCommand), late]);
      if (said === undefined) throw new MpvmError('HOST_START_FAILED', { host: name, detail: 'the hoster has ended' });
      // It answers with what the command printed, or with the name of one of PVM's errors.
      if (/^Pvm[A-Z]/.test(said)) throw new MpvmError('HOST_START_FAILED', { host: name, detail: `the hoster says ${said.slice(0, 100)}` });
      return said;
    },
  };
}

const clip = (text: string): string => text.slice(-outputLimit);
const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';

/** An error of `mpvm join -o json` there: one line, among whatever else the login printed. */
function saidThere(host: string, complaints: string): MpvmError | undefined {
  for (const line of complaints.split('\n').reverse()) {
    if (!line.startsWith('{"error":')) continue;
    try {
      const { code, text } = (JSON.parse(line) as { error: { code: unknown; text: unknown } }).error;
      const detail = String(text).slice(0, 500);
      return code === 'JOIN_VERSION' ? new MpvmError('JOIN_VERSION', { detail }) : new MpvmError('HOST_START_FAILED', { host, detail });
    } catch {
      // Not ours after all.
    }
  }
  return undefined;
}
