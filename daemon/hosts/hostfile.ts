/**
 * PVM's hostfile: one host a line, its options behind it. "#" begins a comment line, "&" marks a host that is
 * only described and not started now, "*" sets defaults for the lines below it, "$" before a name allows a second
 * node on that host. pvm_addhosts takes such lines as well, without the marks. Pure.
 */

/** What one line says. Texts are as written: variables ($HOME …) are replaced where they are used, on that host. */
export interface HostSpec {
  readonly name: string;
  /** lo=: login name there. */
  readonly login?: string;
  /** so=: pw (asks for a password) or ms (started by hand). */
  readonly start?: 'pw' | 'ms';
  /** dx=: the mpvm command there. */
  readonly command?: string;
  /** ep=: where pvm_spawn looks for programs. */
  readonly executionPath?: string;
  /** wd=: where tasks start. */
  readonly directory?: string;
  /** bp= or bx=: the debugger of PvmTaskDebug. */
  readonly debugger?: string;
  /** sp=: relative speed. */
  readonly speed?: number;
  /** ip=: the address or name to reach it by, when it is not its own name. */
  readonly address?: string;
  /** id=: PVM's way to tell machines of one user apart; kept, but a VM has its name here. */
  readonly vmid?: string;
}
export type HostOptions = Omit<HostSpec, 'name'>;

export interface HostfileEntry extends HostSpec {
  /** Of the line it stands in, from 1. */
  readonly line: number;
  /** False after "&". */
  readonly wanted: boolean;
  /** After "$". */
  readonly overload: boolean;
}
export interface Hostfile {
  readonly entries: HostfileEntry[];
  /** Of the last "*" line: they hold for hosts added later, too. */
  readonly defaults: HostOptions;
  readonly mistakes: { line: number; detail: string }[];
}

const speedLimit = 1_000_000;
/** What a line may hold; PVM's own lines are far shorter. */
const lineLimit = 4096;
export const hostsLimit = 4095;

/** One line of pvm_addhosts, or what is wrong with it. */
export function parseHost(line: string): HostSpec | { mistake: string } {
  const [name, ...words] = wordsOf(line);
  if (line.length > lineLimit) return { mistake: `a line of ${line.length} characters` };
  if (name === undefined) return { mistake: 'the name of the host is missing' };
  const options = parseOptions(words);
  return 'mistake' in options ? options : { name, ...options };
}

export function parseHostfile(text: string): Hostfile {
  const entries: HostfileEntry[] = [];
  const mistakes: Hostfile['mistakes'] = [];
  let defaults: HostOptions = {};
  for (const { line, text: content } of logicalLines(text)) {
    const result = parseLine(content, defaults);
    if (result === undefined) continue;
    if ('mistake' in result) mistakes.push({ line, detail: result.mistake });
    else if ('defaults' in result) defaults = result.defaults;
    else if (entries.length >= hostsLimit) mistakes.push({ line, detail: `more than ${hostsLimit} hosts` });
    else entries.push({ line, ...result.entry });
  }
  return { entries, defaults, mistakes };
}

type Line = { entry: Omit<HostfileEntry, 'line'> } | { defaults: HostOptions } | { mistake: string };

function parseLine(content: string, defaults: HostOptions): Line | undefined {
  if (content.length > lineLimit) return { mistake: `a line of ${content.length} characters` };
  let rest = content.trim();
  if (rest === '' || rest.startsWith('#')) return undefined;
  const wanted = !rest.startsWith('&');
  if (!wanted) rest = rest.slice(1).trim();
  if (rest.startsWith('*')) {
    const options = parseOptions(wordsOf(rest.slice(1)));
    return 'mistake' in options ? options : { defaults: options };
  }
  const overload = rest.startsWith('$');
  const host = parseHost(overload ? rest.slice(1) : rest);
  return 'mistake' in host ? host : { entry: { ...defaults, ...host, wanted, overload } };
}

function wordsOf(line: string): string[] {
  return line.split(/\s+/).filter((word) => word !== '');
}

function parseOptions(words: readonly string[]): HostOptions | { mistake: string } {
  const options: Partial<Record<keyof HostOptions, string | number>> = {};
  for (const word of words) {
    const key = word.slice(0, 3);
    const value = word.slice(3);
    const field = fields[key];
    if (field === undefined) return { mistake: `there is no option ${JSON.stringify(word.slice(0, 40))}` };
    if (value === '') return { mistake: `option ${key} has no value` };
    if (field === 'start' && value !== 'pw' && value !== 'ms') return { mistake: `${word} is neither so=pw nor so=ms` };
    if (field === 'speed') {
      if (!/^\d{1,7}$/.test(value) || Number(value) < 1 || Number(value) > speedLimit) return { mistake: `${word} is no speed from 1 to ${speedLimit}` };
      options[field] = Number(value);
    } else options[field] = value;
  }
  return options as HostOptions;
}

const fields: Partial<Record<string, keyof HostOptions>> = Object.assign(Object.create(null) as object, {
  'lo=': 'login', 'so=': 'start', 'dx=': 'command', 'ep=': 'executionPath', 'wd=': 'directory',
  'bp=': 'debugger', 'bx=': 'debugger', 'sp=': 'speed', 'ip=': 'address', 'id=': 'vmid',
} as const);

/** A backslash at its end joins a line with the next. */
function* logicalLines(text: string): Generator<{ line: number; text: string }> {
  let pending: { line: number; text: string } | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const here = pending ? { line: pending.line, text: `${pending.text} ${raw}` } : { line: index + 1, text: raw };
    if (here.text.endsWith('\\') && here.text.length <= lineLimit) pending = { ...here, text: here.text.slice(0, -1) };
    else {
      pending = undefined;
      yield here;
    }
  }
  if (pending) yield pending;
}

/** Writes an entry as a line that parses to the same. */
export function formatHost(spec: HostSpec): string {
  const values: [string, string | number | undefined][] = [
    ['lo', spec.login], ['so', spec.start], ['dx', spec.command], ['ep', spec.executionPath], ['wd', spec.directory],
    ['bp', spec.debugger], ['sp', spec.speed], ['ip', spec.address], ['id', spec.vmid],
  ];
  return [spec.name, ...values.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))].join(' ');
}
