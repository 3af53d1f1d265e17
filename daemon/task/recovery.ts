/**
 * After a restart of the daemon: the tasks of the last one are found by pid and start time. Those
 * that live are tasks again (they come back by Enroll), the ends of the others are told now.
 */
import { existsSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import type { Migrations, MoveOutcome } from '../contracts.js';
import type { mpvm } from '../rpc/messages.js';
import { sealOf } from './arrival.js';
import type { Kept } from './book.js';
import type { Core } from './core.js';
import type { TaskEntry } from './entry.js';
import { OutputPipe } from './output.js';
import { startTimeOf, TaskProcess } from './process.js';
import type { Router } from './router.js';

export interface RecoveryHost {
  newEntry(record: mpvm.node.ITaskRecord, cookie: string, output: string, state: 'starting' | 'running'): TaskEntry;
  capture(entry: TaskEntry, started: { pipe: OutputPipe; reader: number }, process: TaskProcess, gate: Promise<void>): void;
  restoreNotices(entry: TaskEntry): void;
  expectAgain(entry: TaskEntry): void;
  /** A process whose move has been committed, and which has not run yet. */
  launchAgain(task: Kept, epoch: number): void;
  processGone(entry: TaskEntry): void;
}

export class Recovery {
  readonly #core: Core;
  readonly #host: RecoveryHost;
  readonly #router: Router;
  readonly #moves: Pick<Migrations, 'outcome'> | undefined;

  constructor(core: Core, host: RecoveryHost, router: Router, moves: Pick<Migrations, 'outcome'> | undefined) {
    this.#core = core;
    this.#host = host;
    this.#router = router;
    this.#moves = moves;
  }

  async run(): Promise<void> {
    const kept = this.#core.book.kept;
    if (kept.length === 0) return;
    const found: TaskEntry[] = [];
    for (const task of kept) {
      const entry = await this.#takeUp(task);
      if (entry) found.push(entry);
    }
    this.#core.log.info({ kept: kept.length, alive: found.filter((entry) => entry.process?.exit === undefined).length }, 'tasks of the last daemon');
    for (const entry of found) this.#host.restoreNotices(entry);
    for (const entry of found) if (entry.process && !entry.process.alive) entry.process.hint();
  }

  async #takeUp(task: Kept): Promise<TaskEntry | undefined> {
    const alive = startTimeOf(task.pid) === task.startTime;
    if (task.arriving !== '') return this.#arrived(task, alive);
    if (this.#core.vm.tasksLost) {
      // Reported as ended while this node was away: they must not go on.
      this.#kill(task);
      this.#core.book.remove(task.tid);
      return undefined;
    }
    let { epoch } = task.record;
    if (task.moving !== '' && !alive) {
      const outcome = await this.#outcome(task);
      if (outcome?.task === 'there') {
        this.#core.book.remove(task.tid);
        return undefined;
      }
      epoch = outcome?.epoch ?? epoch; // a fence may have given it another
    }
    if (task.moving !== '' && alive) this.#letGoOn(task);
    return this.#again({ ...task, record: { ...task.record, epoch } }, task.enrolled ? 'running' : 'starting');
  }

  #again(task: Kept, state: 'starting' | 'running'): TaskEntry {
    const entry = this.#host.newEntry(task.record, task.cookie, task.output, state);
    entry.enrolled = task.enrolled;
    const process: TaskProcess = new TaskProcess(task.pid, task.startTime, undefined, () => this.#host.processGone(entry));
    entry.process = process;
    this.#host.expectAgain(entry);
    if (task.output !== '' && existsSync(task.output)) {
      const pipe = new OutputPipe(task.output);
      this.#host.capture(entry, { pipe, reader: pipe.reader() }, process, Promise.resolve());
    }
    this.#core.emit('started', entry);
    return entry;
  }

  /** Frozen and now gone: does it live at the destination? To say no, that must have become impossible. */
  async #outcome(task: Kept): Promise<MoveOutcome | undefined> {
    const outcome = await this.#moves?.outcome(task.tid, task.record.epoch ?? 0, task.moving);
    if (outcome?.task === 'there') this.#router.departed(task.tid, outcome.node, outcome.epoch);
    return outcome;
  }

  /** A restorer without its migration: the task is here if the directory says so, else it can no longer come here. */
  async #arrived(task: Kept, alive: boolean): Promise<TaskEntry | undefined> {
    const self = this.#core.vm.self.name;
    const before = task.record.epoch ?? 0;
    let where = await this.#router.whereSurely(task.tid);
    if (where !== undefined && where.node !== self) {
      // The last words of the daemon that died may still be on their way to the registry.
      const fence = { tid: task.tid, epoch: before, from: where.node, to: where.node, migration: task.arriving };
      const { now } = await this.#core.vm.commitMove(fence).catch(() => ({ now: undefined }));
      where = { node: now?.node ?? where.node, epoch: now?.epoch ?? where.epoch };
    }
    if (where?.node === self && where.epoch === before + 1) {
      if (existsSync(sealOf(task.output))) {
        this.#host.launchAgain(task, where.epoch);
        return undefined;
      }
      return this.#again({ ...task, record: { ...task.record, epoch: where.epoch } }, 'running');
    }
    if (alive) this.#kill(task);
    rmSync(sealOf(task.output), { force: true });
    this.#core.book.remove(task.tid);
    return undefined;
  }

  /** Its daemon may have died while an engine had it stopped; its library waits for the verdict, not its program. */
  #letGoOn(task: Kept): void {
    new TaskProcess(task.pid, task.startTime, undefined, () => undefined).signal(constants.signals.SIGCONT);
  }

  #kill(task: Kept): void {
    new TaskProcess(task.pid, task.startTime, undefined, () => undefined).signal(9);
  }
}
