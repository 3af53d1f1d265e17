/** The words behind `spawn`. Pure. */
import { spawnFlag } from './pvm.js';
import { leadingNumber } from './words.js';

export interface SpawnRequest {
  count: number;
  flags: number;
  /** As pvm_spawn takes it: a host or an architecture, and a directory behind a colon. */
  where: string;
  /** A job: its output is shown here (no file), or goes to a file. */
  output: { file: string; append: boolean } | undefined;
  /** Its trace is written here (no file), or to a file. */
  trace: { file: string } | undefined;
  /** Undefined: none was named. */
  program: string | undefined;
  argv: readonly string[];
}

const hostOption = '--host=';

export function readSpawn(words: readonly string[], architectures: ReadonlySet<string>): SpawnRequest {
  const request: SpawnRequest = { count: 1, flags: 0, where: '', output: undefined, trace: undefined, program: undefined, argv: [] };
  let at = 0;
  for (; words[at]?.startsWith('-'); at++) option(request, words[at]!, architectures);
  request.program = words[at];
  request.argv = words.slice(at + 1);
  return request;
}

function option(request: SpawnRequest, word: string, architectures: ReadonlySet<string>): void {
  const rest = word.slice(1);
  if (/^\d/.test(rest)) request.count = leadingNumber(rest);
  else if (rest.startsWith('>>')) request.output = { file: rest.slice(2), append: true };
  else if (rest.startsWith('>')) request.output = { file: rest.slice(1), append: false };
  else if (rest.startsWith('?')) request.flags |= spawnFlag.Debug;
  else if (rest.startsWith('@')) request.trace = { file: rest.slice(1) };
  else if (word.startsWith(hostOption)) place(request, word.slice(hostOption.length), spawnFlag.Host);
  else if (rest !== '' && rest !== '-') place(request, rest, placeFlag(rest, architectures));
}

/** What is neither a directory alone nor an architecture of the virtual machine is a host. */
function placeFlag(where: string, architectures: ReadonlySet<string>): number {
  const name = where.split(':')[0] ?? '';
  if (name === '') return 0;
  return architectures.has(name) ? spawnFlag.Arch : spawnFlag.Host;
}

function place(request: SpawnRequest, where: string, flag: number): void {
  request.where = where;
  request.flags = (request.flags & ~(spawnFlag.Host | spawnFlag.Arch)) | flag;
}
