/** The console itself: alias, echo, export, getopt, help, id, quit, setenv, setopt, trace, unalias, unexport, version. */
import type { Command, Context } from '../context.js';
import { exportVariable, withExports, withoutExports } from '../environment.js';
import { marked } from '../format.js';
import { tidText, version } from '../pvm.js';
import { traceOptions } from '../tracing.js';
import { leadingNumber } from '../words.js';
import { spareConsole } from './mailbox.js';

function alias({ parts: { aliases }, print }: Context, args: readonly string[]): void {
  const [name, ...words] = args;
  if (name !== undefined && words.length > 0) aliases.set(name, words);
  else print(...aliases.list().map((entry) => `${entry.name}\t${entry.text}`));
}

// ---------------------------------------------------------------- environment

function setenv(context: Context, [name, ...values]: readonly string[]): void {
  if (name === undefined) context.print(...Object.entries(process.env).map(([variable, value]) => `${variable}=${value ?? ''}`));
  else if (values.length > 0) process.env[name] = values.join(' ');
  else if (process.env[name] !== undefined) context.print(process.env[name]);
}
function addExports(context: Context, names: readonly string[]): void {
  if (names.length === 0) context.print(`${exportVariable}=${process.env[exportVariable] ?? ''}`);
  else process.env[exportVariable] = withExports(process.env, names);
}
function removeExports(_context: Context, names: readonly string[]): void {
  if (names.length > 0) process.env[exportVariable] = withoutExports(process.env, names);
}

// ---------------------------------------------------------------- options

function getopt({ parts: { options }, print }: Context, [name]: readonly string[]): void {
  for (const one of name === undefined ? options.names() : [name]) {
    const value = options.get(one);
    print(value === undefined ? `PVM Option "${one}" Unknown.` : `${one} Currently Set to ${value}`);
  }
}

async function setopt(context: Context, [name = '', text = '']: readonly string[]): Promise<void> {
  const value = leadingNumber(text);
  const result = context.parts.options.set(name, value);
  if (result === undefined) {
    context.print(`PVM Option "${name}" Unknown.`);
    return;
  }
  if ('error' in result) context.failed('pvm_setopt', result.error);
  else if (name === 'PvmNoReset') await spareConsole(context, value !== 0);
  context.print(`${name} Changed from ${'error' in result ? result.error : result.old} to ${value}`);
}

// ---------------------------------------------------------------- trace

function trace(context: Context, args: readonly string[]): void {
  const { tracing } = context.parts;
  const [first, ...rest] = args;
  if (first === undefined) context.print(...marked(tracing.list()));
  else if (first === 'xpvm') tracing.reset();
  else if (first === 'buf') traceBuffer(context, rest[0]);
  else if (first === 'opt') traceOption(context, rest[0]);
  else {
    const on = first !== '-';
    for (const event of first === '+' || first === '-' ? rest : args) {
      if (!tracing.set(event, on)) context.print(`no such event "${event}"`);
    }
  }
}

function traceBuffer({ parts: { options }, print }: Context, bytes: string | undefined): void {
  if (bytes === undefined) print('', `Trace Buffering set to ${options.value('PvmTraceBuffer')} bytes`, '');
  else options.set('PvmTraceBuffer', leadingNumber(bytes));
}

function traceOption({ parts: { options }, print }: Context, what: string | undefined): void {
  if (what === undefined) return print('', `Trace Options set to "${traceOptions[options.value('PvmTraceOptions')] ?? ''}"`, '');
  const value = traceOptions.findIndex((name) => name !== '' && name === what);
  if (value < 0) print('', `Error:  Unknown Trace Option "${what}"`, '');
  else options.set('PvmTraceOptions', value);
}

// ---------------------------------------------------------------- help

function help({ parts: { commands }, print }: Context, [name]: readonly string[]): void {
  const command = commands.find((one) => one.name === (name ?? 'help'));
  if (!command) return;
  const title = (one: Command): string => `${one.name.padEnd(11)} ${one.summary}`;
  print(title(command), ...command.usage.map((line, at) => `${at === 0 ? 'Syntax:' : '  or:  '}  ${line}`), ...(command.details ?? []).map((line) => `  ${line}`));
  if (command.name !== 'help') return;
  print('Commands are:', ...commands.filter(({ own }) => !own).map((one) => `  ${title(one)}`));
  print('Beyond PVM:', ...commands.filter(({ own }) => own).map((one) => `  ${title(one)}`));
}

export const shellCommands: readonly Command[] = [
  { name: 'alias', summary: 'Give a command another name, or list these names', usage: ['alias [NAME COMMAND [ARGUMENT ...]]'], least: 0, run: alias },
  { name: 'echo', summary: 'Print words', usage: ['echo [WORD ...]'], least: 0, run: (context, words) => context.print(words.join(' ')) },
  { name: 'export', summary: 'Choose variables that tasks are given, or list them', usage: ['export [VARIABLE ...]'], least: 0, run: addExports },
  { name: 'getopt', summary: "Show libpvm's options of this console", usage: ['getopt [OPTION]'], least: 0, most: 1, run: getopt },
  { name: 'help', summary: 'Explain a command', usage: ['help [COMMAND]'], least: 0, most: 1, run: help },
  { name: 'id', summary: 'Show the task id of this console', usage: ['id'], least: 0, most: 0, run: (context) => context.print(tidText(context.link.tid)) },
  { name: 'quit', summary: 'Leave; everything else goes on', usage: ['quit'], least: 0, most: 0, run: (context) => void (context.ending = { how: 'quit' }) },
  { name: 'setenv', summary: 'Set a variable of the environment, or list them', usage: ['setenv [VARIABLE [VALUE]]'], least: 0, run: setenv },
  { name: 'setopt', summary: "Set one of libpvm's options, for this console alone", usage: ['setopt OPTION VALUE'], least: 2, most: 2, run: setopt },
  {
    name: 'trace',
    summary: 'Choose what the tasks of `spawn -@` report',
    usage: ['trace', 'trace [+|-] CALL ...', 'trace [+|-] *', 'trace xpvm', 'trace buf [BYTES]', 'trace opt [full|time|count]'],
    details: ['CALL is a function of libpvm, with or without "pvm_"; * means all, xpvm what XPVM draws.'],
    least: 0,
    run: trace,
  },
  { name: 'unalias', summary: 'Forget other names', usage: ['unalias NAME ...'], least: 1, run: ({ parts: { aliases } }, names) => names.forEach((name) => aliases.remove(name)) },
  { name: 'unexport', summary: 'Stop giving variables to tasks', usage: ['unexport [VARIABLE ...]'], least: 0, run: removeExports },
  { name: 'version', summary: 'Show which PVM this behaves as', usage: ['version'], least: 0, most: 0, run: (context) => context.print(version) },
];
