/**
 * mpvmd: the daemon of one node.
 *
 *   node build/js/mpvmd.js --vm NAME --node n1 --address 127.0.0.1 [--port P] [--registry | --join ADDR:PORT]
 *                          [--dir DIR] [--faults] [--log-level LEVEL]
 *
 * Prints "ready" when the node serves, or one line "mpvmd: cause; remedy" and exits with the code
 * of the error (1 failed, 2 wrong use). SIGTERM and SIGINT take the node down cleanly: its tasks are moved
 * to other nodes first, as far as they have room; that of the registry takes the whole VM down. SIGKILL
 * leaves its tasks running, and a daemon started again in the same directory takes them up.
 */
import { rmSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { asMpvmError, MpvmError } from './errors.js';
import { createLogger, logLevels } from './log.js';
import type { Logger, LogLevel } from './log.js';
import { baseDirectory, nodePaths, vmName } from './paths.js';
import { Daemon } from './vm/daemon.js';
import type { DaemonOptions } from './vm/daemon.js';
import { closeInherited } from './vm/inherited.js';
import { defaultTiming } from './vm/membership.js';
import { takeDirectory } from './vm/node-directory.js';

const stopDrainS = 60;

const usage = `usage: mpvmd --node NAME --address IPv4 [options]
  --vm NAME          the virtual machine (default: MPVM_NAME, else "default"); also --name
  --port P           gRPC port for the other nodes (default: any free one, or the one it had)
  --registry         this node keeps the registry (default without --join)
  --join ADDR:PORT   join the VM whose registry is there
  --dir DIR          where the VMs of this machine lie (default: MPVM_DIR, else /tmp/mpvm-UID)
  --http [ADDR:]PORT open the HTTP port (metrics, dashboard) at once: at a loopback address, else with TLS
  --reflection       gRPC server reflection on control.sock (also: MPVM_REFLECTION=1)
  --faults           allow the injection of faults (tests)
  --stay             when told to stop: keep the node's certificate and number, so that it can come back
  --stop-drain S     when told to stop: so many seconds to move tasks to other nodes (default ${stopDrainS}; 0: they end)
  --grace-ms MS      registry: a node is dead when it was silent for so long (default: MPVM_GRACE_MS, else ${defaultTiming.graceMs})
  --log-level LEVEL  ${logLevels.join(', ')} (default: MPVM_LOG, else info); the log is mpvmd.log in the node's directory
`;

interface Settings extends Omit<DaemonOptions, 'log'> {
  logLevel: LogLevel;
}

function readArguments(args: string[]): Settings | 'help' {
  const bad = (detail: string): MpvmError => new MpvmError('BAD_OPTION', { detail });
  const { values } = parseArgs({ args, options: {
    vm: { type: 'string' }, name: { type: 'string' }, node: { type: 'string' }, address: { type: 'string' }, port: { type: 'string' },
    registry: { type: 'boolean' }, join: { type: 'string' }, dir: { type: 'string' }, faults: { type: 'boolean' }, reflection: { type: 'boolean' }, http: { type: 'string' },
    'grace-ms': { type: 'string' }, 'stop-drain': { type: 'string' }, stay: { type: 'boolean' }, 'log-level': { type: 'string' }, help: { type: 'boolean', short: 'h' },
  } });
  if (values.help) return 'help';
  if (!values.node) throw bad('--node is missing');
  if (!values.address || !isIPv4(values.address)) throw bad('--address must be an IPv4 address of this machine');
  if (values.registry && values.join !== undefined) throw bad('--registry and --join exclude each other');
  if (values.join !== undefined && !/^[\w.-]+:\d+$/.test(values.join)) throw bad(`--join ${values.join} is not ADDRESS:PORT`);
  const number = (option: string, text: string | undefined, most: number): number => {
    if (text === undefined) return 0;
    if (!/^\d+$/.test(text) || Number(text) > most) throw bad(`--${option} ${text} is not a number up to ${most}`);
    return Number(text);
  };
  const logLevel = (values['log-level'] ?? (process.env['MPVM_LOG'] || 'info')) as LogLevel;
  if (!logLevels.includes(logLevel)) throw bad(`--log-level ${logLevel} is none of ${logLevels.join(', ')}`);
  const graceMs = number('grace-ms', values['grace-ms'] ?? process.env['MPVM_GRACE_MS'], 3_600_000) || defaultTiming.graceMs;
  const http = /^(?:([\d.]+):)?(\d+)$/.exec(values.http ?? '0');
  if (!http) throw bad(`--http ${values.http} is not [ADDRESS:]PORT`);
  const vm = values.vm ?? values.name ?? vmName();
  return {
    vm, node: values.node, address: values.address, port: number('port', values.port, 65_535), join: values.join, registry: values.registry ?? false,
    paths: nodePaths(resolve(values.dir ?? baseDirectory()), vm, values.node),
    faults: values.faults ?? isSet('MPVM_FAULTS'),
    reflection: values.reflection ?? isSet('MPVM_REFLECTION'),
    stay: values.stay ?? false,
    stopDrainS: values['stop-drain'] === undefined ? stopDrainS : number('stop-drain', values['stop-drain'], 86_400),
    http: values.http === undefined ? undefined : { address: http[1] ?? '', port: number('http', http[2], 65_535) },
    timing: { ...defaultTiming, graceMs, suspectMs: Math.min(defaultTiming.suspectMs, graceMs / 2) },
    logLevel,
  };
}

const isSet = (name: string): boolean => ['1', 'true', 'yes'].includes(process.env[name] ?? '');

async function main(): Promise<void> {
  const settings = readArguments(process.argv.slice(2));
  if (settings === 'help') {
    process.stdout.write(usage);
    return;
  }
  closeInherited();
  process.title = `mpvmd ${settings.vm}/${settings.node}`;
  takeDirectory(settings.paths);
  const log = createLogger({ file: settings.paths.log, level: settings.logLevel, node: settings.node });
  survive(log);
  try {
    const daemon = await Daemon.start({ ...settings, log });
    daemon.onStopped = () => process.exit(0);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void daemon.leave(signal));
    log.info({ pid: process.pid }, 'ready');
    process.stdout.write('ready\n');
  } catch (error) {
    log.error({ err: error }, 'start failed');
    rmSync(settings.paths.lockFile, { force: true });
    throw error;
  }
}

/** A daemon must not die of what concerns one call or one connection. */
function survive(log: Logger): void {
  process.on('SIGHUP', () => log.info('SIGHUP ignored'));
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'unhandled rejection'));
  process.on('uncaughtException', (error) => {
    // Its state may be half changed: end as if killed. The tasks run on, and a new daemon takes them up.
    log.fatal({ err: error }, 'uncaught exception');
    process.stderr.write(`mpvmd: ${error.stack ?? error.message}\n`);
    process.exit(70);
  });
  process.stdout.on('error', () => undefined); // whoever started us has gone
  process.stderr.on('error', () => undefined);
}

main().catch((thrown: unknown) => {
  const parse = (thrown as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
  const error = parse ? new MpvmError('BAD_OPTION', { detail: (thrown as Error).message.split('.')[0] ?? '' }) : asMpvmError(thrown);
  process.stderr.write(`mpvmd: ${error.message}${error.remedy ? `; ${error.remedy}` : ''}\n`);
  process.exit(error.exitCode);
});
