/** pvm_spawn: over the VM, then on each node. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asMpvmError, errnoOf } from '../errors.js';
import { cpuFeatures } from '../native/index.js';
import { mpvm } from '../rpc/messages.js';
import { bindTo, commonFeatures, wantsBaseline } from '../schedule/baseline.js';
import { architecture, pvm, spawnFlag, taskFlag } from './codes.js';
import type { Core } from './core.js';
import { type Officers, withTracer } from './officers.js';
import { place, type Candidate } from './placement.js';
import { findProgram, startDirectory, taskEnvironment, usableDirectory, type Environment } from './program.js';
import { start, type Started } from './starter.js';

const State = mpvm.node.NodeState;
type SpawnRequest = mpvm.node.ISpawnRequest;
export type SpawnAnywhere = mpvm.task.ISpawn & { parent: number; run?: string; engine?: string; directory?: string };

/** A request for more is refused: no node has so many pids. */
const countLimit = 65536;
/** The event loop gets its turn after so many starts (about a millisecond each). */
const burst = 8;
const spawnTimeoutMs = 120_000;
/** The node that has spawned over several others may have died before it could introduce them. */
const introductionMs = 10_000;

/** A new task as the table takes it in. */
export interface NewTask {
  readonly record: mpvm.node.ITaskRecord;
  readonly cookie: string;
  /** Undefined: a tasker starts it. */
  readonly started: Started | undefined;
}

export interface SpawnerHost {
  /** Undefined when all tids of this node are in use. */
  nextTid(): number | undefined;
  /** Into the table, with its output being read. It is told who it is when `introduced` has been called for it. */
  takeIn(task: NewTask): void;
  /** The tasks of one spawn are all there and may know each other. */
  introduce(tids: readonly number[], siblings: readonly number[]): void;
  /** Tasks with an office that have a say in it. */
  readonly officers: Pick<Officers, 'scheduler' | 'tasker' | 'newcomer' | 'askTasker' | 'begun'>;
}

/** One bit an event in the low four bits of each character; none set. */
const emptyTraceMask = '@'.repeat(35);

const started = (tids: readonly number[] | null | undefined): number[] => (tids ?? []).filter((tid) => tid > 0);

export class Spawner {
  readonly #core: Core;
  readonly #host: SpawnerHost;
  readonly #libraryDirectory: string | undefined;
  /** Host that the round robin served last. */
  #last: number;

  constructor(core: Core, host: SpawnerHost, libraryDirectory: string | undefined) {
    this.#core = core;
    this.#host = host;
    this.#libraryDirectory = libraryDirectory;
    this.#last = core.vm.self.host;
  }

  async anywhere(request: SpawnAnywhere): Promise<{ tids: number[]; detail: string }> {
    const count = request.count ?? 0;
    const refuse = (code: number, detail: string): { tids: number[]; detail: string } => ({ tids: new Array<number>(Math.max(0, count)).fill(code), detail });
    if (count > countLimit) return { tids: [pvm.OutOfRes], detail: `at most ${countLimit} tasks at once` };
    const flags = request.flags ?? 0;
    const where = request.where ?? '';
    const plan = place(this.#candidates(), { flags, where, count, local: this.#core.vm.self.name, after: this.#last });
    if ('code' in plan) return refuse(plan.code, plan.detail);
    this.#last = plan.blocks.at(-1)?.host ?? this.#last;
    const common: SpawnRequest = {
      program: request.program,
      argv: request.argv,
      environment: request.environment,
      directory: plan.directory || request.directory,
      flags,
      parent: flags & spawnFlag.NoSpawnParent ? pvm.ParentNotSet : request.parent,
      context: request.context,
      inherited: request.inherited,
      sink: request.run ? this.#core.vm.self.name : '',
      run: request.run,
      engine: request.engine,
      introduced: plan.blocks.length > 1,
    };
    const replies = await Promise.all(plan.blocks.map((block) => this.onNode(block.node, { ...common, count: block.count })));
    const all = replies.flatMap((reply) => reply.tids ?? []);
    if (common.introduced) this.#introduce(plan.blocks.map((block, index) => ({ node: block.node, tids: started(replies[index]?.tids) })));
    return {
      tids: [...started(all), ...all.filter((tid) => tid <= 0)],
      detail: replies.find((reply) => reply.detail)?.detail ?? '',
    };
  }

  #introduce(parts: { node: string; tids: number[] }[]): void {
    const siblings = parts.flatMap((part) => part.tids);
    for (const { node, tids } of parts) {
      if (node === this.#core.vm.self.name) this.#host.introduce(tids, siblings);
      else {
        this.#core.vm.peer(node).introduce({ tids, siblings }).catch((error: unknown) => {
          this.#core.log.warn({ peer: node, err: error }, 'tasks of a spawn could not be introduced to each other');
        });
      }
    }
  }

  async onNode(node: string, request: SpawnRequest): Promise<mpvm.node.ISpawnReply> {
    if (node === this.#core.vm.self.name) return this.here(request);
    try {
      return await this.#core.vm.peer(node).spawn(request, { timeoutMs: spawnTimeoutMs });
    } catch (thrown) {
      // Not asked again: it may have started them.
      const error = asMpvmError(thrown);
      this.#core.log.warn({ peer: node, code: error.code, err: error.message }, 'spawn failed');
      return { tids: new Array<number>(request.count ?? 0).fill(pvm.HostFail), detail: `${node}: ${error.message}` };
    }
  }

  #candidates(): Candidate[] {
    return this.#core.vm
      .nodes()
      .filter((node) => (node.state ?? 0) === mpvm.node.NodeState.UP)
      .map((node) => ({ name: node.name ?? '', host: node.host ?? 0, cordoned: node.cordoned ?? false, architecture: node.architecture || architecture }));
  }

  /** Service Node, Spawn: on this node. */
  async here(request: SpawnRequest): Promise<mpvm.node.ISpawnReply> {
    const environment: Environment = { ...process.env, PVM_ARCH: process.env['PVM_ARCH'] || architecture };
    const directory = startDirectory(request.directory ?? '', environment);
    const found = this.#command(request, directory, environment);
    const count = Math.min(request.count ?? 0, countLimit);
    // Whoever placed them here had not heard yet: a node that is being emptied must not fill again.
    if (this.#core.vm.nodeNamed(this.#core.vm.self.name)?.cordoned) return { tids: new Array<number>(count).fill(pvm.NoHost), detail: `${this.#core.vm.self.name}: cordoned, takes no new tasks` };
    if ('code' in found) return { tids: new Array<number>(count).fill(found.code), detail: found.detail };
    const tids: number[] = [];
    const codes: number[] = [];
    let detail = '';
    for (let index = 0; index < count; index++) {
      if (index % burst === burst - 1) await new Promise(setImmediate);
      if (this.#core.stopping) {
        codes.push(...new Array<number>(count - index).fill(pvm.HostFail));
        detail = 'the node is stopping';
        break;
      }
      const outcome = this.#one(request, found, usableDirectory(directory), environment);
      if (typeof outcome === 'number') tids.push(outcome);
      else {
        codes.push(outcome.code);
        detail ||= outcome.detail;
      }
    }
    if (request.introduced) setTimeout(() => this.#host.introduce(tids, tids), introductionMs).unref();
    else this.#host.introduce(tids, tids);
    return { tids: [...tids, ...codes], detail };
  }

  #command(request: SpawnRequest, directory: string, environment: Environment): { path: string; argv: string[] } | { code: number; detail: string } {
    const name = request.program ?? '';
    const path = findProgram(name, directory, environment);
    const node = this.#core.vm.self.name;
    if (path === undefined) {
      const where = name.includes('/') ? `from ${directory}` : 'in PVM_PATH';
      return { code: pvm.NoFile, detail: `${node}: no executable file ${name} ${where}` };
    }
    const argv = request.argv ?? [];
    if (((request.flags ?? 0) & spawnFlag.Debug) === 0) return { path, argv };
    const script = environment['PVM_DEBUGGER'] || join(environment['PVM_ROOT'] || '/usr/lib/pvm3', 'lib', 'debugger');
    if (!existsSync(script)) return { code: pvm.NoFile, detail: `${node}: PvmTaskDebug needs ${script}` };
    return { path: script, argv: [path, ...argv] };
  }

  #one(request: SpawnRequest, command: { path: string; argv: string[] }, directory: string, base: Environment): number | { code: number; detail: string } {
    const tid = this.#host.nextTid();
    if (tid === undefined) return { code: pvm.OutOfRes, detail: 'all task ids of the node are in use' };
    const cookie = `${tid.toString(16)}.${randomBytes(12).toString('hex')}`;
    const traced = this.#traced(request);
    const { tasker } = this.#host.officers;
    if (tasker !== 0) return this.#byTasker(tid, cookie, traced, command, tasker);
    const environment = this.#bound(taskEnvironment(base, traced.environment ?? [], this.#identity(cookie, traced), this.#libraryDirectory));
    try {
      const output = join(this.#core.paths.output, `${tid.toString(16)}.0`);
      const started = start({ ...command, directory, environment, output });
      this.#takeIn({ record: this.#record(tid, traced), cookie, started }, request.flags ?? 0);
      return tid;
    } catch (thrown) {
      const errno = errnoOf(thrown) ?? 'an unknown error';
      this.#core.log.warn({ program: command.path, err: thrown }, 'a task cannot be started');
      const missing = ['ENOENT', 'EACCES', 'ENOEXEC', 'ENOTDIR'].includes(errno);
      return { code: missing ? pvm.NoFile : pvm.OutOfRes, detail: `${this.#core.vm.self.name}: ${command.path}: ${errno}` };
    }
  }

  /** To what the processors of all nodes have in common, if the task or the VM wants that. */
  #bound(environment: Environment): Environment {
    const nodes = this.#core.vm.nodes().filter(({ state }) => state === State.UP || state === State.SUSPECT);
    const wanted = environment[wantsBaseline] ?? (nodes.some(({ registry, cpuBaseline }) => registry && cpuBaseline) ? '1' : '');
    if (wanted === '' || wanted === '0') return environment;
    return bindTo(environment, commonFeatures(nodes), cpuFeatures());
  }

  /** The tasker of this node starts it; it becomes a task when it enrols. */
  #byTasker(tid: number, cookie: string, request: SpawnRequest, command: { path: string; argv: string[] }, tasker: number): number {
    const own = this.#bound(taskEnvironment({}, request.environment ?? [], this.#identity(cookie, request), this.#libraryDirectory));
    const environment = Object.entries(own).map(([name, value]) => `${name}=${value ?? ''}`);
    this.#takeIn({ record: { ...this.#record(tid, request), tasker }, cookie, started: undefined }, request.flags ?? 0);
    this.#host.officers.askTasker({ tid, flags: request.flags ?? 0, ...command, environment });
    return tid;
  }

  /** The resource manager hears of tasks that it has not started. */
  #takeIn(task: NewTask, flags: number): void {
    const { scheduler } = this.#host.officers;
    this.#host.officers.begun(task.record, flags);
    if (task.record.scheduler || scheduler === 0) return this.#host.takeIn(task);
    this.#host.takeIn({ ...task, record: { ...task.record, scheduler } });
    this.#host.officers.newcomer(task.record.tid ?? 0);
  }

  /** What nobody else collects goes to the tracer, if there is one. */
  #traced(request: SpawnRequest): SpawnRequest {
    return { ...request, inherited: withTracer(request.inherited ?? {}, this.#core.vm.officer(mpvm.task.Office.TRACER), !request.sink) };
  }

  /** What tells a task who it is, under PVM's names and ours. */
  #identity(cookie: string, request: SpawnRequest): Environment {
    const inherited = request.inherited ?? {};
    return {
      PVMSOCK: this.#core.paths.taskSocket,
      PVMEPID: cookie,
      PVMCTX: `0x${(request.context ?? 0).toString(16)}`,
      PVMTMASK: inherited.traceMask || emptyTraceMask,
      PVMTRCBUF: String(inherited.traceBuffer ?? 0),
      PVMTRCOPT: String(inherited.traceOptions ?? 0),
      MPVM_NAME: this.#core.vm.name,
      MPVM_NODE: this.#core.vm.self.name,
      MPVM_DIR: this.#core.paths.base,
    };
  }

  #record(tid: number, request: SpawnRequest): mpvm.node.ITaskRecord {
    return {
      tid,
      parent: request.parent || pvm.ParentNotSet,
      epoch: 0,
      program: request.program,
      argv: request.argv,
      flags: taskFlag.Forked,
      context: request.context,
      inherited: request.inherited,
      sink: request.sink,
      run: request.run,
      engine: request.engine,
      startedMs: Date.now(),
      scheduler: request.scheduler,
    };
  }
}
