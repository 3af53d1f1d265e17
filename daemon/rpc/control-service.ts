/**
 * Service Control: any node answers for the whole VM. What concerns one task goes to the node that
 * has it; what concerns all is gathered from all that are up.
 */
import { asMpvmError, hasCode, MpvmError } from '../errors.js';
import type { NodeClient, VirtualMachine } from '../contracts.js';
import type { HttpServer } from '../http/server.js';
import { mpvm } from './messages.js';
import { runTasks, spawnRequest } from './run.js';
import type { RunParts } from './run.js';
import type { ImplementationOf } from './server.js';
import type { controlService } from './services.js';
import { watchAll } from './watch.js';
import { watchDrain } from './watch-drain.js';

export interface ControlParts extends RunParts {
  http: Pick<HttpServer, 'open'>;
}

const gatherTimeoutMs = 3000;
/** Moves under way are waited for. */
const stopBalanceTimeoutMs = 60_000;
/** A task may move again while it is being looked for. */
const attempts = 4;
const upStates: readonly (number | null | undefined)[] = [mpvm.node.NodeState.UP, mpvm.node.NodeState.SUSPECT];
const tidText = (tid: number): string => `t${tid.toString(16)}`;

export function controlImplementation(parts: ControlParts): ImplementationOf<typeof controlService> {
  const { vm, tasks } = parts;
  return {
    nodes: () => ({ vm: vm.name, nodes: vm.nodes() }),
    tasks: () => allTasks(parts),
    spawn: async (request) => {
      const { tids, detail } = await tasks.spawnAnywhere(spawnRequest(request));
      return { tids, status: detail ? { status: tids[0] ?? 0, code: tids.some((tid) => tid > 0) ? '' : 'SPAWN_FAILED', text: detail } : {} };
    },
    run: (request, { signal }) => runTasks(parts, request, signal),
    signal: (request) => atTask(vm, request.tid, async (node) => {
      const reply = await node.signal(request);
      if (reply.status < 0) throw unknown(request.tid);
      return reply;
    }),
    async *migrate(request) {
      const stream = await atTask(vm, request.tid, (node) => opened(node.migrate(request)));
      yield* stream;
    },
    cancelMigration: async (request) => {
      const replies = await gather(parts, (node) => node.cancelMigration(request, { timeoutMs: gatherTimeoutMs }));
      return replies.find(({ status, code }) => status >= 0 && !code) ?? replies.find(({ code }) => code !== 'MIGRATION_UNKNOWN') ?? replies[0] ?? {};
    },
    migrations: async () => {
      const replies = await gather(parts, (node) => node.listMigrations({}, { timeoutMs: gatherTimeoutMs }));
      const all = replies.flatMap((reply) => reply.migrations);
      return { migrations: all.sort((a, b) => (a.startedMs ?? 0) - (b.startedMs ?? 0)) };
    },
    explain: (request) => atTask(vm, request.tid, (node) => node.explainTask(request, { timeoutMs: 15_000 })),
    limit: (request) => vm.peer(request.node).limit(request, { timeoutMs: gatherTimeoutMs }),
    cordon: async ({ node, cordoned, reason, user }) => {
      await vm.setCordon(node, cordoned, reason, user);
      return {};
    },
    drain: (request, { signal }) => watchDrain(vm, request, signal),
    cancelDrain: (request) => vm.registry().cancelDrain(request),
    drains: () => vm.registry().drains({}),
    async *balance(request, { signal }) {
      yield* registryNode(vm).balance(request, { signal });
    },
    balanceStatus: () => registryNode(vm).balanceStatus({}),
    stopBalance: () => registryNode(vm).stopBalance({}, { timeoutMs: stopBalanceTimeoutMs }),
    watch: (request, { signal }) => watchAll(vm, () => allTasks(parts), request, signal),
    down: () => {
      // The answer goes out first: the daemon that gives it ends as well.
      setTimeout(() => void vm.shutdown('mpvm down'), 20);
      return { status: 0 };
    },
    openHttp: async (request) => ({ ...(await parts.http.open(request)), node: vm.self.name }),
    addHosts: (request) => vm.registry().addHosts(request),
    deleteHosts: (request) => vm.registry().deleteHosts(request),
    createToken: (request) => vm.registry().createToken(request),
    listTokens: () => vm.registry().listTokens({}),
    revokeToken: async (request) => {
      await vm.registry().revokeToken(request);
      return { status: 0 };
    },
  };
}

/** One node balances the VM: the one that has the log of what was decided. */
function registryNode(vm: VirtualMachine): NodeClient {
  return vm.peer(vm.nodes().find(({ registry }) => registry)?.name ?? vm.self.name);
}

function unknown(tid: number): MpvmError {
  return new MpvmError('TASK_UNKNOWN', { tid: tidText(tid) });
}

async function allTasks(parts: ControlParts): Promise<mpvm.control.ITasksReply> {
  const replies = await gather(parts, (node) => node.listTasks({}, { timeoutMs: gatherTimeoutMs }));
  // While a task moves both ends may tell of it: the newer epoch is right.
  const rows = new Map<number, mpvm.node.ITaskRow>();
  for (const row of replies.flatMap((reply) => reply.tasks)) {
    const known = rows.get(row.tid ?? 0);
    if (!known || (known.epoch ?? 0) <= (row.epoch ?? 0)) rows.set(row.tid ?? 0, row);
  }
  return { tasks: [...rows.values()].sort((a, b) => (a.tid ?? 0) - (b.tid ?? 0)) };
}

/** A node that does not answer is left out; its state in `nodes` says why. */
async function gather<T>({ vm, log }: ControlParts, ask: (node: NodeClient) => Promise<T>): Promise<T[]> {
  const up = vm.nodes().filter(({ state }) => upStates.includes(state ?? 0));
  const answers = await Promise.all(up.map(async ({ name }) => {
    try {
      return [await ask(vm.peer(name ?? ''))];
    } catch (error) {
      log.warn({ peer: name, cause: asMpvmError(error).message }, 'a node does not answer');
      return [];
    }
  }));
  return answers.flat();
}

/** Asks the node where the task is; if it is not there (any more), the one that the registry names. */
async function atTask<T>(vm: VirtualMachine, tid: number, ask: (node: NodeClient) => Promise<T>): Promise<T> {
  let { node } = vm.locate(tid);
  for (let attempt = 1; ; attempt++) {
    if (node === '') throw unknown(tid);
    try {
      return await ask(vm.peer(node));
    } catch (error) {
      if (hasCode(error, 'NODE_DEAD')) throw unknown(tid);
      const elsewhere = hasCode(error, 'TASK_UNKNOWN') || hasCode(error, 'TASK_NOT_HERE');
      if (!elsewhere || attempt >= attempts) throw error;
      const now = await vm.locateSurely(tid).catch(() => ({ node }));
      if (now.node === node && hasCode(error, 'TASK_UNKNOWN')) throw error;
      node = now.node;
    }
  }
}

/** A stream whose first item is here: what is refused at once is refused before anything is passed on. */
async function opened<T>(stream: AsyncIterableIterator<T>): Promise<AsyncIterable<T>> {
  const first = await stream.next();
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* stream;
  })();
}
