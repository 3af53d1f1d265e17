/** Tasks: kill, ps, pstat, reset, sig. */
import type { Command, Context } from '../context.js';
import { taskHeading, taskLine, taskStatus } from '../format.js';
import { PvmFailure } from '../link.js';
import { code, errorText, isTask, tidText } from '../pvm.js';
import { leadingNumber, readTid } from '../words.js';
import { resetMailbox, spared } from './mailbox.js';

const terminate = 15;

// ---------------------------------------------------------------- ps

interface Shown {
  where: number;
  long: boolean;
  own: boolean;
}

async function ps(context: Context, [flags = '']: readonly string[]): Promise<void> {
  const shown = await psFlags(context, flags);
  const tasks = await context.call('pvm_tasks', () => context.tasks(shown.where));
  if (!tasks) return;
  const names = new Map((await context.hosts()).map(({ tid, name }) => [tid, name]));
  context.print(taskHeading(shown.long));
  const { tid: own } = context.link;
  for (const task of tasks) {
    if (task.tid !== own || shown.own) context.print(taskLine(task, names.get(task.host) ?? '', own, shown.long));
  }
}

/** One word of letters; "h" and "n" take the rest of it. */
async function psFlags(context: Context, word: string): Promise<Shown> {
  const shown: Shown = { where: context.link.host, long: false, own: false };
  const letters = word.replace(/^-/, '');
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at];
    const rest = letters.slice(at + 1);
    if (letter === 'a') shown.where = 0;
    else if (letter === 'l') shown.long = true;
    else if (letter === 'x') shown.own = true;
    else if (letter === 'h') {
      shown.where = readTid(rest) || context.link.host;
      break;
    } else if (letter === 'n') {
      const host = (await context.hosts()).find(({ name }) => name === rest);
      if (host?.tid) shown.where = host.tid;
      else context.print(`unknown host ${rest}`);
      break;
    } else context.print(`unknown flag -${letter ?? ''}`);
  }
  return shown;
}

// ---------------------------------------------------------------- one task

async function pstat(context: Context, words: readonly string[]): Promise<void> {
  for (const word of words) {
    const tid = readTid(word);
    const status = isTask(tid) ? await taskState(context, tid) : code.BadParam;
    if (status === code.BadParam) context.failed('pvm_pstat', status);
    context.print(taskStatus(tid, status === code.Ok ? 'run' : errorText(status)));
  }
}

async function taskState(context: Context, tid: number): Promise<number> {
  try {
    await context.link.ask({ taskStatus: { tid } });
    return code.Ok;
  } catch (error) {
    if (error instanceof PvmFailure) return error.code;
    throw error;
  }
}

async function signal(context: Context, tid: number, signum: number): Promise<boolean> {
  const failed = (status: number): false => {
    context.failed('pvm_sendsig', status);
    return false;
  };
  if (!isTask(tid)) return failed(code.BadParam);
  return (await context.call('pvm_sendsig', () => context.link.ask({ signal: { tid, signum } }))) !== undefined;
}

async function sig(context: Context, [signum = '', ...words]: readonly string[]): Promise<void> {
  for (const word of words) await signal(context, readTid(word), leadingNumber(signum));
}

/** Quietly: what has ended by itself meanwhile needs no word. */
async function end(context: Context, tid: number): Promise<void> {
  if (tid === context.link.tid) context.print(`${tidText(tid)}: that's me.`);
  else if (!(await signal(context, tid, terminate))) context.failed('pvm_kill', code.BadParam);
}

async function kill(context: Context, words: readonly string[]): Promise<void> {
  let children = false;
  let first = 0;
  for (; words[first]?.startsWith('-'); first++) {
    for (const letter of words[first]!.slice(1)) {
      if (letter === 'c') children = true;
      else {
        context.print(`unknown flag -${letter}`);
        return;
      }
    }
  }
  const tids = words.slice(first).map(readTid);
  if (tids.length === 0) {
    context.print('incorrect arg count');
    return;
  }
  if (!children) {
    for (const tid of tids) await end(context, tid);
    return;
  }
  const all = (await context.call('pvm_tasks', () => context.tasks(0))) ?? [];
  for (const { tid, parent } of all) if (tids.includes(parent ?? 0)) await end(context, tid ?? 0);
}

// ---------------------------------------------------------------- all of them

async function reset(context: Context, [what, name, index]: readonly string[]): Promise<void> {
  if (what === 'info') return resetMailbox(context, { name, index: index === undefined ? undefined : leadingNumber(index) });
  if (what !== undefined) {
    context.print(`"${what}" arg to reset not valid`);
    return;
  }
  const keep = await spared(context);
  const all = (await context.call('pvm_tasks', () => context.tasks(0))) ?? [];
  for (const { tid = 0 } of all) if (tid !== context.link.tid && !keep.has(tid ?? 0)) await signal(context, tid ?? 0, terminate);
  await resetMailbox(context, { ending: { keep } });
}

export const taskCommands: readonly Command[] = [
  {
    name: 'kill',
    summary: 'End tasks',
    usage: ['kill [-c] TID ...'],
    details: ['-c  not the tasks, but those that they have spawned'],
    least: 1,
    run: kill,
  },
  {
    name: 'ps',
    summary: 'List tasks',
    usage: ['ps [-alx | -hTID | -nHOST]'],
    details: [
      '-a      of all hosts, not of this one alone',
      '-hTID   of the host with this id',
      '-nHOST  of the host with this name',
      '-l      with parents and process ids',
      '-x      with this console',
      'FLAG: c connected, f started by a daemon, H hoster, R resource manager, T tasker',
    ],
    least: 0,
    most: 1,
    run: ps,
  },
  { name: 'pstat', summary: 'Show whether tasks run', usage: ['pstat TID ...'], least: 1, run: pstat },
  {
    name: 'reset',
    summary: 'End all tasks, and forget what they have left in the mailbox',
    usage: ['reset', 'reset info [NAME [INDEX]]'],
    details: ['Tasks that have set PvmNoReset are spared. With "info" only what nobody owns any more is removed from the mailbox.'],
    least: 0,
    most: 3,
    run: reset,
  },
  { name: 'sig', summary: 'Send tasks a signal', usage: ['sig NUMBER TID ...'], least: 2, run: sig },
];
