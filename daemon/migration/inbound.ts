/**
 * A move, at its destination: judge, start a restorer, wait for the process (from the task, over
 * the restorer's own stream) and for the record (from the source's daemon), commit, let it go. Up
 * to the commit anything that goes wrong, a source that hangs up included, leaves nothing here.
 * From the request to commit on only the directory counts; a process that dies all the same before
 * its first instruction is handed back.
 */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { ArrivingTask, Landing, Tasks, VirtualMachine } from '../contracts.js';
import { asMpvmError, errnoOf, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { processRuns } from '../native/index.js';
import { mpvm } from '../rpc/messages.js';
import { stopping } from './blockers.js';
import type { Blocker } from './blockers.js';
import { tidText } from './engine.js';
import type { Engine, Receiver } from './engine.js';
import { faultOwner, Faults } from './faults.js';
import { Feed, Mailbox } from './mailbox.js';
import { arrivalTable, Machine } from './state.js';
import type { ArrivalState } from './state.js';
import { nowUs } from './timeline.js';
import { verdictForDestination } from './verdict.js';

type Frame = mpvm.task.IToDaemon;

const silence = { image: 60, resuming: 60 } as const;
/** A copy of an earlier move settles by itself within the time its library takes to find its daemon again. */
const oldCopyLimitMs = 10_000;
const shortages: Readonly<Record<string, string>> = { ENOSPC: 'room on its disk', EDQUOT: 'room on its disk', EMFILE: 'descriptors', ENFILE: 'descriptors', ENOMEM: 'memory', EAGAIN: 'processes' };
const askAgainMs = { first: 20, most: 1000 } as const;

/** What has been put into a feed is on its way: HTTP/2 writes at the end of a turn, and to start a process stops this one for a moment. */
async function written(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

export interface InboundOptions {
  engine: Engine;
  request: mpvm.node.IInboundRequest;
  fault: mpvm.task.IFault | undefined;
  vm: VirtualMachine;
  tasks: Tasks;
  restorer: string;
  judge(): Promise<Blocker[]>;
  log: Logger;
}

type Event =
  | { kind: 'frame'; frame: Frame }
  | { kind: 'handover' }
  | { kind: 'trouble'; error: MpvmError };

export class InboundMove {
  readonly id: string;
  readonly tid: number;
  /** What the source is told. */
  readonly feed = new Feed<mpvm.node.IInboundEvent>();
  readonly done: Promise<void>;

  readonly #options: InboundOptions;
  readonly #receivedAtUs = nowUs();
  readonly #log: Logger;
  readonly #machine: Machine<ArrivalState>;
  readonly #events = new Mailbox<Event>();
  readonly #faults: Faults;
  #arriving: ArrivingTask | undefined;
  #receiver: Receiver | undefined;
  #landing: Promise<Landing> | undefined;
  #handedOver = false;

  constructor(options: InboundOptions) {
    const { request, fault } = options;
    this.#options = options;
    this.id = request.id ?? '';
    this.tid = request.record?.tid ?? 0;
    this.#log = options.log.child({ migration: this.id, tid: tidText(this.tid), from: request.from });
    this.#machine = new Machine<ArrivalState>(arrivalTable, 'JUDGING', this.#log);
    const mine = fault && faultOwner(fault.point ?? '') === 'destination' ? fault : undefined;
    this.#faults = new Faults(mine, () => this.feed.end(new MpvmError('FAULT_INJECTED', { point: mine?.point })), this.#log);
    this.done = this.#run();
  }

  get state(): ArrivalState {
    return this.#machine.state;
  }

  // ---------------------------------------------------------------- what others tell us

  /** The source has hung up. After the request to commit this means nothing any more. */
  sourceGone(): void {
    this.#events.post({ kind: 'trouble', error: new MpvmError('SOURCE_LOST') });
  }

  /** Throws when this arrival is over. */
  handover(request: mpvm.node.IHandoverRequest): void {
    if (!this.#arriving || this.#machine.is('COMMITTING', 'COMMITTED', 'RESUMED', 'GONE')) throw new MpvmError('MIGRATION_UNKNOWN', { id: this.id });
    const frames = (request.frames ?? []).map((bytes) => mpvm.task.ToTask.decode(bytes));
    this.#arriving.update(request.record ?? {}, frames);
    this.#handedOver = true;
    this.#events.post({ kind: 'handover' });
  }

  /** Throws when this arrival takes no image, or what is wrong with the part. */
  image(part: mpvm.node.IImagePart): Promise<void> {
    if (!this.#receiver || !this.#machine.is('RECEIVING', 'HALF')) throw new MpvmError('MIGRATION_UNKNOWN', { id: this.id });
    return this.#receiver.image(part);
  }

  onFrame(frame: Frame): void {
    this.#events.post({ kind: 'frame', frame });
  }
  onEnded(): void {
    this.#events.post({ kind: 'trouble', error: new MpvmError('RESTORER_FAILED', { node: this.#node, detail: 'the task ended as it resumed' }) });
  }
  get #node(): string {
    return this.#options.vm.self.name;
  }

  // ---------------------------------------------------------------- the recipe

  async #run(): Promise<void> {
    await Promise.resolve();
    try {
      if (!(await this.#judged())) return;
      await this.#listen();
      await this.#receive();
      await this.#commit();
    } catch (thrown) {
      this.#giveUp(asMpvmError(this.#shortage(thrown) ?? thrown));
      return;
    }
    await this.#letGo();
    this.#receiver?.close();
  }

  async #judged(): Promise<boolean> {
    this.#faults.at('DEST_BEFORE_JUDGE');
    const blockers = await this.#options.judge();
    if (stopping(blockers).length === 0) return true;
    this.#machine.advance('GONE');
    this.feed.push({ refused: { blockers } });
    this.feed.end();
    return false;
  }

  /** The image may come from now on; what takes it in is started when the source has been told where. */
  async #listen(): Promise<void> {
    const { request, tasks, restorer, vm, fault, engine, log } = this.#options;
    this.#faults.at('DEST_BEFORE_RESTORER');
    this.#machine.advance('STARTING');
    await this.#oldCopyGone();
    this.#arriving = tasks.arriving(request.record ?? {}, this.id, request.from ?? '');
    this.#receiver = engine.receive({
      id: this.id,
      arriving: this.#arriving,
      manifest: request.manifest ?? {},
      address: vm.self.address,
      restorer,
      fault: fault && ['restorer', 'receiver'].includes(faultOwner(fault.point ?? '')) ? fault : undefined,
      say: (frame) => this.onFrame(frame),
      ended: (detail) => this.#events.post({ kind: 'trouble', error: new MpvmError('RESTORER_FAILED', { node: this.#node, detail }) }),
      at: (point) => this.#faults.at(point),
      log,
    });
    const ready = await this.#receiver.listen();
    this.#machine.advance('RECEIVING');
    this.feed.push({ ready: { ...ready, receivedAtUs: this.#receivedAtUs, sentAtUs: nowUs() } });
    this.#faults.at('DEST_AFTER_READY');
    await written();
  }

  /** A task that comes back soon may find the copy that it left behind still waiting for the directory's word. */
  async #oldCopyGone(): Promise<void> {
    const limit = Date.now() + oldCopyLimitMs;
    for (;;) {
      const state = this.#options.tasks.get(this.tid)?.state;
      if (state === undefined || state === 'departed' || state === 'ended') return;
      if (Date.now() >= limit) throw new MpvmError('COPY_REMAINS', { tid: tidText(this.tid), node: this.#node });
      await delay(20);
    }
  }

  /** The process and the record, in whichever order they come. */
  async #receive(): Promise<void> {
    // No limit while the image flows: the restorer gives up by itself when its peer says nothing.
    let limit = this.#receiver!.start();
    let arrived = false;
    while (!arrived || !this.#handedOver) {
      const event = await this.#next(this.#handedOver ? Math.min(limit, silence.image) : limit);
      if (event.kind === 'frame' && event.frame.restorerHello) {
        limit = Infinity;
        this.#faults.at('DEST_AFTER_HELLO');
      }
      if (event.kind === 'handover') this.#faults.at('DEST_AFTER_HANDOVER');
      if (event.kind !== 'frame' || !event.frame.restorerArrived) {
        if (event.kind === 'handover' && this.#machine.is('RECEIVING')) this.#machine.advance('HALF');
        continue;
      }
      arrived = true;
      const { bytes, pages, arrivedAtUs } = event.frame.restorerArrived;
      if (this.#machine.is('RECEIVING')) this.#machine.advance('HALF');
      this.feed.push({ arrived: { bytes, pages, atUs: arrivedAtUs } });
      this.#faults.at('DEST_AFTER_ARRIVED');
    }
  }

  /** Asks until the directory answers. Throws when the source's fence was first. */
  async #commit(): Promise<void> {
    const { request, vm } = this.#options;
    this.#faults.at('DEST_BEFORE_COMMIT');
    // Its last word may have been its last: spares a commit that would have to be taken back.
    if (!processRuns(this.#arriving!.pid)) throw new MpvmError('RESTORER_FAILED', { node: this.#node, detail: 'it ended after it had said that it holds the process' });
    this.#machine.advance('COMMITTING');
    const move = { epoch: request.record?.epoch ?? 0, from: request.from ?? '', to: this.#node };
    for (let wait: number = askAgainMs.first; ; wait = Math.min(wait * 2, askAgainMs.most)) {
      try {
        const { committed, now } = await vm.commitMove({ tid: this.tid, ...move, migration: this.id });
        const { ours, epoch } = verdictForDestination(move, { committed, now: { epoch: now.epoch ?? 0, node: now.node ?? '' } });
        this.#log.info({ committed, now, ours }, 'the directory has answered');
        if (!ours) throw new MpvmError('MOVE_FENCED', { tid: tidText(this.tid) });
        this.#machine.advance('COMMITTED');
        this.#launch(epoch);
        return;
      } catch (thrown) {
        const error = asMpvmError(thrown);
        if (error.code !== 'REGISTRY_UNREACHABLE') throw error;
        this.#log.warn({ wait }, 'the registry does not answer: the commit waits');
        await delay(wait);
      }
    }
  }

  #launch(epoch: number): void {
    const committedAt = nowUs();
    this.#harmless(() => this.#faults.at('DEST_AFTER_COMMIT'));
    this.#landing = this.#arriving!.launch(epoch);
    this.#harmless(() => this.#faults.at('DEST_AFTER_GO'));
    this.feed.push({ committed: { epoch, atUs: committedAt } });
  }

  /** After the commit nothing may fail any more. */
  #harmless(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#log.warn({ err: error }, 'after the commit nothing can fail any more');
    }
  }

  /** It runs, and tells so; or it has ended, which is the task's end like any other; or it never ran. */
  async #letGo(): Promise<void> {
    if ((await this.#landing) === 'returned') {
      const why = new MpvmError('RESTORER_FAILED', { node: this.#node, detail: 'it ended before the first instruction of the task' });
      this.#machine.advance('GONE');
      this.feed.push({ failed: { code: why.code, text: why.message } });
      this.feed.end();
      return;
    }
    for (;;) {
      const event = await this.#events.next(silence.resuming * 1000);
      if (event?.kind === 'frame' && event.frame.resumed) {
        this.#machine.advance('RESUMED');
        this.feed.push({ resumed: { pid: this.#arriving!.pid, atUs: event.frame.resumed.resumedAtUs } });
        this.feed.end();
        return;
      }
      if (event === undefined || (event.kind === 'trouble' && event.error.code !== 'SOURCE_LOST')) {
        this.#log.error({ event }, 'the task is ours, but has not resumed');
        this.#machine.advance('GONE');
        this.feed.end();
        return;
      }
    }
  }

  /** What this node has run out of, if that is why. */
  #shortage(thrown: unknown): MpvmError | undefined {
    const what = shortages[errnoOf(thrown) ?? ''];
    return what === undefined ? undefined : new MpvmError('NODE_SHORT', { node: this.#node, what, detail: (thrown as Error).message }, { cause: thrown });
  }

  #giveUp(why: MpvmError): void {
    this.#log.info({ state: this.#machine.state, code: why.code, cause: why.message }, 'arrival given up');
    this.#machine.advance('GONE');
    this.#arriving?.kill();
    this.#arriving?.discard();
    this.#receiver?.close();
    this.feed.push({ failed: { code: why.code, text: why.message } });
    this.feed.end();
  }

  // ---------------------------------------------------------------- events

  /** Trouble, a restorer that fails, and silence are thrown. */
  async #next(seconds: number): Promise<Event> {
    const event = await this.#events.next(Math.min(seconds * 1000, 0x7fffffff));
    if (event === undefined) throw new MpvmError('RESTORER_SILENT', { node: this.#node, seconds });
    if (event.kind === 'trouble') throw event.error;
    if (event.kind === 'frame' && event.frame.restorerFailed) {
      const { code, text } = event.frame.restorerFailed;
      throw MpvmError.received(code || 'RESTORER_FAILED', text || 'the restorer gave no reason');
    }
    return event;
  }
}
