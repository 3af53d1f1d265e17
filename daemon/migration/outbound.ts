/**
 * A move, at its source, which coordinates it: a recipe of steps with one exit. Whatever goes wrong,
 * giveUp() lets the task go on here; once the destination might have all it needs, only after the
 * directory has said that the task is still here. Our copy is destroyed when the task has run there.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { LocalTask, MoveOutcome, VirtualMachine } from '../contracts.js';
import { asMpvmError, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { killExactly, processStartTime } from '../native/index.js';
import { mpvm } from '../rpc/messages.js';
import { asWarnings, causes, stopping } from './blockers.js';
import type { Blocker } from './blockers.js';
import { tidText } from './engine.js';
import type { Capture, Engine, NodeFolders } from './engine.js';
import { examine } from './choose.js';
import { settleDoubt } from './doubt.js';
import type { Inventory } from './inventory.js';
import { faultOwner, Faults } from './faults.js';
import { Latest, Mailbox } from './mailbox.js';
import { Machine, moveTable, stateNumber } from './state.js';
import type { MoveState } from './state.js';
import { ClockOffsets, nowUs, Timeline } from './timeline.js';
import { forcedTracking } from './tracking.js';
import { mustAsk } from './verdict.js';

type Info = mpvm.node.IMigrationInfo;
type Frame = mpvm.task.IToDaemon;

/** How long each side may say nothing before the move is given up. */
const silence = { preparing: 20, agent: 15, frozen: 30, resuming: 30 } as const;
/** A stop that would take longer than this is put off while rounds of copying still help. */
const defaultMaxDowntimeMs = 20;
const defaultMaxRounds = 30;
/** How long the destruction of the copy here is put off for the agent's figures, when they are late. */
const lastWordMs = 200;
/** From the break of a stream to the end of the process that has caused it. */
const dyingMs = 50;
/** A copy that does not end by itself once it is told so is killed. */
const vanishLimitMs = 3000;
/** Watchers are told of a move that goes on every so often. */
const betweenNewsMs = 50;

const clocks = new ClockOffsets();

export interface OutboundOptions {
  id: string;
  task: LocalTask;
  /** Those that may move it, the best first. */
  engines: readonly Engine[];
  request: mpvm.node.IMigrateRequest;
  fault: mpvm.node.IFaultRequest | undefined;
  vm: VirtualMachine;
  node: NodeFolders;
  log: Logger;
  /** The node's bandwidth is shared by the moves that copy: this one begins to. */
  copying(): void;
  changed(info: Info): void;
}

type Event =
  | { kind: 'frame'; frame: Frame }
  | { kind: 'inbound'; event: mpvm.node.IInboundEvent }
  /** Something that ends the move unless it is committed already. */
  | { kind: 'trouble'; error: MpvmError };

export class OutboundMove {
  readonly id: string;
  readonly task: LocalTask;
  readonly to: string;
  readonly watchers = new Latest<mpvm.node.IMigrationEvent>(betweenNewsMs);
  /** Resolves when it has ended, one way or the other. Never rejects. */
  readonly done: Promise<void>;

  readonly #options: OutboundOptions;
  readonly #machine: Machine<MoveState>;
  readonly #log: Logger;
  readonly #from: string;
  readonly #events = new Mailbox<Event>();
  readonly #timeline = new Timeline();
  readonly #faults: Faults;
  readonly #inbound = new AbortController();
  #engine: Engine;
  /** Why not an earlier one. */
  #engineReason = '';
  /** There is one as soon as the task is asked for anything. */
  #capture: Capture | undefined;
  /** What speaks against those that were tried before. */
  readonly #declined: Blocker[] = [];
  /** What an engine that has been passed over still says of its attempt does not count. */
  #attempt = 0;
  #deadline: NodeJS.Timeout | undefined;
  #epoch: number;
  #processStart: number | undefined;
  #blockers: Blocker[] = [];
  #failure: MpvmError | undefined;
  #outcome: 'running' | 'completed' | 'aborted' | 'lost' = 'running';
  /** Our copy is gone from the process table. */
  #vanished: Promise<void> | undefined;
  #handedOver = false;
  #bytesPerSecond = 0;
  #imageSent = false;
  #destinationGaveUp = false;

  constructor(options: OutboundOptions) {
    this.id = options.id;
    this.task = options.task;
    this.to = options.request.to ?? '';
    this.#options = options;
    this.#log = options.log.child({ migration: options.id, tid: tidText(options.task.tid) });
    this.#machine = new Machine<MoveState>(moveTable, 'PLANNED', this.#log);
    this.#from = options.vm.self.name;
    this.#engine = options.engines[0]!;
    this.#epoch = options.task.epoch;
    const { fault } = options;
    this.#faults = new Faults(fault && faultOwner(fault.point ?? '') === 'source' ? fault : undefined, () => this.#cut(), this.#log);
    this.done = this.#run();
  }

  get info(): Info {
    const { task, request } = this.#options;
    return {
      id: this.id,
      tid: task.tid,
      from: this.#from,
      to: this.to,
      engine: this.#engine.name,
      engineReason: this.#engineReason,
      state: stateNumber(this.#machine.state),
      outcome: this.#outcome,
      code: this.#failure?.code ?? '',
      reason: this.#failure?.message ?? request.reason ?? '',
      blockers: this.#blockers,
      ...this.#timeline.report(),
    };
  }

  /** Memory is being copied, and the program runs. */
  get copies(): boolean {
    return this.#machine.is('PRECOPY');
  }
  /** Its share of what this node may send; 0: no limit. */
  pace(bytesPerSecond: number): void {
    if (bytesPerSecond === this.#bytesPerSecond) return;
    this.#bytesPerSecond = bytesPerSecond;
    if (this.copies) this.#capture?.pace(bytesPerSecond);
  }

  // ---------------------------------------------------------------- what others tell us

  onFrame(frame: Frame): void {
    this.#events.post({ kind: 'frame', frame });
  }
  onEnded(): void {
    this.#trouble(new MpvmError('TASK_ENDED', { tid: tidText(this.task.tid) }));
  }
  onNodeDown(node: string): void {
    if (node === this.to) this.#trouble(new MpvmError('DESTINATION_LOST', { node, detail: 'it has been declared dead' }));
  }
  /** Throws MIGRATION_OVER when it is too late. */
  cancel(): void {
    if (this.#machine.is('COMMITTED', 'RESUMED', 'ABORTED')) {
      throw new MpvmError('MIGRATION_OVER', { id: this.id, state: this.#machine.state.toLowerCase() });
    }
    this.#trouble(new MpvmError('MIGRATION_CANCELLED'));
  }
  #trouble(error: MpvmError): void {
    this.#events.post({ kind: 'trouble', error });
  }
  /** The connection to the destination is gone, as by a pulled cable. */
  #cut(): void {
    this.#inbound.abort();
  }

  // ---------------------------------------------------------------- the recipe

  async #run(): Promise<void> {
    await Promise.resolve(); // not before the caller has the move in its list
    try {
      const ready = await this.#prepare();
      await this.#copy(ready);
      this.#freeze();
      await this.#awaitResumed(await this.#awaitCommit());
    } catch (thrown) {
      await this.#giveUp(asMpvmError(thrown));
    }
    await this.#vanished;
    this.#end();
  }

  async #prepare(): Promise<mpvm.node.IInboundReady> {
    const { task, engines, request, vm } = this.#options;
    this.#advance('PREPARING');
    const seconds = request.deadlineS ?? 0;
    if (seconds > 0) this.#deadline = setTimeout(() => this.#trouble(new MpvmError('MIGRATION_DEADLINE', { seconds })), seconds * 1000);
    this.#faults.at('SOURCE_BEFORE_INVENTORY');

    this.#processStart = processStartTime(task.pid);
    const [located, first] = await Promise.all([vm.locateSurely(task.tid), this.#examine(engines[0]!)]);
    if (located.node !== this.#from) throw new MpvmError('TASK_NOT_HERE', { tid: tidText(task.tid), node: located.node });
    this.#epoch = located.epoch;
    const ready = (await this.#offer(engines[0]!, first, engines.length > 1)) ?? (await this.#offerOthers());
    this.#faults.at('SOURCE_AFTER_READY');
    return ready;
  }

  #examine(engine: Engine): Promise<Inventory> {
    const { task, node } = this.#options;
    return examine(engine, task, node);
  }

  async #offerOthers(): Promise<mpvm.node.IInboundReady> {
    const others = this.#options.engines.slice(1);
    for (const [index, engine] of others.entries()) {
      const ready = await this.#offer(engine, await this.#examine(engine), index + 1 < others.length);
      if (ready) return ready;
    }
    throw new MpvmError('INTERNAL', { detail: 'no engine was tried' });
  }

  /** Undefined when this engine cannot do it, at one of the ends, and another may. */
  async #offer(engine: Engine, { manifest, blockers }: Inventory, another: boolean): Promise<mpvm.node.IInboundReady | undefined> {
    this.#engine = engine;
    try {
      this.#refuseIfBlocked(blockers);
      this.#faults.at('SOURCE_BEFORE_INBOUND');
      void this.#readInbound(engine, manifest, ++this.#attempt);
      const { event } = await this.#expect('inbound', silence.preparing, () => new MpvmError('RESTORER_SILENT', { node: this.to, seconds: silence.preparing }));
      if (!event.ready) throw new MpvmError('INTERNAL', { detail: 'the destination did not begin with "ready"' });
      this.#blockers.push(...asWarnings(this.#declined));
      return event.ready;
    } catch (thrown) {
      const error = asMpvmError(thrown);
      if (error.code !== 'MIGRATION_BLOCKED' || !another) throw error;
      this.#attempt++;
      this.#destinationGaveUp = false;
      this.#engineReason = `the ${engine.name} engine cannot: ${causes(this.#blockers)}`;
      this.#declined.push(...this.#blockers.splice(0));
      this.#log.info({ engine: engine.name, reason: this.#engineReason }, 'another engine is tried');
      return undefined;
    }
  }

  /** The destination's side of the story, as events; its end is trouble, which nobody reads after the commit. */
  async #readInbound(engine: Engine, manifest: mpvm.node.IManifest, attempt: number): Promise<void> {
    const { task, fault, vm } = this.#options;
    const owner = fault ? faultOwner(fault.point ?? '') : undefined;
    const passed = owner === 'destination' || owner === 'restorer' || owner === 'receiver' ? { fault: { point: fault?.point, action: fault?.action } } : {};
    let detail = 'its stream ended';
    try {
      const askedUs = nowUs();
      const request = { id: this.id, from: this.#from, manifest, record: { ...task.record, epoch: this.#epoch }, engine: engine.name, ...passed };
      for await (const event of vm.peer(this.to).inbound(request, { signal: this.#inbound.signal })) {
        if (event.ready) this.#compareClocks(askedUs, event.ready);
        if (attempt === this.#attempt) this.#events.post({ kind: 'inbound', event });
      }
    } catch (error) {
      detail = asMpvmError(error).message;
    }
    if (attempt === this.#attempt) this.#trouble(new MpvmError('DESTINATION_LOST', { node: this.to, detail }));
  }

  #compareClocks(askedUs: number, { receivedAtUs, sentAtUs }: mpvm.node.IInboundReady): void {
    this.#timeline.clockOffsetUs = clocks.learn(this.to, { askedUs, receivedUs: receivedAtUs ?? 0, answeredUs: sentAtUs ?? 0, heardUs: nowUs() });
  }

  /** When no engine can, the reasons of all of them are told, those of the first choice first. */
  #refuseIfBlocked(found: Blocker[]): void {
    this.#blockers.push(...found);
    if (stopping(found).length === 0) return;
    const reasons = [...this.#declined, ...found];
    if (this.#engine === this.#options.engines.at(-1)) this.#blockers = [...this.#declined, ...this.#blockers];
    throw new MpvmError('MIGRATION_BLOCKED', { tid: tidText(this.task.tid), node: this.to, causes: causes(reasons) });
  }

  async #copy(ready: mpvm.node.IInboundReady): Promise<void> {
    const { task, request, fault, vm, log } = this.#options;
    this.#advance('PRECOPY');
    this.#timeline.firstByteUs = nowUs();
    this.#options.copying();
    this.#capture = this.#engine.capture({
      id: this.id,
      task,
      copying: {
        maxDowntimeMs: request.maxDowntimeMs || defaultMaxDowntimeMs,
        maxRounds: defaultMaxRounds,
        tracking: request.tracking || forcedTracking(),
        onNoConvergence: request.onNoConvergence ?? mpvm.task.NoConvergence.FREEZE,
        bytesPerSecond: this.#bytesPerSecond,
      },
      fault: fault && ['agent', 'capture'].includes(faultOwner(fault.point ?? '')) ? { point: fault.point, action: fault.action } : undefined,
      peer: vm.peer(this.to),
      say: (frame) => this.onFrame(frame),
      log,
    });
    this.#capture.rounds(ready);
    this.#faults.at('SOURCE_AFTER_START');
    for (;;) {
      const { frame } = await this.#expect('frame', silence.agent, () => new MpvmError('AGENT_SILENT', { seconds: silence.agent }));
      if (frame.freezeRequest) return;
      if (frame.migrationProgress?.phase === mpvm.task.Phase.COPYING) this.#faults.at('SOURCE_DURING_PRECOPY');
    }
  }

  #freeze(): void {
    const { task } = this.#options;
    this.#faults.at('SOURCE_BEFORE_GRANT');
    if (!task.beginMove(this.id)) throw new MpvmError('TASK_ENDED', { tid: tidText(task.tid) });
    task.hold();
    this.#advance('FROZEN');
    this.#capture!.freeze();
    this.#faults.at('SOURCE_AFTER_GRANT');
  }

  /** Not before the task has said its last word here: what it asked for up to the freeze is in its record. */
  async #handOver(): Promise<void> {
    const { task, vm } = this.#options;
    this.#faults.at('SOURCE_AFTER_IMAGE');
    const frames = task.held().map((frame) => mpvm.task.ToTask.encode(frame).finish());
    const { dirtyBytesPerSecond } = this.#timeline;
    this.#handedOver = true; // from the moment it may have been delivered
    await vm.peer(this.to).handover({ id: this.id, record: { ...task.record, epoch: this.#epoch, dirtyBytesPerSecond }, frames }, { signal: this.#inbound.signal });
    this.#faults.at('SOURCE_AFTER_HANDOVER');
  }

  async #awaitCommit(): Promise<number> {
    for (;;) {
      const next = await this.#expect('any', silence.frozen, () => new MpvmError('RESTORER_SILENT', { node: this.to, seconds: silence.frozen }));
      if (next.kind === 'frame') {
        if (next.frame.imageSent) await this.#handOver();
      } else if (next.event.arrived) {
        this.#timeline.arrivedUs = this.#timeline.toLocal(next.event.arrived.atUs ?? 0);
        this.#advance('ARRIVED');
        this.#faults.at('SOURCE_AFTER_ARRIVED');
      } else if (next.event.committed) {
        this.#committed();
        return next.event.committed.epoch ?? this.#epoch + 1;
      }
    }
  }

  /** The agent's last word has the figures of the move; it may still be in its socket. Nothing else matters any more. */
  async #imageFigures(): Promise<void> {
    const limit = Date.now() + lastWordMs;
    while (!this.#imageSent && Date.now() < limit) {
      const event = await this.#events.next(lastWordMs);
      if (event?.kind === 'frame' && event.frame.imageSent) this.#noteFrame(event.frame);
    }
  }

  /** The directory has given the task away. */
  #committed(): void {
    this.#advance('COMMITTED');
    this.#timeline.committedUs = nowUs();
    clearTimeout(this.#deadline);
  }

  async #awaitResumed(epoch: number): Promise<void> {
    for (;;) {
      const next = await this.#expect('any', silence.resuming, () => new MpvmError('RESTORER_SILENT', { node: this.to, seconds: silence.resuming }));
      if (next.kind !== 'inbound' || !next.event.resumed) continue;
      this.#timeline.resumedUs = this.#timeline.toLocal(next.event.resumed.atUs ?? 0);
      await this.#imageFigures();
      this.#destroy(this.to, epoch);
      this.#resumed();
      return;
    }
  }

  #resumed(): void {
    this.#advance('RESUMED');
    this.#outcome = 'completed';
  }

  /** It has run there: our copy ends, and what comes for it goes after it. */
  #destroy(node: string, epoch: number): void {
    const { task } = this.#options;
    const { pid } = task;
    this.#harmless(() => {
      this.#faults.at('SOURCE_BEFORE_DESTROY');
    });
    this.#capture!.commit();
    task.depart(node, epoch);
    this.#vanished = this.#awaitVanished(pid);
  }

  async #awaitVanished(pid: number): Promise<void> {
    const start = this.#processStart;
    if (start === undefined) return;
    const limit = Date.now() + vanishLimitMs;
    while (processStartTime(pid) === start) {
      if (Date.now() >= limit) {
        this.#log.warn({ pid }, 'the copy at the source did not end by itself: killed');
        killExactly(pid, start, 9);
        break;
      }
      await delay(1);
    }
    this.#timeline.vanishedUs = nowUs();
    this.#announce();
    this.#harmless(() => {
      this.#faults.at('SOURCE_AFTER_DESTROY');
    });
  }

  /** After the commit nothing may fail any more. */
  #harmless(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#log.warn({ err: error }, 'after the commit nothing can fail any more');
    }
  }

  // ---------------------------------------------------------------- the one exit

  async #giveUp(cause: MpvmError): Promise<void> {
    const { task, vm } = this.#options;
    const why = cause.code === 'STREAM_BROKEN' && (await this.#hasEnded()) ? new MpvmError('TASK_ENDED', { tid: tidText(task.tid) }) : cause;
    this.#failure ??= why;
    this.#log.info({ state: this.#machine.state, code: why.code, cause: why.message }, 'move given up');
    clearTimeout(this.#deadline);
    this.#inbound.abort();

    if (mustAsk({ handedOver: this.#handedOver, destinationGaveUp: this.#destinationGaveUp })) {
      this.#timeline.begin('in doubt');
      const outcome = await settleDoubt({ vm, tid: task.tid, epoch: this.#epoch, migration: this.id, log: this.#log });
      if (outcome.task !== 'here') {
        this.#wentAllTheSame(outcome);
        return;
      }
      // Its end clears the directory of it, under the epoch that the fence has made.
      task.fenced(outcome.epoch);
      if (task.state === 'ended') void vm.forget(task.tid, outcome.epoch);
    }
    this.#advance('ABORTED');
    this.#outcome = 'aborted';
    await this.#capture?.abort(why.message);
    task.abortMove(); // also releases what was held back
  }

  /** A process that ends breaks its stream some instants before it is seen to have ended. */
  async #hasEnded(): Promise<boolean> {
    const limit = Date.now() + dyingMs;
    do {
      if (processStartTime(this.task.pid) !== this.#processStart) return true;
      await delay(2);
    } while (Date.now() < limit);
    return false;
  }

  #wentAllTheSame({ task, node, epoch }: MoveOutcome): void {
    const { tid } = this.task;
    if (!this.#machine.is('COMMITTED')) this.#committed();
    this.#destroy(node, epoch);
    if (task === 'lost') {
      this.#failure = new MpvmError('OUTCOME_UNKNOWN', { tid: tidText(tid), node: this.to, detail: this.#failure?.message ?? 'it is dead' });
      this.#outcome = 'lost';
      return;
    }
    this.#failure = undefined;
    this.#timeline.resumedUs ??= nowUs();
    this.#resumed();
  }

  #end(): void {
    clearTimeout(this.#deadline);
    this.#timeline.finish();
    const { outcome, state, code, totalUs, downtimeUs, transferredBytes } = this.info;
    this.#log.info({ outcome, state, code, totalUs, downtimeUs, transferredBytes }, 'move ended');
    this.#options.changed(this.info);
    this.watchers.set({ migration: this.info, final: true });
    this.watchers.end();
  }

  // ---------------------------------------------------------------- events and states

  /** The next event of a kind; others are noted and skipped, trouble is thrown. */
  async #expect(kind: 'frame', seconds: number, silent: () => MpvmError): Promise<Event & { kind: 'frame' }>;
  async #expect(kind: 'inbound', seconds: number, silent: () => MpvmError): Promise<Event & { kind: 'inbound' }>;
  async #expect(kind: 'any', seconds: number, silent: () => MpvmError): Promise<Event & { kind: 'frame' | 'inbound' }>;
  async #expect(kind: string, seconds: number, silent: () => MpvmError): Promise<Event> {
    for (;;) {
      const event = await this.#events.next(seconds * 1000);
      if (event === undefined) throw silent();
      this.#note(event);
      if (event.kind === 'trouble') throw event.error;
      if (kind === 'any' || event.kind === kind) return event;
    }
  }

  /** What every event leaves behind, whoever waits for it. Throws what ends the move. */
  #note(event: Event): void {
    if (event.kind === 'frame') this.#noteFrame(event.frame);
    else if (event.kind === 'inbound') this.#noteInbound(event.event);
  }

  #noteFrame(frame: Frame): void {
    const { migrationProgress, imageSent, migrationFailed } = frame;
    const timeline = this.#timeline;
    this.#capture?.heard(frame);
    if (migrationProgress) {
      const { round, transferred, pages, remaining, expectedDowntimeUs, tracking, noConvergence, throttlePercent } = migrationProgress;
      timeline.count(transferred ?? 0);
      if (round) timeline.begin(throttlePercent ? `round ${round}, throttled by ${throttlePercent} %` : `round ${round}`);
      Object.assign(timeline, { tracking: tracking ?? 0, noConvergence: noConvergence ?? false, throttlePercent: Math.max(timeline.throttlePercent, throttlePercent ?? 0), dirtyBytesPerSecond: migrationProgress.dirtyBytesPerSecond ?? 0 });
      Object.assign(timeline, { rounds: Math.max(timeline.rounds, round ?? 0), pages: pages ?? 0, remaining: remaining ?? 0, expectedDowntimeUs: expectedDowntimeUs ?? 0 });
      this.#announce();
    }
    if (imageSent) {
      this.#imageSent = true;
      timeline.count(imageSent.transferred ?? 0);
      timeline.waiting = imageSent.waiting ?? false;
      Object.assign(timeline, { frozenUs: imageSent.frozenAtUs, sentUs: imageSent.sentAtUs, streamUs: imageSent.streamUs ?? 0, pageBytes: imageSent.pageBytes ?? 0, rounds: imageSent.rounds ?? 0, pages: imageSent.pages ?? 0, remaining: 0 });
      this.#announce();
    }
    if (migrationFailed) {
      throw MpvmError.received(migrationFailed.code || 'CAPTURE_FAILED', migrationFailed.text || 'the task gave no reason');
    }
  }

  #noteInbound({ refused, failed }: mpvm.node.IInboundEvent): void {
    if (refused) {
      this.#destinationGaveUp = true;
      this.#refuseIfBlocked(refused.blockers ?? []);
    }
    if (failed) {
      this.#destinationGaveUp = true;
      throw MpvmError.received(failed.code || 'RESTORER_FAILED', failed.text ?? '');
    }
  }

  #advance(to: MoveState): void {
    this.#machine.advance(to);
    this.#timeline.begin(to.toLowerCase());
    this.#announce();
  }
  #announce(): void {
    const { info } = this;
    this.#options.changed(info);
    this.watchers.set({ migration: info, final: false });
  }
}
