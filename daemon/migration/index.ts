/** Moves in both directions: the face of daemon/migration. */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LocalTask, Migrations, MoveOutcome, Tasks, VirtualMachine } from '../contracts.js';
import { asMpvmError, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { projectRoot } from '../native/index.js';
import { readSettings, writeSettings } from '../hosts/settings.js';
import type { NodePaths } from '../paths.js';
import type { mpvm } from '../rpc/messages.js';
import { stopping } from './blockers.js';
import type { Blocker } from './blockers.js';
import { settleDoubt } from './doubt.js';
import { choose, examine } from './choose.js';
import type { Examined } from './choose.js';
import { candidates, engineNamed, tidText } from './engine.js';
import type { Engine, NodeFolders } from './engine.js';
import { nativeEngine } from './native.js';
import { createCriuEngine } from './criu/engine.js';
import { continueTree, killBelow } from './criu/tree.js';
import { checkFault } from './faults.js';
import { InboundMove } from './inbound.js';
import { judge } from './judge.js';
import { OutboundMove } from './outbound.js';
import { learn, limitPredictions } from './predict.js';
import { likelyTracking } from './tracking.js';

type Info = mpvm.node.IMigrationInfo;

const historyLimit = 1000;
/** How long a program that has just been spawned may take until it has enrolled. */
const startingLimitMs = 5000;
/** The first time somebody asks, an engine may have to be tried. */
const explainMs = 25_000;

export interface MigrationOptions {
  vm: VirtualMachine;
  tasks: Tasks;
  paths: NodePaths;
  log: Logger;
  /** The daemon was started with --faults: requests may name a fault to inject. */
  faults: boolean;
  /** The program that becomes an arriving task; by default the one this checkout has built. */
  restorer?: string;
}

export function createMigrations(options: MigrationOptions): Migrations {
  return new NodeMigrations(options);
}

class NodeMigrations implements Migrations {
  readonly #options: MigrationOptions;
  readonly #node: NodeFolders;
  readonly #restorer: string;
  readonly #engines: readonly Engine[];
  readonly #log: Logger;
  readonly #emitter = new EventEmitter();
  /** Bytes a second that all moves from here may take together while they copy; 0: no limit. */
  #bandwidth: number;
  /** By tid: one move a task. */
  readonly #outbound = new Map<number, OutboundMove>();
  readonly #inbound = new Map<string, InboundMove>();
  /** Bytes that arriving tasks will need, by migration. */
  readonly #reserved = new Map<string, number>();
  /** Newest last. */
  readonly #history = new Map<string, Info>();

  constructor(options: MigrationOptions) {
    this.#options = options;
    this.#log = options.log.child({ part: 'migration' });
    this.#bandwidth = readSettings(options.paths).bandwidth ?? 0;
    limitPredictions(this.#bandwidth);
    this.#node = { taskSockets: options.paths.taskSockets, output: options.paths.output };
    this.#restorer = options.restorer ?? process.env['MPVM_RESTORER'] ?? join(projectRoot(), 'build', 'bin', 'mpvm-restorer');
    this.#engines = [nativeEngine, createCriuEngine(options.paths)];
    options.tasks.on('migrationFrame', (task, frame) => this.#onFrame(task, frame));
    options.tasks.on('ended', (task) => {
      this.#outbound.get(task.tid)?.onEnded();
      for (const move of this.#inbound.values()) if (move.tid === task.tid) move.onEnded();
    });
    options.vm.on('nodeDown', ({ name }) => {
      for (const move of this.#outbound.values()) move.onNodeDown(name ?? '');
    });
  }

  #onFrame(task: LocalTask, frame: mpvm.task.IToDaemon): void {
    if (frame.resumed) {
      this.#inbound.get(frame.resumed.id ?? '')?.onFrame(frame);
      return;
    }
    const id = (frame.migrationProgress ?? frame.freezeRequest ?? frame.migrationFailed ?? frame.imageSent ?? frame.letGo)?.id;
    const move = this.#outbound.get(task.tid);
    if (move !== undefined && (move.id === id || !id)) move.onFrame(frame);
    else this.#log.debug({ tid: tidText(task.tid), id }, 'a word about a move that is over');
  }

  // ---------------------------------------------------------------- source

  async *migrate(request: mpvm.node.IMigrateRequest): AsyncGenerator<mpvm.node.IMigrationEvent, void> {
    await this.#enrolled(request.tid ?? 0);
    const move = this.#begin(request);
    yield* move.watchers.watch();
  }

  /** Whoever spawns a task and moves it at once means that task: it is given a moment to enrol, or to settle here. */
  async #enrolled(tid: number): Promise<void> {
    const task = this.#options.tasks.get(tid);
    if (task?.state !== 'starting' && task?.state !== 'arriving') return;
    const patience = new AbortController();
    await Promise.race([task.reachable(), delay(startingLimitMs, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
    if (task.state === 'starting') throw new MpvmError('TASK_NOT_ENROLLED', { tid: tidText(tid), program: task.program });
  }

  #begin(request: mpvm.node.IMigrateRequest): OutboundMove {
    const { vm, faults } = this.#options;
    const task = this.#taskFor(request.tid ?? 0);
    this.#checkDestination(request.tid ?? 0, request.to ?? '');
    const engines = candidates(this.#engines, request.engine, task);
    const fault = checkFault(request.fault, faults);
    const under = this.#outbound.get(task.tid);
    if (under) throw new MpvmError('TASK_MOVING', { tid: tidText(task.tid), id: under.id });
    const move = new OutboundMove({
      id: `m${randomBytes(6).toString('hex')}`,
      task, engines, request, fault, vm,
      node: this.#node,
      log: this.#log,
      copying: () => this.#share(),
      changed: (info) => this.#remember(info),
    });
    this.#outbound.set(task.tid, move);
    void move.done.then(() => {
      this.#outbound.delete(task.tid);
      this.#share();
      const info = this.#history.get(move.id);
      const bytes = info?.transferredBytes ?? 0;
      if (info?.outcome === 'completed' && info.engine === 'native' && info.mbps) learn(bytes, (bytes * 8) / info.mbps);
    });
    return move;
  }

  #taskFor(tid: number): LocalTask {
    const { vm, tasks } = this.#options;
    const task = tasks.get(tid);
    if (task?.isConsole) throw new MpvmError('TASK_IS_CONSOLE', { tid: tidText(tid) });
    if (task && (task.state === 'running' || task.state === 'moving')) return task;
    const { node } = vm.locate(tid);
    if (node && node !== vm.self.name) throw new MpvmError('TASK_NOT_HERE', { tid: tidText(tid), node });
    throw new MpvmError('TASK_UNKNOWN', { tid: tidText(tid) });
  }

  #checkDestination(tid: number, to: string): void {
    const { vm } = this.#options;
    const node = vm.nodeNamed(to);
    if (!node) throw new MpvmError('NODE_UNKNOWN', { node: to });
    if (to === vm.self.name) throw new MpvmError('TASK_ALREADY_THERE', { tid: tidText(tid), node: to });
    vm.peer(to); // throws NODE_DEAD
    if (node.cordoned) throw new MpvmError('NODE_CORDONED', { node: to, reason: node.cordonReason || 'no reason given' });
  }

  #remember(info: Info): void {
    const id = info.id ?? '';
    this.#history.set(id, info);
    if (this.#history.size > historyLimit) {
      for (const [old, { outcome }] of this.#history) {
        if (outcome === 'running') continue;
        this.#history.delete(old);
        break;
      }
    }
    this.#emitter.emit('changed', info);
  }

  // ---------------------------------------------------------------- bandwidth

  bandwidth(bytesPerSecond?: number): number {
    if (bytesPerSecond !== undefined) {
      this.#bandwidth = bytesPerSecond;
      limitPredictions(bytesPerSecond);
      writeSettings(this.#options.paths, { ...readSettings(this.#options.paths), bandwidth: bytesPerSecond });
      this.#share();
    }
    return this.#bandwidth;
  }
  /** Each move that copies has the same part of it. */
  #share(): void {
    const copying = [...this.#outbound.values()].filter((move) => move.copies);
    const part = this.#bandwidth === 0 ? 0 : Math.max(1, Math.floor(this.#bandwidth / Math.max(1, copying.length)));
    for (const move of copying) move.pace(part);
  }

  cancel(id: string): mpvm.node.IStatusReply {
    try {
      const known = this.#history.get(id);
      const move = [...this.#outbound.values()].find((entry) => entry.id === id);
      if (move) move.cancel();
      else if (known) throw new MpvmError('MIGRATION_OVER', { id, state: known.outcome });
      else throw new MpvmError('MIGRATION_UNKNOWN', { id });
      return { status: 0 };
    } catch (thrown) {
      const { code, message } = asMpvmError(thrown);
      return { status: -1, code, text: message };
    }
  }

  list(): Info[] {
    return [...this.#history.values()];
  }

  async explain(request: mpvm.node.IExplainTaskRequest): Promise<mpvm.node.IExplainReply> {
    const { vm } = this.#options;
    try {
      const task = this.#taskFor(request.tid ?? 0);
      if (request.to) this.#checkDestination(task.tid, request.to);
      const look = async (engine: Engine): Promise<Examined> => {
        const here = await examine(engine, task, this.#node);
        if (!request.to || !here.usable) return here;
        const there = await vm.peer(request.to).explain({ from: vm.self.name, manifest: here.manifest, record: task.record, engine: engine.name }, { timeoutMs: explainMs });
        return { ...here, blockers: [...here.blockers, ...there.blockers.map((entry) => ({ ...entry, engine: engine.name }))] };
      };
      const { engine, reason, blockers, manifest } = await choose(candidates(this.#engines, request.engine, task), look);
      return { blockers, engine: engine.name, engineReason: reason, tracking: engine.name === 'native' ? await likelyTracking() : '', ...engine.predict(manifest.privateBytes ?? 0), status: { status: 0 } };
    } catch (thrown) {
      const { code, message } = asMpvmError(thrown);
      return { blockers: [], status: { status: -1, code, text: message } };
    }
  }

  /** A task that comes back frozen after its daemon has died. */
  async settle(task: LocalTask, migration: string): Promise<boolean> {
    const outcome = await this.outcome(task.tid, task.epoch, migration);
    this.#log.info({ tid: tidText(task.tid), migration, ...outcome }, 'a frozen task came back');
    if (outcome.task === 'here') {
      continueTree(task.pid);
      task.send({ request: 0, migrationAbort: { id: migration, reason: 'the daemon was restarted' } });
      return true;
    }
    task.beginMove(migration);
    killBelow(task.pid);
    task.send({ request: 0, migrationCommitted: { id: migration } });
    task.depart(outcome.node, outcome.epoch);
    return false;
  }

  outcome(tid: number, epoch: number, migration: string): Promise<MoveOutcome> {
    return settleDoubt({ vm: this.#options.vm, tid, epoch, migration, log: this.#log });
  }

  // ---------------------------------------------------------------- destination

  async explainInbound(request: mpvm.node.IInboundRequest): Promise<mpvm.node.IExplainReply> {
    const blockers = await this.#judge(request);
    return { blockers, status: { status: stopping(blockers).length === 0 ? 0 : -1 } };
  }

  #judge(request: mpvm.node.IInboundRequest): Promise<Blocker[]> {
    const others = [...this.#reserved].filter(([id]) => id !== request.id).reduce((sum, [, bytes]) => sum + bytes, 0);
    return judge(request.manifest ?? {}, { node: this.#options.vm.self.name, restorer: this.#restorer, reserved: others, engine: engineNamed(this.#engines, request.engine || 'native') });
  }

  async *inbound(request: mpvm.node.IInboundRequest, signal: AbortSignal): AsyncGenerator<mpvm.node.IInboundEvent, void> {
    const { vm, tasks, faults } = this.#options;
    const id = request.id ?? '';
    if (!id || this.#inbound.has(id)) throw new MpvmError('BAD_REQUEST', { detail: 'a migration has an id of its own' });
    const fault = checkFault(request.fault, faults);
    const engine = engineNamed(this.#engines, request.engine || 'native');
    this.#reserved.set(id, request.manifest?.privateBytes ?? 0);
    const move = new InboundMove({ request, engine, fault, vm, tasks, restorer: this.#restorer, judge: () => this.#judge(request), log: this.#log });
    this.#inbound.set(id, move);
    void move.done.then(() => {
      this.#inbound.delete(id);
      this.#reserved.delete(id);
    });
    signal.addEventListener('abort', () => move.sourceGone(), { once: true });
    if (signal.aborted) move.sourceGone();
    yield* move.feed.watch();
  }

  handover(request: mpvm.node.IHandoverRequest): Promise<void> {
    const move = this.#inbound.get(request.id ?? '');
    if (!move) return Promise.reject(new MpvmError('MIGRATION_UNKNOWN', { id: request.id }));
    move.handover(request);
    return Promise.resolve();
  }
  async image(part: mpvm.node.IImagePart): Promise<void> {
    const move = this.#inbound.get(part.id ?? '');
    if (!move) throw new MpvmError('MIGRATION_UNKNOWN', { id: part.id });
    await move.image(part);
  }

  on(event: 'changed', listener: (migration: Info) => void): void {
    this.#emitter.on(event, listener);
  }
}
