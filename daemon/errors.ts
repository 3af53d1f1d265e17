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
  DAEMON_ENDED: { text: 'the daemon of node {node} did not start: {detail}', remedy: '', exit: 'failed' },
  REGISTRY_UNREACHABLE: { text: 'the registry at {peer} does not answer: {detail}', remedy: 'check that its daemon runs (mpvm doctor) and that the address is right', exit: 'failed' },
  JOIN_REFUSED: { text: 'the registry refused node {node}: {detail}', remedy: 'see `mpvm nodes` for the names and addresses in use', exit: 'failed' },
  NO_CERTIFICATE: { text: 'node {node} has no certificate of this VM: {detail}', remedy: 'start it in the directory of the VM (MPVM_DIR, --name), or join with a token: mpvm join TOKEN', exit: 'failed' },
  JOURNAL_CORRUPT: { text: 'the journal {path} is damaged at byte {offset}: {detail}', remedy: 'restore it from a copy, or move it away and start the VM afresh with `mpvm up`', exit: 'failed' },
  JOURNAL_WRITE: { text: 'the journal {path} cannot be written: {detail}', remedy: 'make room on its file system; the registry goes on when a write succeeds', exit: 'failed' },
  NOT_PREPARED: { text: '{what} is missing', remedy: 'build it with `npm run setup`', exit: 'failed' },
  VM_ELSEWHERE: { text: 'the first node of the VM {name} is on another machine', remedy: 'make a token there (mpvm token) and join with it: mpvm join TOKEN --node NAME', exit: 'failed' },

  // -- the lab
  LAB_RIGHTS: { text: 'a lab needs root: network namespaces are made for it', remedy: 'run it as root (sudo -E mpvm up --lab), or without --lab: nodes on loopback addresses need no rights', exit: 'failed' },
  LAB_TOOL: { text: 'a lab needs the command {tool}, which is not installed', remedy: 'apt-get install iproute2 util-linux bash hostname', exit: 'failed' },
  LAB_NETEM: { text: 'this kernel cannot make lines slow or bad: it has no netem', remedy: 'modprobe sch_netem, or a kernel with CONFIG_NET_SCH_NETEM; without --delay, --loss and --reorder the lab works, and --rate alone does', exit: 'failed' },
  LAB_IMPOSSIBLE: { text: 'the lab cannot be made: {detail}', remedy: 'it needs namespaces, veth and bridges of the kernel; in a container, the right to make them (CAP_NET_ADMIN, CAP_SYS_ADMIN)', exit: 'failed' },
  LAB_LATE: { text: 'the VM {name} is up without a lab', remedy: 'stop it with `mpvm down`, or choose another name with --name', exit: 'failed' },
  NO_LAB: { text: 'the VM {name} has no lab', remedy: 'start one with `mpvm up --lab`', exit: 'failed' },

  // -- joining from another machine
  TOKEN_MALFORMED: { text: 'this is no join token: {detail}', remedy: 'copy the whole of what `mpvm token` printed', exit: 'usage' },
  TOKEN_EXPIRED: { text: 'the token has expired ({when})', remedy: 'make a new one with `mpvm token` on a node of the VM', exit: 'failed' },
  TOKEN_UNKNOWN: { text: 'the VM does not know this token', remedy: 'it may have been revoked or belong to an earlier VM of that name; make a new one with `mpvm token`', exit: 'failed' },
  TOKEN_USED: { text: 'the token has been used, by node {node}', remedy: 'it was for one machine: make another with `mpvm token`, or one for many with `mpvm token --reusable`', exit: 'failed' },
  TOKEN_OTHER_NODE: { text: 'the token is for node {wanted}, not for {node}', remedy: 'join with --node {wanted}', exit: 'usage' },
  TOKEN_LIMIT: { text: 'there are {limit} tokens that have not expired', remedy: 'revoke some: mpvm token --list, mpvm token --revoke ID', exit: 'failed' },
  JOIN_UNREACHABLE: { text: 'nobody can be joined at {address}: {detail}', remedy: 'check that the VM is up and that the network lets this machine reach that port', exit: 'failed' },
  JOIN_BROKEN: { text: 'the connection to {address} broke before the answer: {detail}', remedy: 'say the same `mpvm join` again', exit: 'failed' },
  JOIN_VERSION: { text: 'the other side speaks another version of the joining protocol ({detail})', remedy: 'install the same version of mpvm on all machines', exit: 'failed' },
  AUTHORITY_MISMATCH: { text: 'who answers at {address} is not the VM that the token is for', remedy: 'do not trust that address; if the VM has been started anew, make a new token with `mpvm token`', exit: 'failed' },
  NODE_NAME_TAKEN: { text: 'a node named {node} is up at {address}', remedy: 'choose another name with --node', exit: 'failed' },
  CERTIFICATE_REVOKED: { text: 'node {node} has been deleted from its VM, and its certificate with it', remedy: 'let it join anew: mpvm token, mpvm join TOKEN', exit: 'failed' },
  VM_NAME_CLASH: { text: '{path} belongs to another VM named {name}', remedy: 'stop that one with `mpvm down --name {name}`, or set MPVM_DIR to another directory', exit: 'failed' },

  // -- adding and deleting hosts
  HOSTFILE_SYNTAX: { text: '{where}{detail}', remedy: 'docs/OPERATORS.md has the syntax', exit: 'usage' },
  HOSTFILE_UNREADABLE: { text: 'the hostfile {path} cannot be read: {detail}', remedy: 'give the path of a PVM hostfile', exit: 'usage' },
  HOST_UNKNOWN: { text: 'there is no host {host}: {detail}', remedy: 'check the name, or give its address with ip=', exit: 'failed' },
  HOST_DUPLICATE: { text: 'host {host} is part of the VM already, as node {node}', remedy: '', exit: 'failed' },
  HOST_ADDING: { text: 'host {host} is being added already', remedy: 'wait for it: mpvm nodes', exit: 'failed' },
  HOST_LOOPBACK: { text: 'host {host} cannot join: the VM has the loopback address {address}, which other machines cannot reach', remedy: 'start the VM with an address of this machine: mpvm up --address ADDRESS', exit: 'failed' },
  HOST_PASSWORD: { text: 'host {host} asks for a password (so=pw), which a daemon cannot type', remedy: 'set up keys for ssh, or start it by hand: so=ms, or `mpvm token` and `mpvm join` there', exit: 'failed' },
  HOST_UNATTENDED: { text: 'host {host} is started by hand (so=ms), and nobody is there to do it', remedy: 'add it with `mpvm add`', exit: 'failed' },
  HOST_START_FAILED: { text: 'the daemon on host {host} was not started: {detail}', remedy: 'try what PVM_RSH (default ssh) does by hand; dx= names the mpvm command there', exit: 'failed' },
  HOST_START_TIMEOUT: { text: 'host {host} has not joined within {seconds} s', remedy: 'check that it can be reached, and that it can reach this machine', exit: 'timeout' },
  HOST_NOT_EMPTY: { text: 'node {node} is not empty: {left} could not be moved', remedy: '`mpvm drain {node} --dry-run` says why; with --force they are ended. The node is cordoned', exit: 'blocked' },
  HOST_BUSY: { text: 'node {node} is being drained or deleted already', remedy: 'wait for it: mpvm nodes', exit: 'failed' },
  NODE_NOT_HERE: { text: 'there is no node {node} on this machine (here: {here})', remedy: '`mpvm delete NODE` works from any node', exit: 'failed' },
  REGISTRY_STAYS: { text: 'node {node} keeps the registry and cannot leave its VM', remedy: '`mpvm down` stops the whole VM', exit: 'failed' },

  // -- talking to daemons
  NO_VM: { text: 'no VM named {name} runs on this machine{running}', remedy: 'start one: {command}', exit: 'failed' },
  VM_RUNS: { text: 'a VM named {name} runs on this machine already', remedy: 'stop it with `mpvm down --name {name}`, or choose another name with --name', exit: 'failed' },
  DEMO_FAILED: { text: 'the demo failed: {detail}', remedy: '', exit: 'failed' },
  NO_DAEMON: { text: 'no mpvmd of the VM "{vm}" answers at {path}', remedy: 'start one with `mpvm up`', exit: 'failed' },
  NODE_UNKNOWN: { text: 'there is no node {node}', remedy: '`mpvm nodes` lists them', exit: 'failed' },
  NODE_DEAD: { text: 'node {node} is {state}', remedy: 'start its daemon again, or choose another node', exit: 'failed' },
  NODE_UNREACHABLE: { text: '{peer} does not answer: {detail}', remedy: 'check that its daemon runs and that the network between the nodes works', exit: 'failed' },
  NODE_TIMEOUT: { text: '{peer} has not answered within {ms} ms', remedy: 'try again; its daemon may be overloaded or stopped', exit: 'timeout' },
  NODE_CORDONED: { text: 'node {node} is cordoned: {reason}', remedy: '`mpvm uncordon {node}` lets it take tasks again', exit: 'blocked' },
  CANCELLED: { text: 'cancelled{detail}', remedy: '', exit: 'failed' },
  SHUTTING_DOWN: { text: 'the daemon of node {node} is stopping', remedy: '', exit: 'failed' },
  NOT_BUILT: { text: '{what} is not built in this version', remedy: '', exit: 'failed' },
  HTTP_ELSEWHERE: { text: 'the HTTP port is open already, at {url}', remedy: 'use that one; `mpvmd --http` says where it is opened when the daemon starts', exit: 'failed' },
  BAD_REQUEST: { text: '{detail}', remedy: '', exit: 'usage' },
  INTERNAL: { text: 'internal error: {detail}', remedy: 'the log of the daemon (mpvmd.log) has the details', exit: 'failed' },

  // -- tasks
  NO_PROGRAM: { text: 'there is no program {program} on the node', remedy: 'give its path, or set PVM_PATH to the directories it may be in (at `mpvm up`)', exit: 'failed' },
  SPAWN_FAILED: { text: '{program} was not started: {detail}', remedy: '`mpvm nodes` shows where tasks can start', exit: 'failed' },
  TASK_UNKNOWN: { text: 'there is no task {tid}', remedy: '`mpvm ps` lists them', exit: 'failed' },

  // -- moves: why one is not begun, or has been given up. The task runs on where it was, unless the text says otherwise.
  TASK_MOVING: { text: 'task {tid} is being moved already (migration {id})', remedy: 'wait for it (mpvm migrations), or stop it with `mpvm cancel {id}`', exit: 'failed' },
  TASK_NOT_ENROLLED: { text: 'task {tid} ({program}) has not enrolled', remedy: 'only programs that call libpvm can move; this one has not done so yet', exit: 'failed' },
  TASK_IS_CONSOLE: { text: 'task {tid} is a console of this VM', remedy: 'it holds no work and keeps no node from being emptied: leave it where it is', exit: 'blocked' },
  TASK_NOT_HERE: { text: 'task {tid} is on node {node}', remedy: 'ask again: it has just moved', exit: 'failed' },
  TASK_ALREADY_THERE: { text: 'task {tid} is on node {node} already', remedy: '', exit: 'usage' },
  TASK_ENDED: { text: 'task {tid} ended before it had moved', remedy: '', exit: 'failed' },
  ENGINE_UNKNOWN: { text: 'there is no engine "{engine}"', remedy: 'use auto, native or criu', exit: 'usage' },
  CRIU_MISSING: { text: 'criu is not installed on node {node}', remedy: 'install criu (4.2 or later on kernels from 6.13), or name one in MPVM_CRIU at `mpvm up`; `mpvm doctor` tries it', exit: 'blocked' },
  CRIU_FORBIDDEN: { text: 'the criu engine needs root (CAP_SYS_ADMIN and CAP_CHECKPOINT_RESTORE); the daemon of node {node} runs as user {uid} without {lacking}', remedy: 'start that node as root, or leave the task to the native engine, which needs no privileges', exit: 'blocked' },
  CRIU_UNUSABLE: { text: 'criu on node {node} does not work here: {detail}', remedy: 'install another version of criu (4.2 or later on kernels from 6.13), or name one in MPVM_CRIU at `mpvm up`', exit: 'blocked' },
  CRIU_FAILED: { text: 'criu {what} on node {node} failed: {detail}', remedy: 'the log of that node has the details', exit: 'failed' },
  MIGRATION_UNKNOWN: { text: 'there is no migration {id} under way on this node', remedy: '`mpvm migrations` lists them', exit: 'failed' },
  MIGRATION_OVER: { text: 'migration {id} cannot be cancelled any more: it is {state}', remedy: '', exit: 'failed' },
  MIGRATION_BLOCKED: { text: 'task {tid} cannot move to {node}: {causes}', remedy: '`mpvm explain {tid} --to {node}` lists what to do', exit: 'blocked' },
  MIGRATION_CANCELLED: { text: 'the move was cancelled', remedy: '', exit: 'failed' },
  MIGRATION_DEADLINE: { text: 'the move was not complete after {seconds} s', remedy: 'give it more time with --deadline, or a larger --max-downtime', exit: 'timeout' },
  AGENT_SILENT: { text: 'the task has not said anything about its move for {seconds} s', remedy: 'see whether it is stopped (mpvm ps); its library may be of another version', exit: 'failed' },
  CAPTURE_FAILED: { text: 'the task could not be captured: {detail}', remedy: '`mpvm explain {tid}` shows what it holds', exit: 'failed' },
  NO_CONVERGENCE: { text: 'the task writes faster than its memory can be sent: {detail}', remedy: 'move it with --on-no-convergence freeze or throttle, or when it writes less', exit: 'failed' },
  TRACKING_MISSING: { text: 'what the task writes cannot be found in the way that was asked for: {detail}', remedy: 'leave out --tracking and MPVM_TRACKING: the best that this kernel can do is taken', exit: 'failed' },
  STREAM_BROKEN: { text: 'the stream of pages broke: {detail}', remedy: 'check the network between the nodes and try again', exit: 'failed' },
  RESTORER_FAILED: { text: 'the restorer on node {node} failed: {detail}', remedy: 'the log of that node has the details', exit: 'failed' },
  RESTORER_SILENT: { text: 'the restorer on node {node} has not said anything for {seconds} s', remedy: 'see whether that node is overloaded', exit: 'failed' },
  DESTINATION_LOST: { text: 'the connection to node {node} broke: {detail}', remedy: 'check that its daemon runs and that the network between the nodes works', exit: 'failed' },
  MOVE_FENCED: { text: 'the source of task {tid} has taken the move back', remedy: '', exit: 'failed' },
  SOURCE_LOST: { text: 'the daemon that had asked for the move is gone, or has given up', remedy: '', exit: 'failed' },
  NODE_SHORT: { text: 'node {node} has no more {what}: {detail}', remedy: 'make room there, or raise its limit; the task has been left where it was', exit: 'failed' },
  COPY_REMAINS: { text: 'node {node} still holds the copy of task {tid} from before its last move', remedy: 'try again; the log of that node has the details', exit: 'failed' },
  OUTCOME_UNKNOWN: { text: 'task {tid} belongs to node {node} now, but that node has not said that it runs: {detail}', remedy: '`mpvm ps` shows it when the node answers again', exit: 'failed' },
  FAULTS_OFF: { text: 'faults are injected only by daemons that were started with --faults', remedy: '', exit: 'usage' },
  FAULT_UNKNOWN: { text: 'there is no fault point {point}', remedy: 'docs/protocols/migration.md lists them', exit: 'usage' },
  FAULT_INJECTED: { text: 'fault injected at {point}', remedy: '', exit: 'failed' },

  // -- what keeps a task from moving: what it holds (source)
  MAIN_THREAD_ENDED: { text: 'the first thread of the task has ended while others run on', remedy: 'let main() wait for its threads (pthread_join) instead of leaving it with pthread_exit', exit: 'blocked' },
  THREAD_DIFFERS: { text: 'thread {tid} of the task has another {what} than its first thread', remedy: '', exit: 'blocked' },
  THREAD_UNSTOPPABLE: { text: 'thread {tid} of the task blocks all signals, even those that the C library keeps for itself', remedy: 'only programs that go round the C library can do that', exit: 'blocked' },
  OPEN_SOCKET: { text: 'descriptor {fd} is a socket of the program: {what}', remedy: 'close it before the move (and listen or connect again after it); pairs whose both ends are the task\'s own move', exit: 'blocked' },
  INET_SOCKET: { text: 'descriptor {fd} of process {pid} is a network socket ({what}), whose address does not move', remedy: 'close it before the move', exit: 'blocked' },
  OPEN_PIPE: { text: 'descriptor {fd} is a pipe to another process ({what})', remedy: 'close it before the move, or redirect to a file', exit: 'blocked' },
  OPEN_TERMINAL: { text: 'descriptor {fd} is the terminal {what}', remedy: 'start the task with `mpvm run` or pvm_spawn, or redirect its input and output', exit: 'blocked' },
  OPEN_DEVICE: { text: 'descriptor {fd} is the device {what}', remedy: 'close it before the move', exit: 'blocked' },
  OPEN_KERNEL_OBJECT: { text: 'descriptor {fd} is a kernel object of the program ({what})', remedy: 'close it before the move', exit: 'blocked' },
  OPEN_DELETED_FILE: { text: 'descriptor {fd} is the deleted file {what}, which holds more than 64 MiB', remedy: 'keep the file while it is in use', exit: 'blocked' },
  OPEN_DIRECTORY: { text: 'descriptor {fd} is the directory {what}, which is being read', remedy: 'close it before the move, or rewind it', exit: 'blocked' },
  FILE_LOCK: { text: 'the task holds a lock on {what} (descriptor {fd}), which is taken anew at the destination: for a moment nobody has it', remedy: 'fine when nobody else wants it; if somebody takes it meanwhile the task waits', exit: 'blocked' },
  FILE_LEASE: { text: 'the task holds a lease on {what} (descriptor {fd})', remedy: 'give it back before the move', exit: 'blocked' },
  CHILD_PROCESSES: { text: 'the task has child processes ({pids})', remedy: 'wait for them to end; only pvm_spawn starts tasks that move', exit: 'blocked' },
  CHILD_HOLDS: { text: 'its child, process {pid}: {cause}', remedy: '{remedy}', exit: 'blocked' },
  TRACED: { text: 'the task is traced by process {pid}', remedy: 'detach the debugger', exit: 'blocked' },
  TASK_STOPPED: { text: 'the task is stopped', remedy: 'let it go on (kill -CONT) before the move', exit: 'blocked' },
  SECCOMP: { text: 'the task has confined itself with seccomp', remedy: '', exit: 'blocked' },
  NAMESPACE: { text: 'the task is in {kind} namespace of its own', remedy: 'start it in the namespaces of its daemon', exit: 'blocked' },
  MAPPED_DEVICE: { text: 'the task has mapped the device {what}', remedy: 'unmap it before the move', exit: 'blocked' },
  MAPPED_DELETED: { text: 'the task has mapped {what}, which has been deleted or replaced on disk', remedy: 'programs and libraries must stay as they are while tasks run that are to move', exit: 'blocked' },
  SHARED_MEMORY: { text: 'the task shares memory with other processes ({what})', remedy: 'detach it before the move', exit: 'blocked' },
  SHARED_FILE: { text: 'the task shares the mapped file {what} with whoever has it open', remedy: 'fine when it is on a file system that both nodes share', exit: 'blocked' },
  LIBRARY_UNKNOWN: { text: 'it cannot be told which descriptors are the library\'s own: {detail}', remedy: 'the task itself looks again when the move begins', exit: 'blocked' },

  // -- what keeps a task from moving: what is missing where it is to go (destination)
  ARCHITECTURE_DIFFERS: { text: 'node {node} is {theirs}, the task runs on {ours}', remedy: 'choose a node of the same architecture', exit: 'blocked' },
  CPU_FEATURES: { text: 'the processor of node {node} lacks {missing}', remedy: 'choose a node with the same processor features, or start the program with --cpu-baseline', exit: 'blocked' },
  CPU_STATE: { text: 'the processor of node {node} saves {theirs} bytes of state, the task\'s saves {ours}', remedy: 'choose a node with the same processor', exit: 'blocked' },
  VDSO_DIFFERS: { text: 'the kernel of node {node} has another vDSO', remedy: 'run the same kernel on both nodes', exit: 'blocked' },
  USER_DIFFERS: { text: 'the daemon of node {node} runs as user {theirs}, the task as user {ours}', remedy: 'run the VM as one user', exit: 'blocked' },
  MEMORY_SHORT: { text: 'node {node} has {free} MiB free, the task needs {needed} MiB', remedy: 'choose another node', exit: 'blocked' },
  FILE_MISSING: { text: '{path} is not on node {node}', remedy: 'install it there, or use a file system that both nodes share', exit: 'blocked' },
  FILE_DIFFERS: { text: '{path} on node {node} is another one ({detail})', remedy: 'install the same version on both nodes', exit: 'blocked' },
  FILE_FORBIDDEN: { text: '{path} on node {node} cannot be opened as the task has it open: {detail}', remedy: 'correct its permissions there', exit: 'blocked' },
  DIRECTORY_MISSING: { text: 'the task\'s working directory {path} is not on node {node}', remedy: 'make it there, or use a file system that both nodes share', exit: 'blocked' },

  // -- drains
  NO_ROOM: { text: 'no node has room for task {tid}: {detail}', remedy: '{help}', exit: 'blocked' },
  DRAIN_RUNNING: { text: 'node {node} is being drained already, together with others ({nodes})', remedy: 'watch that drain (`mpvm drain {node}`), or cancel it: mpvm drain --cancel {node}', exit: 'failed' },
  DRAIN_UNKNOWN: { text: 'there is no drain {id} under way', remedy: '`mpvm drain --status` lists them', exit: 'failed' },
  DRAIN_UNSEEN: { text: 'the drain has ended while the registry could not be heard', remedy: '`mpvm nodes` tells whether the node is empty', exit: 'failed' },
  NO_DRAIN: { text: 'node {node} is not being drained', remedy: '`mpvm drain --status` lists drains', exit: 'failed' },
  DRAIN_LATE: { text: 'the deadline has passed with {left} tasks still there; the drain goes on', remedy: '', exit: 'timeout' },
  DRAIN_DEADLINE: { text: 'it was not moved before the deadline', remedy: 'give the drain more time', exit: 'timeout' },
  DRAIN_KILLED: { text: 'task {tid} is ended: it could not be moved away from {node} before the deadline', remedy: '', exit: 'failed' },
  DRAIN_GONE: { text: 'node {node} is no part of the VM any more', remedy: '', exit: 'failed' },

  // -- balancing
  BALANCE_RUNNING: { text: 'the VM is being balanced already ({policy}, asked for by {user})', remedy: '`mpvm balance --status` tells about it, `mpvm balance --stop` ends it; --dry-run works meanwhile', exit: 'failed' },
  CANNOT_LINGER: { text: 'the daemon may lower the priority of a task, but not raise it again', remedy: 'start the VM with RLIMIT_NICE 20 (`nice 0` in limits.conf) or CAP_SYS_NICE', exit: 'failed' },
  NO_BALANCE: { text: 'no balancing is under way', remedy: '', exit: 'failed' },
  BAD_DECISIONS: { text: '{path}: {detail}', remedy: 'give a log of decisions (balance.log in the directory of the registry\'s node), or what `mpvm balance --dry-run -o json` printed', exit: 'usage' },
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
    Error.captureStackTrace(error);
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
