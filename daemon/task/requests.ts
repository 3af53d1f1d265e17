/**
 * What a task may ask of its daemon, one handler for each body of ToDaemon. An answer is
 * delivered like any other frame: when it comes after the task has moved, it follows.
 */
import type { Tasks } from '../contracts.js';
import { asMpvmError } from '../errors.js';
import { mpvm } from '../rpc/messages.js';
import { architecture, dataSignature, hostOf, hostSpeed, localOf, namedFlag, pvm, taskFlag, tidText } from './codes.js';
import type { Core } from './core.js';
import type { TaskEntry } from './entry.js';
import type { Notices } from './notices.js';
import type { Officers } from './officers.js';
import type { Resolver } from './resolver.js';
import type { Router } from './router.js';
import { tickle } from './tickle.js';

type Answer = mpvm.task.IToTask;
type Frame = mpvm.task.ToDaemon;
/** What a task waits for with `signal` ends with the task. Undefined: the answer comes from elsewhere. */
type Handler = (entry: TaskEntry, frame: Frame, signal: AbortSignal) => Promise<Answer | undefined> | Answer;

export interface Services {
  readonly core: Core;
  readonly tasks: Tasks;
  readonly router: Router;
  readonly resolver: Resolver;
  readonly notices: Notices;
  readonly officers: Officers;
  /** pvm_kill and pvm_sendsig, anywhere. */
  readonly signalAnywhere: (tid: number, signum: number) => void;
}

const peerTimeoutMs = 5000;

export class Requests {
  readonly #services: Services;
  readonly #handlers: Partial<Record<NonNullable<Frame['body']>, Handler>>;
  readonly #aborts = new WeakMap<TaskEntry, AbortController>();

  constructor(services: Services) {
    this.#services = services;
    this.#handlers = handlersFor(services);
  }

  /** pvm_addhosts: for each name the host, or why not. */
  async addHosts(names: string[]): Promise<(mpvm.task.IHostInfo | number)[]> {
    const { core } = this.#services;
    const codes: number[] = names.map(() => pvm.CantStart);
    for await (const { result } of core.vm.registry().addHosts({ hosts: names })) {
      if (result) codes[result.index ?? 0] = result.status ?? pvm.CantStart;
    }
    const hosts = hostList(core);
    return codes.map((code) => hosts.find((host) => host.tid === code) ?? code);
  }

  /** False for a body that is no request. */
  handle(entry: TaskEntry, frame: Frame): boolean {
    const handler = frame.body === undefined ? undefined : this.#handlers[frame.body];
    if (handler === undefined) return false;
    void this.#answer(entry, frame, handler);
    return true;
  }

  /** The task has ended: nobody waits any more. */
  abandon(entry: TaskEntry): void {
    this.#aborts.get(entry)?.abort();
  }

  async #answer(entry: TaskEntry, frame: Frame, handler: Handler): Promise<void> {
    let answer: Answer | undefined;
    let abort = this.#aborts.get(entry);
    if (abort === undefined) this.#aborts.set(entry, (abort = new AbortController()));
    try {
      answer = await handler(entry, frame, abort.signal);
    } catch (thrown) {
      const error = asMpvmError(thrown);
      if (abort.signal.aborted || this.#services.core.stopping) return;
      this.#services.core.log.warn({ tid: tidText(entry.tid), request: frame.body, code: error.code, err: error.message }, 'request of a task failed');
      answer = { status: pvm.SysErr };
    }
    if (frame.request !== 0 && answer) entry.deliver([{ ...answer, request: frame.request }]);
  }
}

function handlersFor({ core, tasks, router, resolver, notices, officers, signalAnywhere }: Services): Partial<Record<NonNullable<Frame['body']>, Handler>> {
  const { vm } = core;
  return {
    resolve: async (entry, frame) => {
      const tid = frame.resolve?.tid ?? 0;
      const later = (): void => entry.deliver([{ request: frame.request, route: { tid, state: mpvm.task.Route.State.LATER } }]);
      return { route: await resolver.forTask(frame.resolve ?? {}, later) };
    },

    spawn: async (entry, frame) => {
      const request = frame.spawn ?? {};
      if ((request.count ?? 0) < 1) return { status: pvm.BadParam };
      const { tids, detail } = await tasks.spawnAnywhere({ ...request, parent: entry.tid });
      if (detail !== '') core.log.info({ tid: tidText(entry.tid), program: request.program, detail }, 'spawn not complete');
      return { status: tids.filter((tid) => tid > 0).length, tids: { tids } };
    },

    signal: (_entry, frame) => {
      signalAnywhere(frame.signal?.tid ?? 0, frame.signal?.signum ?? 0);
      return { status: pvm.Ok };
    },

    listTasks: async (_entry, frame) => listTasks(core, router, resolver, frame.listTasks?.where ?? 0),

    listHosts: () => {
      const hosts = hostList(core);
      return { status: hosts.length, hostList: { hosts, architectures: 1 } };
    },

    taskStatus: async (_entry, frame) => ({ status: (await resolver.find(frame.taskStatus?.tid ?? 0)) ? pvm.Ok : pvm.NoTask }),

    hostStatus: (_entry, frame) => {
      const name = frame.hostStatus?.name ?? '';
      const node = vm.nodeNamed(name === '.' ? vm.self.name : name);
      if (node === undefined || node.state === mpvm.node.NodeState.LEFT) return { status: pvm.NoHost };
      return { status: (node.state ?? 0) === mpvm.node.NodeState.UP ? pvm.Ok : pvm.HostFail };
    },

    notify: (entry, frame) => {
      const status = notices.request(entry, frame.notify ?? {});
      core.writeDown();
      return { status };
    },

    hostTime: async (_entry, frame) => {
      const node = vm.nodeOfHost(hostOf(frame.hostTime?.host ?? 0));
      if (node === undefined || router.isGone(node.name ?? '')) return { status: pvm.NoHost };
      const reply = await vm.peer(node.name ?? '').ping({}, { timeoutMs: peerTimeoutMs });
      return { hostTime: { microseconds: reply.timeUs } };
    },

    newContext: async (entry, _frame, signal) => ({ status: (await vm.registry().newContext({ tid: entry.tid }, { signal })).status }),
    freeContext: async (entry, frame, signal) => ({
      status: (await vm.registry().freeContext({ tid: entry.tid, context: frame.freeContext?.context }, { signal })).status,
    }),

    group: async (entry, frame, signal) => {
      const reply = await vm.registry().group({ tid: entry.tid, group: frame.group }, { signal });
      return { status: reply.status, group: reply.reply };
    },

    mailboxPut: (entry, frame, signal) => mailbox(core, { tid: entry.tid, put: frame.mailboxPut }, signal),
    mailboxGet: (entry, frame, signal) => mailbox(core, { tid: entry.tid, get: frame.mailboxGet }, signal),
    mailboxDelete: (entry, frame, signal) => mailbox(core, { tid: entry.tid, delete: frame.mailboxDelete }, signal),
    mailboxList: (entry, frame, signal) => mailbox(core, { tid: entry.tid, list: frame.mailboxList }, signal),
    mailboxReset: (entry, frame, signal) => mailbox(core, { tid: entry.tid, reset: frame.mailboxReset }, signal),

    registerOffice: (entry, frame) => officers.register(entry, frame.registerOffice ?? {}),
    post: async (entry, frame) => {
      await officers.post(entry, frame.post ?? {});
      return { status: pvm.Ok };
    },
    tickle: (entry, frame) => ({ status: pvm.Ok, tickled: { tids: tickle(core, entry, frame.tickle?.arguments ?? []) } }),
    setSinks: (entry, frame) => {
      entry.amend({ inherited: { ...entry.record.inherited, ...frame.setSinks?.sinks } });
      return { status: pvm.Ok };
    },

    // Answered by the registry's node, which does it: this one may be among those that leave.
    addHosts: async (entry, frame) => {
      const hosts = frame.addHosts?.names ?? [];
      return toTheEnd(vm.registry().addHosts({ hosts, asker: { tid: entry.tid, request: frame.request } }));
    },
    delHosts: async (entry, frame) => {
      const hosts = frame.delHosts?.names ?? [];
      const reason = `pvm_delhosts by ${tidText(entry.tid)}`;
      return toTheEnd(vm.registry().deleteHosts({ hosts, force: true, reason, asker: { tid: entry.tid, request: frame.request } }));
    },

    halt: (entry) => {
      // Not waited for: the end of the VM is the end of the task that asked.
      vm.shutdown(`pvm_halt by ${tidText(entry.tid)}`).catch((error: unknown) => core.log.error({ err: error }, 'halt'));
      return { status: pvm.Ok };
    },
  };
}

/** Rejects when the registry is lost meanwhile: then nobody else answers. */
async function toTheEnd(events: AsyncIterable<mpvm.node.IHostEvent>): Promise<undefined> {
  for await (const _ of events);
  return undefined;
}

async function mailbox(core: Core, request: mpvm.node.IMailboxRequest, signal: AbortSignal): Promise<Answer> {
  const reply = await core.vm.registry().mailbox(request, { signal });
  return { status: reply.status, mailboxEntry: reply.entry, mailboxClasses: reply.classes };
}

function hostList(core: Core): mpvm.task.IHostInfo[] {
  return reachable(core).map((node) => ({ tid: node.host, name: node.name, architecture: node.architecture || architecture, speed: node.speed || hostSpeed, dataSignature }));
}

/** Hosts that are part of the VM now, in the order of their host parts. */
function reachable(core: Core): mpvm.node.INodeInfo[] {
  const { UP, SUSPECT } = mpvm.node.NodeState;
  return core.vm
    .nodes()
    .filter((node) => (node.state ?? UP) === UP || node.state === SUSPECT)
    .sort((a, b) => (a.host ?? 0) - (b.host ?? 0));
}

/** pvm_tasks: all (0), those of a host, or one. */
async function listTasks(core: Core, router: Router, resolver: Resolver, where: number): Promise<Answer> {
  const all = reachable(core);
  const nodes = where === 0 ? all : all.filter((node) => node.host === hostOf(where));
  if (nodes.length === 0) return { status: pvm.NoHost };
  if (localOf(where) !== 0) {
    const found = await resolver.find(where);
    if (found === undefined) return { status: pvm.Ok, taskList: { tasks: [] } };
    return { status: 1, taskList: { tasks: [taskInfo(found.row, core.vm.nodeNamed(found.node)?.host ?? 0)] } };
  }
  const lists = await Promise.all(
    nodes.map(async (node) => {
      const reply = await router.ask(node.name ?? '', (client) => client.listTasks({}, { timeoutMs: peerTimeoutMs }));
      return (reply?.tasks ?? []).map((row) => taskInfo(row, node.host ?? 0));
    }),
  );
  const tasks = lists.flat();
  return { status: tasks.length, taskList: { tasks } };
}

function taskInfo(row: mpvm.node.ITaskRow, host: number): mpvm.task.ITaskInfo {
  const flags = row.flags ?? 0;
  // PVM knows the names of the programs it has started, and names that programs have given themselves.
  const program = flags & (taskFlag.Forked | namedFlag) ? row.program : '';
  return { tid: row.tid, parent: row.parent, host, flags: flags & ~namedFlag, program, pid: row.pid };
}
