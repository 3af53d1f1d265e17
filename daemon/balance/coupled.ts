/**
 * What tasks that wait for each other want of processors. One that sleeps because its peers are slow
 * would sleep less if they were not: what it slept says nothing. Of tasks that exchange messages the one
 * that ran or waited for a processor longest sets the pace; the others would keep up with it as their
 * work compares with the largest. Pure.
 */
import type { mpvm } from '../rpc/messages.js';

/** Who exchanges less than this does not wait for each other. */
const leastMessagesPerSecond = 0.5;

type Sample = mpvm.node.ITaskSample;

/** Demands by tid: as measured, or what the pace of its peers would allow, whichever is more. */
export function coupledDemands(tasks: readonly Sample[]): Map<number, number> {
  const groups = groupsOf(tasks);
  const pace = new Map<number, { ran: number; runnable: number }>();
  for (const task of tasks) {
    const group = groups.get(task.tid ?? 0)!;
    const now = pace.get(group) ?? { ran: 0, runnable: 0 };
    pace.set(group, { ran: Math.max(now.ran, task.ran ?? 0), runnable: Math.max(now.runnable, task.runnable ?? 0) });
  }
  return new Map(tasks.map((task) => {
    const { ran, runnable } = pace.get(groups.get(task.tid ?? 0)!)!;
    return [task.tid ?? 0, Math.max(task.demand ?? 0, ran > 0 ? ((task.ran ?? 0) / ran) * runnable : 0)];
  }));
}

/** Each tid with the tid that stands for all that it exchanges messages with, directly or not. */
function groupsOf(tasks: readonly Sample[]): Map<number, number> {
  const parent = new Map(tasks.map(({ tid }) => [tid ?? 0, tid ?? 0]));
  const root = (of: number): number => {
    let at = of;
    while (parent.get(at) !== at) at = parent.get(at)!;
    parent.set(of, at);
    return at;
  };
  for (const { tid, sends } of tasks) {
    for (const { to, messagesPerSecond } of sends ?? []) {
      if (parent.has(to ?? 0) && (messagesPerSecond ?? 0) >= leastMessagesPerSecond) parent.set(root(to ?? 0), root(tid ?? 0));
    }
  }
  return new Map([...parent.keys()].map((tid) => [tid, root(tid)]));
}
