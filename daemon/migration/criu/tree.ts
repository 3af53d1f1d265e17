/** A task and its children as processes: who they are, and what is done to all of them at once. */
import { killExactly, processStartTime } from '../../native/index.js';
import { parseStatus, ProcessGone, ProcessView } from '../proc.js';

const { SIGCONT, SIGKILL } = { SIGCONT: 18, SIGKILL: 9 } as const;
/** So many numbers in a row that criu has for itself where it rebuilds the task. */
const roomForOthers = 256;

/** As this daemon sees them, the task's own process first. What has ended meanwhile is left out. */
export function processTree(pid: number): number[] {
  try {
    return [pid, ...new ProcessView(pid).children().flatMap(processTree)];
  } catch (error) {
    if (error instanceof ProcessGone) return [];
    throw error;
  }
}

/** Of all its processes and threads, as they know themselves; the task's own first. */
export function numbersInside(pids: readonly number[]): number[] {
  return pids.flatMap((pid) => {
    try {
      const view = new ProcessView(pid);
      const numbers = view.threads().map(({ tid }) => last(view.threadStatus(tid).get('NSpid')));
      const own = last(view.status().get('NSpid'));
      return [own, ...numbers.filter((number) => number !== own && number > 0)];
    } catch (error) {
      if (error instanceof ProcessGone) return [];
      throw error;
    }
  });
}
const last = (numbers: string | undefined): number => Number(numbers?.split(/\s+/).at(-1) ?? 0);

/** Was its session begun by somebody who does not come along? */
export function sessionIsForeign(pid: number): boolean {
  const session = last(parseStatus(new ProcessView(pid).read('status')).get('NSsid'));
  return !numbersInside(processTree(pid)).includes(session);
}

/** A number after which `roomForOthers` are free. */
export function numbersToStartAfter(taken: readonly number[]): number {
  const sorted = [...taken].sort((a, b) => a - b);
  let free = roomForOthers;
  for (const number of sorted) if (number >= free && number < free + roomForOthers) free = number + 1;
  return free;
}

/** Its children go on; it does so itself. */
export function continueTree(pid: number): void {
  signalBelow(pid, SIGCONT);
}
/** Its children end with this copy of it. */
export function killBelow(pid: number): void {
  signalBelow(pid, SIGKILL);
}
/** The task's own process goes on. */
export function continueRoot(pid: number): void {
  signal(pid, SIGCONT);
}

function signalBelow(pid: number, number: number): void {
  for (const child of processTree(pid).slice(1)) signal(child, number);
}
function signal(pid: number, number: number): void {
  const start = processStartTime(pid);
  if (start !== undefined) killExactly(pid, start, number);
}
