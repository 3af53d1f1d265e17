/** One task, moved thousands of times: does anything grow, does a move take longer than at the beginning? */
import { readdirSync, readFileSync } from 'node:fs';
import { median } from '../messages/points.js';
import { time } from '../messages/table.js';
import { Lab } from '../../test/lab/lab.js';
import { programPath } from './grounds.js';
import { TaskRun } from '../../test/lab/task-run.js';
import { join } from 'node:path';

interface State {
  moves: number;
  /** Of the task: resident bytes, mappings, descriptors. Of the daemons of both nodes: resident bytes and descriptors. */
  task: number;
  maps: number;
  files: number;
  daemons: number;
  daemonFiles: number;
}

const resident = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function look(lab: Lab, moves: number, pid: number): State {
  const daemons = ['n2', 'n3'].map((node) => lab.daemonPid(node));
  const sum = (of: (pid: number) => number): number => daemons.reduce((all, one) => all + of(one), 0);
  return { moves, task: resident(pid), maps: readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').length, files: descriptors(pid), daemons: sum(resident), daemonFiles: sum(descriptors) };
}

export async function soak(moves: number, say: (line: string) => void, told: () => boolean): Promise<number> {
  const lab = await Lab.start({ nodes: 3 });
  try {
    const task = await TaskRun.start(lab.control.run({ program: programPath('dirtier'), argv: ['8', '10', join(lab.directory, 'diary')], count: 1, node: 'n2', directory: lab.directory }));
    await task.printed('dirtier ready');
    const every = Math.max(1, Math.floor(moves / 10));
    let totals: number[] = [], downtimes: number[] = [];
    for (let i = 1; i <= moves && !told(); i++) {
      const { totalUs = 0, downtimeUs = 0 } = await lab.move(task.tid, i % 2 ? 'n3' : 'n2');
      totals.push(totalUs!);
      downtimes.push(downtimeUs!);
      if (i % every !== 0) continue;
      const state = look(lab, i, (await lab.task(task.tid))?.pid ?? 0);
      say(`${i} moves: total ${time(median(totals) / 1e6)}, downtime ${time(median(downtimes) / 1e6)}; task ${mib(state.task)}, ${state.maps} mappings, ${state.files} descriptors; daemons ${mib(state.daemons)}, ${state.daemonFiles} descriptors`);
      [totals, downtimes] = [[], []];
    }
    await lab.control.signal({ tid: task.tid, signum: 15 });
    await task.finish();
  } finally {
    await lab.stop();
  }
  return 0;
}
