/** The virtual machine and its hosts: add, conf, delete, halt, mstat. */
import type { Command, Context } from '../context.js';
import { added, configuration, deleted, hostStatus } from '../format.js';
import { PvmFailure } from '../link.js';
import { errorText } from '../pvm.js';

async function add(context: Context, names: readonly string[]): Promise<void> {
  const results = await changed('pvm_addhosts', context, names, { addHosts: { names: [...names] } });
  for (const result of results) if (result > 0) context.addedHere.add(result);
  context.print(...added(names.map(nameOf), results));
}

async function remove(context: Context, names: readonly string[]): Promise<void> {
  context.print(...deleted(names, await changed('pvm_delhosts', context, names, { delHosts: { names: [...names] } })));
}

/** A line of a host file: its options come after the name. */
const nameOf = (line: string): string => line.trim().split(/\s+/)[0] ?? '';

/** One result for each host; all the same when the request itself has failed. */
async function changed(name: string, context: Context, names: readonly string[], request: Parameters<Context['link']['ask']>[0]): Promise<number[]> {
  try {
    return (await context.link.ask(request)).tids?.tids ?? [];
  } catch (error) {
    if (!(error instanceof PvmFailure)) throw error;
    context.failed(name, error.code);
    return names.map(() => error.code);
  }
}

async function conf(context: Context): Promise<void> {
  const hosts = await context.call('pvm_config', () => context.hosts());
  if (hosts) context.print(...configuration(hosts));
}

async function mstat(context: Context, names: readonly string[]): Promise<void> {
  for (const name of names) {
    let status = 'ok';
    try {
      await context.link.ask({ hostStatus: { name } });
    } catch (error) {
      if (!(error instanceof PvmFailure)) throw error;
      status = errorText(error.code);
    }
    context.print(hostStatus(name, status));
  }
}

export const hostCommands: readonly Command[] = [
  {
    name: 'add',
    summary: 'Make machines hosts of the virtual machine',
    usage: ['add HOST ...', "add 'HOST OPTION=VALUE ...' ..."],
    details: ['Options are those of a line of a host file (docs/OPERATORS.md).'],
    least: 1,
    run: add,
  },
  { name: 'conf', summary: 'List the hosts', usage: ['conf'], details: ['HOST name, DTID id of its daemon, ARCH, SPEED relative to others, DSIG data format'], least: 0, most: 0, run: conf },
  {
    name: 'delete',
    summary: 'Move all tasks away from hosts and take them out',
    usage: ['delete HOST ...'],
    details: ['A task that cannot be moved is ended; `drain` first to see which.'],
    least: 1,
    run: remove,
  },
  { name: 'halt', summary: 'End all tasks, all daemons and this console', usage: ['halt'], least: 0, most: 0, run: (context) => void (context.ending = { how: 'halt' }) },
  { name: 'mstat', summary: 'Show whether hosts are up', usage: ['mstat HOST ...'], least: 1, run: mstat },
];
