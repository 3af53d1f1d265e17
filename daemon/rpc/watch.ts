/** Control.Watch: nodes, tasks and moves as they change; if asked, what tasks do. */
import { followAll } from '../activity/everywhere.js';
import type { VirtualMachine } from '../contracts.js';
import { EventQueue } from '../vm/event-queue.js';
import type { mpvm } from './messages.js';

type WatchEvent = mpvm.control.IWatchEvent;

/** Tasks come and go without telling the whole VM; they are asked for this often. */
const taskIntervalMs = 500;

export async function* watchAll(vm: VirtualMachine, tasks: () => Promise<mpvm.control.ITasksReply>, request: mpvm.control.IWatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  const leaving = new AbortController();
  const queue = new EventQueue<WatchEvent>(signal);
  const nodes = (): void => queue.push({ nodes: { vm: vm.name, nodes: vm.nodes() } });
  const stops = (['nodeUp', 'nodeChanged', 'nodeDown'] as const).map((event) => vm.on(event, nodes));
  let last = '';
  const look = async (): Promise<void> => {
    const reply = await tasks();
    const seen = JSON.stringify(reply.tasks?.map(({ tid, node, state, epoch, pid }) => [tid, node, state, epoch, pid]));
    if (seen !== last) queue.push({ tasks: reply });
    last = seen;
  };
  const timer = setInterval(() => void look().catch(() => undefined), taskIntervalMs);
  followAll(vm, { activity: request.activity }, (event) => queue.push(event.migration ? { migration: event.migration } : { activity: event.activity }), leaving.signal);
  try {
    nodes();
    await look();
    yield* queue;
  } finally {
    for (const stop of stops) stop();
    leaving.abort();
    clearInterval(timer);
  }
}
