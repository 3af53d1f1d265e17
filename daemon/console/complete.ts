/** What the Tab key offers for the last word of a line. Pure. */

export interface Choices {
  readonly commands: readonly string[];
  readonly aliases: readonly string[];
  readonly hosts: readonly string[];
  readonly tids: readonly string[];
  readonly options: readonly string[];
  readonly variables: readonly string[];
}

type Kind = keyof Choices;

/** By command: what its arguments are. */
const kinds: Record<string, readonly Kind[]> = {
  help: ['commands'],
  unalias: ['aliases'],
  delete: ['hosts'],
  mstat: ['hosts'],
  cordon: ['hosts'],
  uncordon: ['hosts'],
  drain: ['hosts'],
  migrate: ['tids', 'hosts'],
  explain: ['tids', 'hosts'],
  kill: ['tids'],
  pstat: ['tids'],
  sig: ['tids'],
  getopt: ['options'],
  setopt: ['options'],
  setenv: ['variables'],
  export: ['variables'],
  unexport: ['variables'],
};
/** Options that take a host. */
const hostPrefixes: Record<string, readonly string[]> = { ps: ['-n'], spawn: ['--host=', '-'] };

export function completions(line: string, choices: Choices): { candidates: string[]; word: string } {
  const word = /\S*$/.exec(line)?.[0] ?? '';
  const before = line.slice(0, line.length - word.length).trim().split(/\s+/).filter(Boolean);
  const command = before[0];
  const offered = command === undefined ? [...choices.commands, ...choices.aliases] : argumentsOf(command, before.at(-1) ?? '', word, choices);
  const candidates = [...new Set(offered)].filter((candidate) => candidate.startsWith(word)).sort();
  return { candidates: candidates.length === 1 && !candidates[0]!.endsWith('=') ? [`${candidates[0]!} `] : candidates, word };
}

function argumentsOf(command: string, previous: string, word: string, choices: Choices): string[] {
  const prefix = hostPrefixes[command]?.find((start) => word.startsWith(start));
  if (prefix !== undefined) return choices.hosts.map((host) => prefix + host);
  if (previous === '--to') return [...choices.hosts];
  return (kinds[command] ?? []).flatMap((kind) => choices[kind]);
}
