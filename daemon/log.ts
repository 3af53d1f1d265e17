/**
 * Structured logs: one JSON object a line, to a file of the node directory or to stderr.
 * `log.child({ part: 'vm' })` names the part that speaks. Levels: error = a user loses something,
 * warn = it went wrong and was handled, info = a change of state, debug = one line a request.
 */
import { pino, destination } from 'pino';
import type { Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;
export const logLevels = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Without a file the log goes to stderr. Written at once: a killed daemon leaves its last words. */
export function createLogger(options: { file?: string; level?: LogLevel; node?: string }): Logger {
  const target = options.file === undefined
    ? destination({ dest: 2, sync: true })
    : destination({ dest: options.file, sync: true, mkdir: false, mode: 0o600 });
  return pino(
    { level: options.level ?? 'info', base: options.node === undefined ? {} : { node: options.node }, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    target,
  );
}

/** For tests and tools that want none. */
export const noLog: Logger = pino({ level: 'silent' });
