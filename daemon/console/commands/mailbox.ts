/** The mailbox: names, put, and what a reset does with it. */
import type { Command, Context } from '../context.js';
import { mailboxLines } from '../format.js';
import { PvmFailure } from '../link.js';
import { code, errorText, mailboxFlag, noResetClass, xdrEncoding } from '../pvm.js';
import { xdrBytes, xdrInts } from '../../task/xdr.js';
import { leadingNumber } from '../words.js';

async function classes(context: Context, pattern: string) {
  return (await context.link.ask({ mailboxList: { pattern } })).mailboxClasses?.classes ?? [];
}

/** As pvm_pkstr does it. */
function packed(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  return Buffer.concat([xdrInts(bytes.length), xdrBytes(bytes)]);
}

async function names(context: Context, [pattern = '*']: readonly string[]): Promise<void> {
  const found = await context.call('pvm_getmboxinfo', () => classes(context, pattern));
  if (found) context.print(...mailboxLines(found));
}

async function put(context: Context, [name = '', flags = '', text = '']: readonly string[]): Promise<void> {
  try {
    await context.link.ask({ mailboxPut: { name, flags: leadingNumber(flags), encoding: xdrEncoding, body: packed(text) } });
  } catch (error) {
    if (!(error instanceof PvmFailure)) throw error;
    if (error.code !== code.Denied) context.failed('pvm_putinfo', error.code);
    context.print(errorText(error.code));
  }
}

/** Takes out what nobody owns any more: all of it, or that of one name, or one entry. `ending`: that of tasks which end now, too. */
export async function resetMailbox(context: Context, what: { name?: string; index?: number; ending?: { keep: Iterable<number> } }): Promise<void> {
  const { name = '', index = -1, ending } = what;
  await context.call('pvm_delinfo', () => context.link.ask({ mailboxReset: { name, index, all: ending !== undefined, keep: [...(ending?.keep ?? [])] } }));
}

/** PvmNoReset: an entry of the mailbox says that this console is to be spared. */
export async function spareConsole(context: Context, on: boolean): Promise<void> {
  const { link, noReset } = context;
  if (on && noReset === undefined) {
    const entry = { name: noResetClass, flags: mailboxFlag.MultiInstance, encoding: xdrEncoding, body: xdrInts(link.tid) };
    context.noReset = (await link.ask({ mailboxPut: entry })).status;
  } else if (!on && noReset !== undefined) {
    context.noReset = undefined;
    await link.ask({ mailboxDelete: { name: noResetClass, index: noReset } });
  }
}

/** Tasks that a reset does not end. */
export async function spared(context: Context): Promise<Set<number>> {
  const found = (await context.call('pvm_getmboxinfo', () => classes(context, '*'))) ?? [];
  return new Set(found.filter(({ name }) => name === noResetClass).flatMap(({ owners }) => owners ?? []));
}

export const mailboxCommands: readonly Command[] = [
  { name: 'names', summary: 'List the mailbox: names, entries, their owners', usage: ['names [PATTERN]'], details: ['PATTERN is a part of the name; * in it stands for anything.'], least: 0, most: 1, run: names },
  {
    name: 'put',
    summary: 'Put a text into the mailbox',
    usage: ['put NAME FLAGS TEXT'],
    details: ['FLAGS is the sum of: 1 stays when this console leaves, 2 beside other entries of the name, 4 others may replace it.'],
    least: 3,
    most: 3,
    run: put,
  },
];
