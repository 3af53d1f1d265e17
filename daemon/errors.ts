/**
 * Every error a user can meet: its code, what happened, what to do about it, and how a command
 * that meets it exits. The function that first knows which error it is throws it; everyone above
 * passes it on. Codes are part of the interface (`-o json` prints them), texts are not.
 */

/** How a command ends: failed 1, wrong use 2, partly done or blocked 3, timed out 4. */
export type ExitClass = 'failed' | 'usage' | 'blocked' | 'timeout';

interface Entry {
  /** What happened, in one line; {name} is filled from the details. */
  text: string;
  /** What the reader can do about it; empty when there is nothing to do. */
  remedy: string;
  exit: ExitClass;
}

const catalogue = {
  // -- starting a daemon
  BAD_OPTION: { text: '{detail}', remedy: 'see: mpvmd --help', exit: 'usage' },
  BAD_NAME: { text: '"{name}" cannot be the name of a {what}', remedy: 'use letters, digits, "-", "_" and ".", at most 63 characters', exit: 'usage' },
  PORT_IN_USE: { text: 'port {port} of {address} is in use', remedy: 'choose another with --port, or leave it out to take any free one', exit: 'failed' },
  ADDRESS_NOT_LOCAL: { text: '{address} is not an address of this machine', remedy: 'choose one that `ip addr` shows with --address', exit: 'usage' },
  DIRECTORY_NOT_PRIVATE: { text: '{path} {why}', remedy: 'remove it, or set MPVM_DIR to a directory of your own with mode 0700', exit: 'failed' },
  PATH_TOO_LONG: { text: 'the socket path {path} has {length} bytes, Linux allows {limit}', remedy: 'set MPVM_DIR to a shorter directory', exit: 'failed' },
  DAEMON_RUNNING: { text: 'node {node} is already served by the daemon with pid {pid}', remedy: 'stop it with `mpvm down`, or choose another node name', exit: 'failed' },
  REGISTRY_UNREACHABLE: { text: 'the registry at {peer} does not answer: {detail}', remedy: 'check that its daemon runs (mpvm doctor) and that the address is right', exit: 'failed' },
  JOIN_REFUSED: { text: 'the registry refused node {node}: {detail}', remedy: 'see `mpvm nodes` for the names and addresses in use', exit: 'failed' },
  NO_CERTIFICATE: { text: 'node {node} has no certificate of this VM: {detail}', remedy: 'start it in the directory of the VM (MPVM_DIR, --name), or copy tls/ from the node that made the VM', exit: 'failed' },
  JOURNAL_CORRUPT: { text: 'the journal {path} is damaged at byte {offset}: {detail}', remedy: 'restore it from a copy, or move it away and start the VM afresh with `mpvm up`', exit: 'failed' },
  JOURNAL_WRITE: { text: 'the journal {path} cannot be written: {detail}', remedy: 'make room on its file system; the registry goes on when a write succeeds', exit: 'failed' },
  NOT_PREPARED: { text: '{what} is missing', remedy: 'build it with `npm run setup`', exit: 'failed' },

  // -- talking to daemons
  NO_DAEMON: { text: 'no mpvmd of the VM "{vm}" answers at {path}', remedy: 'start one with `mpvm up`', exit: 'failed' },
  NODE_UNKNOWN: { text: 'there is no node {node}', remedy: '`mpvm nodes` lists them', exit: 'failed' },
  NODE_DEAD: { text: 'node {node} is {state}', remedy: 'start its daemon again, or choose another node', exit: 'failed' },
  NODE_UNREACHABLE: { text: '{peer} does not answer: {detail}', remedy: 'check that its daemon runs and that the network between the nodes works', exit: 'failed' },
  NODE_TIMEOUT: { text: '{peer} has not answered within {ms} ms', remedy: 'try again; its daemon may be overloaded or stopped', exit: 'timeout' },
  NODE_CORDONED: { text: 'node {node} is cordoned: {reason}', remedy: '`mpvm uncordon {node}` lets it take tasks again', exit: 'blocked' },
  CANCELLED: { text: 'cancelled{detail}', remedy: '', exit: 'failed' },
  SHUTTING_DOWN: { text: 'the daemon of node {node} is stopping', remedy: '', exit: 'failed' },
  NOT_BUILT: { text: '{what} is not built in this version', remedy: '', exit: 'failed' },
  BAD_REQUEST: { text: '{detail}', remedy: '', exit: 'usage' },
  INTERNAL: { text: 'internal error: {detail}', remedy: 'the log of the daemon (mpvmd.log) has the details', exit: 'failed' },

  // -- tasks
  TASK_UNKNOWN: { text: 'there is no task {tid}', remedy: '`mpvm ps` lists them', exit: 'failed' },
} satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalogue;
export type ErrorDetails = Record<string, string | number | boolean | null | undefined>;

const exitCodes: Record<ExitClass, number> = { failed: 1, usage: 2, blocked: 3, timeout: 4 };

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? ''));
}

/** `throw new MpvmError('NODE_UNKNOWN', { node })`; `message` is the cause in one line. */
export class MpvmError extends Error {
  override readonly name = 'MpvmError';
  /** Of the catalogue; a newer daemon may send one that this version does not know. */
  readonly code: ErrorCode | (string & {});
  readonly remedy: string;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(fill(catalogue[code].text, details), options);
    this.code = code;
    this.remedy = fill(catalogue[code].remedy, details);
  }

  /** An error as it came from elsewhere (another daemon, a task), words and all. */
  static received(code: string, text: string, remedy?: string): MpvmError {
    const error = Object.create(MpvmError.prototype) as { -readonly [K in keyof MpvmError]: MpvmError[K] };
    const entry = entryOf(code);
    Error.captureStackTrace(error, MpvmError.received);
    Object.defineProperty(error, 'message', { value: text, configurable: true, writable: true });
    error.name = 'MpvmError';
    error.code = code;
    error.remedy = remedy ?? entry?.remedy.replace(/\{\w+\}/g, '…') ?? '';
    return error;
  }

  /** The exit code of a command that ends with this error. */
  get exitCode(): number {
    return exitCodes[entryOf(this.code)?.exit ?? 'failed'];
  }
}

function entryOf(code: string): Entry | undefined {
  return Object.hasOwn(catalogue, code) ? (catalogue as Record<string, Entry>)[code] : undefined;
}

/** Anything thrown, as an MpvmError: what was not meant to reach a user becomes INTERNAL. */
export function asMpvmError(thrown: unknown): MpvmError {
  if (thrown instanceof MpvmError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new MpvmError('INTERNAL', { detail }, { cause: thrown });
}

/** True for an error with this code, wherever it came from. */
export function hasCode(thrown: unknown, code: ErrorCode): thrown is MpvmError {
  return thrown instanceof MpvmError && thrown.code === code;
}

/** The errno name of a system error (ENOENT, EADDRINUSE …), if it is one. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
