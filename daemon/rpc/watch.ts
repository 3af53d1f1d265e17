/** Control.Watch: nodes, tasks and migrations as they change. */
import type { VirtualMachine } from '../contracts.js';
import { EventQueue } from '../vm/event-queue.js';
import type { mpvm } from './messages.js';

type WatchEvent = mpvm.control.IWatchEvent;

/** Whoever is to be told of every change of a migration. */
export type MigrationNews = Set<(migration: mpvm.node.IMigrationInfo) => void>;

/** Tasks come and go without telling the whole VM; they are asked for this often. */
const taskIntervalMs = 500;

export async function* watchAll(vm: VirtualMachine, migrations: MigrationNews, tasks: () => Promise<mpvm.control.ITasksReply>, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  const queue = new EventQueue<WatchEvent>(signal);
  const nodes = (): void => queue.push({ nodes: { vm: vm.name, nodes: vm.nodes() } });
  const stops = (['nodeUp', 'nodeChanged', 'nodeDown'] as const).map((event) => vm.on(event, nodes));
  const tell = (migration: mpvm.node.IMigrationInfo): void => queue.push({ migration });
  migrations.add(tell);
  let last = '';
  const look = async (): Promise<void> => {
    const reply = await tasks();
    const seen = JSON.stringify(reply.tasks?.map(({ tid, node, state, epoch, pid }) => [tid, node, state, epoch, pid]));
    if (seen !== last) queue.push({ tasks: reply });
    last = seen;
  };
  const timer = setInterval(() => void look().catch(() => undefined), taskIntervalMs);
  try {
    nodes();
    await look();
    yield* queue;
  } finally {
    for (const stop of stops) stop();
    migrations.delete(tell);
    clearInterval(timer);
  }
}
