/**
 * A move with CRIU, at its destination: criu serves pages into a directory in memory, the source's
 * daemon brings the rest; then criu rebuilds the processes in a nest of their own (native/nest), all
 * of them stopped. Only the task's own process is let go, as far as its library: there it says that it
 * has arrived, and waits for the directory's word like any restorer.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { asMpvmError, MpvmError } from '../../errors.js';
import { innerPid } from '../../native/index.js';
import type { mpvm } from '../../rpc/messages.js';
import type { ReceiveOptions, Receiver } from '../engine.js';
import { ProcessView } from '../proc.js';
import { folderBytes, removeFolder } from './images.js';
import type { ImageFolders } from './images.js';
import { PageListener } from './pages.js';
import type { PageStream } from './pages.js';
import { criuHere, nestPath } from './probe.js';
import { startCriu } from './run.js';
import type { RunningCriu } from './run.js';
import { continueRoot, numbersToStartAfter } from './tree.js';

type End = mpvm.node.IImageEnd;
type Frame = mpvm.task.IToDaemon;

const imageName = /^[A-Za-z0-9][\w.-]{0,100}\.img$/;
const mostRounds = 255;

export class CriuReceiver implements Receiver {
  readonly #options: ReceiveOptions;
  readonly #node: string;
  readonly #folder: string;
  #listener: PageListener | undefined;
  #pages: RunningCriu | undefined;
  #criu: RunningCriu | undefined;
  #round = 0;
  #closed = false;

  constructor(options: ReceiveOptions, folders: ImageFolders, node: string) {
    this.#options = options;
    this.#node = node;
    this.#folder = folders.make();
  }

  async listen(): Promise<mpvm.node.IInboundReady> {
    const { address } = this.#options;
    const secret = randomBytes(16);
    await criuHere(this.#node);
    this.#listener = await PageListener.open(address, secret, (round, stream) => void this.#serve(round, stream));
    return { address, port: this.#listener.port, secret };
  }

  start(): number {
    return Infinity;
  }

  /** A round that has failed is begun again with the first. */
  async #serve(round: number, stream: PageStream): Promise<void> {
    try {
      if (this.#closed || round < 1 || round > mostRounds) return;
      const before = this.#pages;
      this.#round = round;
      if (round === 1) removeFolder(this.#roundFolder);
      mkdirSync(this.#roundFolder, { mode: 0o700 });
      before?.kill();
      this.#pages = await startCriu({
        criu: await criuHere(this.#node), verb: 'page-server',
        args: ['--ps-socket=3', ...(round > 1 ? [`--prev-images-dir=../${round - 1}`] : [])],
        folder: this.#roundFolder, descriptors: [stream.descriptor], node: this.#node,
      });
      this.#pages.ended.catch((error: unknown) => this.#options.log.info({ err: error }, 'criu page-server'));
    } catch (error) {
      this.#fail(error);
    } finally {
      stream.close();
    }
  }

  async image({ name, offset, data, end }: mpvm.node.IImagePart): Promise<void> {
    if (end) {
      void this.#restore(end).catch((error: unknown) => this.#fail(error));
      return;
    }
    if (!imageName.test(name ?? '')) throw new MpvmError('BAD_REQUEST', { detail: `"${name ?? ''}" is no name of an image` });
    const file = await open(join(this.#roundFolder, name!), offset === 0 ? 'wx' : 'r+', 0o600);
    try {
      await file.write(data ?? new Uint8Array(), 0, undefined, offset ?? 0);
    } finally {
      await file.close();
    }
  }

  async #restore({ round, linkInode, output, pids, shellJob }: End): Promise<void> {
    const { arriving, at, ended } = this.#options;
    if (round !== this.#round) throw this.#failure(`round ${round ?? 0} is said to be the last, the pages of round ${this.#round} are here`);
    await this.#pages?.ended;
    at('DEST_BEFORE_RESTORE');
    const first = pids?.[0] ?? 0;
    const nest = await arriving.nest({
      path: nestPath(), first, last: numbersToStartAfter(pids ?? []),
      onFrame: (frame) => this.#heard(frame),
      onExit: (code, signal) => ended(signal ? `the task was ended by ${signal}` : `the task ended with code ${code}`),
    });
    try {
      this.#criu = await startCriu({
        criu: await criuHere(this.#node), verb: 'restore',
        args: [
          '--restore-detached', '--leave-stopped', '--network-lock=skip', `--inherit-fd=fd[3]:socket:[${linkInode ?? 0}]`,
          ...(output ? [`--inherit-fd=fd[4]:${output.slice(1)}`] : []), ...(shellJob ? ['--shell-job'] : []),
        ],
        folder: this.#roundFolder, descriptors: [nest.link, nest.output], inside: nest.init, node: this.#node,
      });
      if (this.#options.fault?.point === 'CRIU_RESTORE') this.#criu.kill();
      await this.#criu.ended;
      nest.hatched(this.#find(nest.init, first));
    } catch (error) {
      nest.hatched(0);
      throw error;
    }
    at('DEST_AFTER_RESTORE');
    continueRoot(arriving.pid);
  }

  #failure(detail: string): MpvmError {
    return new MpvmError('CRIU_FAILED', { what: 'restore', node: this.#node, detail });
  }
  #find(init: number, first: number): number {
    const found = new ProcessView(init).children().find((pid) => innerPid(pid) === first);
    if (found === undefined) throw this.#failure(`there is no process ${first} in the nest`);
    return found;
  }

  #heard(frame: Frame): void {
    const { restorerArrived } = frame;
    const bytes = restorerArrived ? folderBytes(this.#folder) : 0;
    this.#options.say(restorerArrived ? { ...frame, restorerArrived: { ...restorerArrived, bytes, pages: Math.round(bytes / 4096) } } : frame);
  }

  #fail(thrown: unknown): void {
    if (this.#closed) return;
    const { code, message } = asMpvmError(thrown);
    this.#options.say({ restorerFailed: { code, text: message } });
  }

  close(): void {
    this.#closed = true;
    this.#listener?.close();
    this.#pages?.kill();
    this.#criu?.kill();
    removeFolder(this.#folder);
  }

  get #roundFolder(): string {
    return join(this.#folder, String(this.#round));
  }
}
