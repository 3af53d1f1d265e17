/** Service Node, for the other daemons: everything is done by the parts that own it. */
import { MpvmError } from '../errors.js';
import type { Balancing, Migrations, Tasks } from '../contracts.js';
import type { GroupPages } from '../vm/group-pages.js';
import type { Monitor } from '../activity/monitor.js';
import { Once } from './once.js';
import type { ImplementationOf } from './server.js';
import type { nodeService } from './services.js';

export interface Parts {
  tasks: Tasks;
  migrations: Migrations;
  balancing: Balancing;
  monitor: Monitor;
}

/**
 * `parts` resolves when the node is complete: the port is open before, because joining needs it,
 * and a call that comes in between waits. It rejects when the daemon stops. `retire`: the registry sends this node home.
 */
export function nodeImplementation(name: string, pages: GroupPages, parts: () => Promise<Parts>, retire: (caller: string | undefined, reason: string) => void): ImplementationOf<typeof nodeService> {
  const tasks = async (): Promise<Tasks> => (await parts()).tasks;
  const once = new Once();
  const migrations = async (): Promise<Migrations> => (await parts()).migrations;
  const balancing = async (): Promise<Balancing> => (await parts()).balancing;
  return {
    ping: () => ({ timeUs: Date.now() * 1000, name }),
    spawn: async (request) => (await tasks()).spawn(request),
    introduce: async (request) => {
      (await tasks()).introduced(request);
      return {};
    },
    signal: ({ tid, signum, group, call }) =>
      once.run(call, async () => {
        const status = (await tasks()).signal(tid, signum, group);
        if (status >= 0) return { status };
        const error = new MpvmError('TASK_UNKNOWN', { tid: `t${tid.toString(16)}` });
        return { status, code: error.code, text: error.message };
      }),
    listTasks: async (request) => (await tasks()).rows(request),
    resolve: async (request) => (await tasks()).resolve(request),
    watch: async (request) => {
      (await tasks()).watch(request);
      return {};
    },
    taskEnded: async (notice) => {
      (await tasks()).taskEnded(notice);
      return {};
    },
    deliver: (request) =>
      once.run(request.call, async () => {
        await (await tasks()).accept(request);
        return {};
      }),
    output: (request) =>
      once.run(request.call, async () => {
        await (await tasks()).output(request);
        return {};
      }),
    groupPage: (request) => pages.handle(request),
    explain: async (request) => (await migrations()).explainInbound(request),
    async *inbound(request, { signal }) {
      yield* (await migrations()).inbound(request, signal);
    },
    handover: async (request) => {
      await (await migrations()).handover(request);
      return {};
    },
    putImage: async (part) => {
      await (await migrations()).image(part);
      return {};
    },
    async *migrate(request) {
      (await balancing()).linger(request.tid, false); // a priority would go along with the process
      yield* (await migrations()).migrate(request);
    },
    cancelMigration: async ({ id }) => (await migrations()).cancel(id),
    listMigrations: async () => ({ migrations: (await migrations()).list() }),
    explainTask: async (request) => (await migrations()).explain(request),
    limit: async ({ set, bytesPerSecond }) => ({ bytesPerSecond: (await migrations()).bandwidth(set ? bytesPerSecond : undefined) }),
    sample: async (request) => (await balancing()).sample(request),
    linger: async ({ tid, on }) => {
      (await balancing()).linger(tid, on);
      return {};
    },
    async *follow(request, { signal }) {
      yield* (await parts()).monitor.follow(request, signal);
    },
    async *balance(request, { signal }) {
      yield* (await balancing()).balance(request, signal);
    },
    balanceStatus: async () => (await balancing()).status(),
    stopBalance: async () => {
      await (await balancing()).stop();
      return {};
    },
    retire: ({ reason }, { caller }) => {
      retire(caller, reason);
      return {};
    },
  };
}
