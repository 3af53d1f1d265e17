/**
 * Machines that share a kernel and nothing else that counts, for trying and testing: each has a network namespace
 * with a card on one switch, which is a namespace with a bridge. Cables can be pulled, and lines made slow and bad.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { MpvmError } from '../errors.js';

/** What a line does to what is sent on it. Undefined: nothing. */
export interface Line {
  /** On the way in one direction. */
  delayMs?: number;
  lossPercent?: number;
  /** So many of a hundred packets overtake those before; needs a delay. */
  reorderPercent?: number;
  mbitPerSecond?: number;
}

/** Throws what the tool says, in a line. */
export function tool(...[command, ...args]: [string, ...string[]]): string {
  try {
    return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  } catch (thrown) {
    const { code, stderr } = thrown as { code?: string; stderr?: string };
    if (code === 'ENOENT') throw new MpvmError('LAB_TOOL', { tool: command });
    const why = (stderr ?? '').trim().split('\n')[0] || String(thrown);
    throw new MpvmError('LAB_IMPOSSIBLE', { detail: `${command} ${args.join(' ')}: ${why}` });
  }
}
const ip = (...args: string[]): string => tool('ip', ...args);

/** Throws LAB_RIGHTS, LAB_TOOL or LAB_IMPOSSIBLE if this machine can have no such network. */
export function checkNamespaces(): void {
  if (process.getuid?.() !== 0) throw new MpvmError('LAB_RIGHTS', {});
  for (const needed of ['ip', 'nsenter', 'unshare', 'bash', 'hostname']) tool(needed, needed === 'ip' ? '-V' : '--version');
  const probe = `mpvm-probe-${process.pid}`;
  ip('netns', 'add', probe);
  try {
    ip('netns', 'exec', probe, 'unshare', '--pid', '--fork', '--mount-proc', '--uts', '--ipc', 'true');
  } finally {
    ip('netns', 'delete', probe);
  }
}

export class Network {
  /** Short: names of network cards have 15 characters. */
  readonly id: string;
  /** The first three numbers of all addresses. */
  readonly prefix: string;
  readonly switch: string;

  constructor(id: string, prefix: string) {
    this.id = id;
    this.prefix = prefix;
    this.switch = `${id}-switch`;
  }

  make(): void {
    ip('netns', 'add', this.switch);
    ip('-n', this.switch, 'link', 'add', 'switch', 'type', 'bridge');
    ip('-n', this.switch, 'link', 'set', 'switch', 'up');
  }

  address(index: number): string {
    return `${this.prefix}.${index}`;
  }
  namespace(index: number): string {
    return `${this.id}-${index}`;
  }
  /** Of the switch: where the cable of a machine goes. */
  port(index: number): string {
    return `${this.id}p${index}`;
  }

  /** A namespace with a card. */
  attach(index: number): void {
    const namespace = this.namespace(index);
    ip('netns', 'add', namespace);
    ip('link', 'add', 'eth0', 'netns', namespace, 'type', 'veth', 'peer', 'name', this.port(index), 'netns', this.switch);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    this.#plugIn(index, ['-n', namespace], 'eth0');
  }
  /** A card for the machine that all this is on, named as the network; it goes with the switch. */
  attachHost(index: number): void {
    ip('link', 'add', this.id, 'type', 'veth', 'peer', 'name', this.port(index), 'netns', this.switch);
    this.#plugIn(index, [], this.id);
  }
  #plugIn(index: number, where: string[], card: string): void {
    ip('-n', this.switch, 'link', 'set', this.port(index), 'master', 'switch', 'up');
    ip(...where, 'addr', 'add', `${this.address(index)}/24`, 'dev', card);
    ip(...where, 'link', 'set', card, 'up');
  }

  cut(index: number): void {
    ip('-n', this.switch, 'link', 'set', this.port(index), 'down');
  }
  mend(index: number): void {
    ip('-n', this.switch, 'link', 'set', this.port(index), 'up');
  }

  /** For what the machine is sent: set where the switch sends it from, so that it is the same for all kinds of machines. Throws LAB_NETEM. */
  shape(index: number, line: Line): void {
    const words = shaping(line);
    if (words === undefined) return;
    try {
      tool('tc', '-n', this.switch, 'qdisc', 'replace', 'dev', this.port(index), 'root', ...words);
    } catch (thrown) {
      if (words[0] !== 'netem' || !/qdisc kind is unknown|No such file/.test(String(thrown))) throw thrown;
      throw new MpvmError('LAB_NETEM', {});
    }
  }

  /** All namespaces of this network; what runs in them must have ended. */
  remove(): void {
    for (const name of namespaces().filter((one) => one.startsWith(`${this.id}-`))) ip('netns', 'delete', name);
  }
}

/** As tc wants it: netem, or where only the rate is limited, the token bucket that more kernels have. */
export function shaping({ delayMs, lossPercent, reorderPercent, mbitPerSecond }: Line): string[] | undefined {
  const netem = [
    ...(delayMs ? ['delay', `${delayMs}ms`] : []),
    ...(lossPercent ? ['loss', `${lossPercent}%`] : []),
    ...(reorderPercent ? ['reorder', `${reorderPercent}%`] : []),
  ];
  const rate = mbitPerSecond ? ['rate', `${mbitPerSecond}mbit`] : [];
  if (netem.length > 0) return ['netem', 'limit', '100000', ...netem, ...rate];
  // A burst of 10 ms: less than a timer tick and the rate would not be reached.
  return rate.length > 0 ? ['tbf', ...rate, 'burst', String(Math.max(65_536, mbitPerSecond! * 1250)), 'latency', '100ms'] : undefined;
}

function namespaces(): string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}
