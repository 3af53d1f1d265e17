/** What PVM does not have: the verbs of `mpvm` about nodes and moves, with their own options and output. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../../native/index.js';
import type { Command, Context } from '../context.js';

/** The command itself does it, and has the terminal meanwhile: Ctrl-C stops it, not the console. */
function verb(name: string): Command['run'] {
  return (context: Context, args: readonly string[]) => {
    const { front, session } = context.parts;
    const words = [join(projectRoot(), 'bin/mpvm'), name, ...args, '--name', session.name];
    const input = front.echoes ? 'inherit' : 'ignore';
    return front.lend(() => new Promise<void>((resolve, reject) => {
      const child = spawn(process.execPath, words, { env: { ...process.env, MPVM_DIR: session.base }, stdio: [input, 'inherit', 'inherit'] });
      child.once('error', reject);
      child.once('close', () => resolve());
    }));
  };
}

const more = (name: string): string[] => [`${name} --help lists its options.`];

export const moveCommands: readonly Command[] = [
  { name: 'cordon', own: true, summary: 'Let no new tasks start or arrive on nodes', usage: ['cordon NODE ... [--reason TEXT]'], details: more('cordon'), least: 1, run: verb('cordon') },
  { name: 'drain', own: true, summary: 'Cordon nodes and move all their tasks away', usage: ['drain NODE ... [OPTION ...]'], details: more('drain'), least: 1, run: verb('drain') },
  { name: 'explain', own: true, summary: 'Can a task move, and if not, why', usage: ['explain TID [--to NODE]'], details: more('explain'), least: 1, run: verb('explain') },
  { name: 'migrate', own: true, summary: 'Move tasks to another node while they run', usage: ['migrate TID ... --to NODE'], details: more('migrate'), least: 1, run: verb('migrate') },
  { name: 'migrations', own: true, summary: 'List moves, or show the timeline of one', usage: ['migrations [ID]'], details: more('migrations'), least: 0, run: verb('migrations') },
  { name: 'uncordon', own: true, summary: 'Let nodes take tasks again', usage: ['uncordon NODE ...'], details: more('uncordon'), least: 1, run: verb('uncordon') },
];
