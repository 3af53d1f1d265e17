/**
 * A move with CRIU, at its source. The library stops the program and lets go of the node (LetGo); then
 * criu dumps task and children, pages straight to the destination. Until the outcome is known the copy
 * here waits: the task's own process in its library, its children stopped.
 */
import { join } from 'node:path';
import { mkdirSync, existsSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { asMpvmError } from '../../errors.js';
import { innerPid } from '../../native/index.js';
import { mpvm } from '../../rpc/messages.js';
import type { Capture, CaptureOptions } from '../engine.js';
import { Faults } from '../faults.js';
import { nowUs } from '../timeline.js';
import { dumpStatistics, removeFolder, sendImages } from './images.js';
import type { ImageFolders } from './images.js';
import { inNest } from './inventory.js';
import { openPages } from './pages.js';
import type { PageStream } from './pages.js';
import { criuHere } from './probe.js';
import { startCriu } from './run.js';
import type { RunningCriu } from './run.js';
import { continueRoot, continueTree, killBelow, numbersInside, processTree, sessionIsForeign } from './tree.js';

type Frame = mpvm.task.IToDaemon;
type LetGo = mpvm.task.ILetGo;

const page = 4096;
/** So often the state machine hears that something still happens. */
const signOfLifeMs = 2000;
/** Rounds of pre-dump; each starts criu anew, so few are worth it. */
const mostRounds = 5;
const roundHelps = 0.75;
/** Dumped together with the pages; larger deleted files are refused by criu itself. */
const ghostLimit = '512M';

export class CriuCapture implements Capture {
  readonly #options: CaptureOptions;
  readonly #node: string;
  readonly #folder: string;
  readonly #faults: Faults;
  #ready: mpvm.node.IInboundReady = {};
  #round = 0;
  #givenUp = false;
  #stopped = false;
  #criu: RunningCriu | undefined;
  #stream: PageStream | undefined;
  /** What is under way; it never rejects. */
  #work: Promise<void> = Promise.resolve();
  #transferred = 0;

  constructor(options: CaptureOptions, folders: ImageFolders, node: string) {
    this.#options = options;
    this.#node = node;
    this.#folder = folders.make();
    this.#faults = new Faults(options.fault, () => this.#stream?.close(), options.log);
  }

  // ---------------------------------------------------------------- Capture

  rounds(ready: mpvm.node.IInboundReady): void {
    this.#ready = ready;
    this.#do(async () => {
      await this.#copyWhileItRuns();
      if (this.#givenUp) return;
      const { id, task, fault } = this.#options;
      task.send({ request: 0, migrationStart: { id, letGo: true, ...(fault ? { fault } : {}) } });
    });
  }
  pace(): void {
    // criu cannot be told.
  }
  freeze(): void {
    this.#options.task.send({ request: 0, freezeGrant: { id: this.#options.id } });
  }
  heard({ letGo }: Frame): void {
    if (letGo) this.#do(() => this.#image(letGo));
  }
  commit(): void {
    const { task, id } = this.#options;
    killBelow(task.pid);
    task.send({ request: 0, migrationCommitted: { id } });
    removeFolder(this.#folder);
  }
  /** A criu that is killed in the middle of something may leave the task there: it is waited for. */
  async abort(reason: string): Promise<void> {
    const { task, id } = this.#options;
    this.#givenUp = true;
    await this.#work;
    if (this.#stopped) continueTree(task.pid);
    task.send({ request: 0, migrationAbort: { id, reason: reason.slice(0, 255) } });
    removeFolder(this.#folder);
  }

  /** One thing after the other; what fails is said as a word of the task. */
  #do(work: () => Promise<void>): void {
    const { id, say } = this.#options;
    this.#work = this.#work.then(work).catch((thrown: unknown) => {
      const { code, message } = asMpvmError(thrown);
      say({ migrationFailed: { id, code, text: message } });
    });
  }

  // ---------------------------------------------------------------- while the program runs

  /** As long as a round leaves markedly less than the one before, where the kernel knows what has been written. */
  async #copyWhileItRuns(): Promise<void> {
    const criu = await criuHere(this.#node);
    if (!criu.preDump || this.#options.copying.maxRounds === 0) return;
    for (let left = Infinity; this.#round < mostRounds && !this.#givenUp; ) {
      try {
        await this.#runCriu('pre-dump', []);
      } catch (error) {
        this.#options.log.warn({ err: error }, 'criu cannot copy while the program runs');
        this.#round = 0;
        return;
      }
      const { pagesWritten, writeUs } = await dumpStatistics(this.#roundFolder);
      this.#transferred += pagesWritten * page;
      this.#progress({ phase: mpvm.task.Phase.COPYING, round: this.#round, remaining: pagesWritten * page, expectedDowntimeUs: writeUs });
      if (pagesWritten > left * roundHelps || writeUs < this.#options.copying.maxDowntimeMs * 1000) return;
      left = pagesWritten;
    }
  }

  #progress(figures: Partial<mpvm.task.IMigrationProgress>): void {
    this.#options.say({ migrationProgress: { id: this.#options.id, transferred: this.#transferred, pages: this.#transferred / page, ...figures } });
  }

  // ---------------------------------------------------------------- frozen

  async #image({ frozenAtUs, linkInode }: LetGo): Promise<void> {
    const { id, task, peer, say } = this.#options;
    const alive = setInterval(() => this.#progress({ phase: mpvm.task.Phase.FROZEN, round: this.#round }), signOfLifeMs);
    try {
      this.#faults.at('CRIU_BEFORE_DUMP');
      const shellJob = sessionIsForeign(task.pid);
      const output = outputOf(task.pid);
      const pids = numbersInside(processTree(task.pid));
      // Children that nobody has asked to be quiet must not run on before it is known where they live.
      this.#stopped = processTree(task.pid).length > 1;
      try {
        await this.#runCriu('dump', [
          `--external=unix[${linkInode ?? 0}]`, '--network-lock=skip', `--ghost-limit=${ghostLimit}`,
          this.#stopped ? '--leave-stopped' : '--leave-running', ...(shellJob ? ['--shell-job'] : []),
        ]);
      } finally {
        if (this.#stopped) continueRoot(task.pid);
      }
      this.#faults.at('CRIU_AFTER_DUMP');
      const { pagesWritten, writeUs } = await dumpStatistics(this.#roundFolder);
      this.#transferred += pagesWritten * page + (await sendImages(this.#roundFolder, id, peer));
      await peer.putImage({ id, end: { round: this.#round, linkInode: linkInode ?? 0, output, pids, shellJob } });
      say({
        imageSent: {
          id, transferred: this.#transferred, pages: Math.round(this.#transferred / page), rounds: this.#round,
          frozenAtUs: frozenAtUs ?? 0, sentAtUs: nowUs(), streamUs: writeUs, pageBytes: pagesWritten * page,
        },
      });
    } finally {
      clearInterval(alive);
    }
  }

  // ---------------------------------------------------------------- criu

  get #roundFolder(): string {
    return join(this.#folder, String(this.#round));
  }

  async #runCriu(verb: 'pre-dump' | 'dump', args: string[]): Promise<void> {
    const { task } = this.#options;
    const { address, port, secret } = this.#ready;
    const criu = await criuHere(this.#node);
    this.#round++;
    mkdirSync(this.#roundFolder, { mode: 0o700 });
    const tracked = criu.preDump ? ['--track-mem', ...(this.#round > 1 ? [`--prev-images-dir=../${this.#round - 1}`] : [])] : [];
    this.#stream = await openPages(address ?? '', port ?? 0, secret ?? new Uint8Array(), this.#round);
    try {
      this.#criu = await startCriu({
        criu, verb,
        args: ['--tree', String(innerPid(task.pid) ?? task.pid), '--page-server', '--ps-socket=3', ...tracked, ...args],
        folder: this.#roundFolder,
        descriptors: [this.#stream.descriptor],
        inside: inNest(task.pid) ? task.pid : undefined,
        letGoOn: verb === 'dump' && this.#stopped ? task.pid : undefined,
        node: this.#node,
      });
      if (verb === 'dump') void this.#killInTheMiddle(this.#criu);
      await this.#criu.ended;
    } finally {
      this.#stream.close();
    }
  }

  /** A fault: criu is in the task and sends its memory. */
  async #killInTheMiddle(criu: RunningCriu): Promise<void> {
    if (this.#options.fault?.point !== 'CRIU_DUMP') return;
    let over = false;
    void criu.ended.then(() => (over = true), () => (over = true));
    const sign = join(this.#roundFolder, `ids-${innerPid(this.#options.task.pid) ?? 0}.img`);
    while (!over && !existsSync(sign)) await delay(1);
    criu.kill();
  }
}

/** Path of the pipe that its output goes to; empty when there is none. */
function outputOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/1`);
  } catch {
    return '';
  }
}
