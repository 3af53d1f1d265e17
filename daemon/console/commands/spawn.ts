/** Starting tasks, and those whose output comes here: spawn, jobs. */
import type { Command, Context } from '../context.js';
import { exportedEnvironment } from '../environment.js';
import { taskHeading, taskLine } from '../format.js';
import { consoleSink, fileError, fileSink } from '../job-sinks.js';
import type { JobSink } from '../jobs.js';
import { PvmFailure } from '../link.js';
import { code, errorText, spawnFlag, tidText } from '../pvm.js';
import { readSpawn } from '../spawn-options.js';
import type { SpawnRequest } from '../spawn-options.js';

async function spawn(context: Context, args: readonly string[]): Promise<void> {
  const architectures = new Set((await context.hosts()).map(({ architecture }) => architecture ?? ''));
  const request = readSpawn(args, architectures);
  if (request.program === undefined) {
    context.print('incorrect arg count');
    return;
  }
  if (request.count < 1) {
    context.failed('pvm_spawn', code.BadParam);
    return;
  }
  if (request.trace) context.parts.front.complain('pvm: spawn -@: tasks are not traced in this version\n');
  const job = request.output === undefined ? undefined : openJob(context, request.output);
  if (job === 'failed') return;
  const tids = await start(context, request, job);
  if (job !== undefined) context.parts.jobs.started(job, tids.filter((tid) => tid > 0));
  context.print(`${tids.filter((tid) => tid > 0).length} successful`, ...tids.map((tid) => (tid > 0 ? tidText(tid) : errorText(tid))));
}

/** Its number. */
function openJob(context: Context, output: NonNullable<SpawnRequest['output']>): number | 'failed' {
  const { jobs, front } = context.parts;
  const number = jobs.next();
  context.print(`[${number}]`);
  let sink: JobSink;
  try {
    sink = output.file === '' ? consoleSink(front) : fileSink(output.file, output.append, (text) => front.complain(text));
  } catch (error) {
    front.complain(fileError(output.file, error));
    return 'failed';
  }
  jobs.open(number, sink);
  return number;
}

async function start(context: Context, request: SpawnRequest, job: number | undefined): Promise<number[]> {
  const { link, parts } = context;
  const inherited = {
    outputTid: job === undefined ? 0 : link.tid,
    outputTag: job,
    traceOptions: parts.options.value('PvmTraceOptions'),
    traceBuffer: parts.options.value('PvmTraceBuffer'),
    traceMask: parts.tracing.mask,
  };
  try {
    const answer = await link.ask({
      spawn: {
        program: request.program,
        argv: [...request.argv],
        flags: request.flags | spawnFlag.NoSpawnParent,
        where: request.where,
        count: request.count,
        environment: exportedEnvironment(process.env),
        inherited,
      },
    });
    return answer.tids?.tids ?? [];
  } catch (error) {
    if (!(error instanceof PvmFailure)) throw error;
    context.failed('pvm_spawn', error.code);
    return new Array<number>(request.count).fill(error.code);
  }
}

async function jobs(context: Context, [flag = '']: readonly string[]): Promise<void> {
  const list = context.parts.jobs.list();
  if (!flag.startsWith('-l')) {
    context.print(...list.map(({ number, tasks }) => ` ${number}:${tasks.map((tid) => ` ${tidText(tid)}`).join('')}`));
    return;
  }
  context.print(taskHeading(false));
  const names = new Map((await context.hosts()).map(({ tid, name }) => [tid, name]));
  for (const { number, tasks } of list) {
    context.print(` ${number}:`);
    for (const tid of tasks) {
      const [info] = (await context.call('pvm_tasks', () => context.tasks(tid))) ?? [];
      context.print(info ? taskLine(info, names.get(info.host) ?? '', context.link.tid, false) : ` ${tidText(tid)}`);
    }
  }
}

export const spawnCommands: readonly Command[] = [
  { name: 'jobs', summary: 'List the jobs whose output comes here', usage: ['jobs [-l]'], details: ['-l  with a line for each task'], least: 0, most: 1, run: jobs },
  {
    name: 'spawn',
    summary: 'Start a program',
    usage: ['spawn [OPTION ...] PROGRAM [ARGUMENT ...]'],
    details: [
      '-N          so many tasks, not one',
      '-HOST       on this host; "." is the one that this console is on',
      '-ARCH       on hosts of this architecture',
      '--host=HOST on this host, whatever it is called',
      '...:DIR     behind any of these three, or alone (-:DIR): in this directory',
      '-?          under a debugger',
      '->          show the output here: a job',
      '->FILE      its output into a new file',
      '->>FILE     its output behind what is in a file',
      '-@, -@FILE  trace the job, here or into a file (not built in this version)',
    ],
    least: 1,
    run: spawn,
  },
];
