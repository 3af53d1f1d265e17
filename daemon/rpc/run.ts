/** `mpvm run`: tasks whose output and ends go to the one who asked, and which end when he goes away. */
import { randomBytes } from 'node:crypto';
import type { Tasks, VirtualMachine } from '../contracts.js';
import type { Logger } from '../log.js';
import type { mpvm } from './messages.js';

export interface RunParts {
  vm: VirtualMachine;
  tasks: Tasks;
  log: Logger;
}

type RunEvent = mpvm.control.IRunEvent;

/** PvmTaskHost: on the node named. */
const taskHost = 1;
/** As for a program started from a shell: PvmNoParent. */
const noParent = -23;
const noProgram = -7;
/** Output kept for a slow reader before the tasks have to wait. */
const windowBytes = 1 << 20;
const terminateSignal = 15;
const killSignal = 9;
const graceMs = 2000;

export function spawnRequest({ program, argv, count, node, engine, environment, directory }: mpvm.control.SpawnRequest) {
  return { program, argv, count: count || 1, flags: node ? taskHost : 0, where: node, engine: engine || 'auto', environment, directory, parent: noParent };
}

export async function* runTasks({ vm, tasks, log }: RunParts, request: mpvm.control.SpawnRequest, signal: AbortSignal): AsyncGenerator<RunEvent> {
  const run = randomBytes(8).toString('hex');
  const inbox = new Inbox();
  const stopCollecting = tasks.collect(run, (record) => inbox.take(record));
  const running = new Map<number, string>();
  const place = (): void => {
    for (const tid of running.keys()) running.set(tid, vm.locate(tid).node);
  };
  const stopPlacing = vm.on('moved', place);
  const stopMourning = vm.on('nodeDown', ({ name }) => {
    for (const [tid, node] of running) if (node === name) void inbox.take({ tid, exited: true, exitCode: 128 + killSignal, signal: 'SIGKILL' });
  });
  const abort = (): void => inbox.end();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const { tids, detail } = await tasks.spawnAnywhere({ ...spawnRequest(request), run });
    const started = tids.filter((tid) => tid > 0);
    for (const tid of started) running.set(tid, '');
    place();
    if (started.length === 0) {
      const status = tids[0] ?? 0;
      yield { failed: { status, code: status === noProgram ? 'NO_PROGRAM' : 'SPAWN_FAILED', text: detail || `${request.program} was not started (${status})` } };
      return;
    }
    yield { started: { tids: started } };
    while (running.size > 0 && !signal.aborted) {
      const record = await inbox.next();
      if (record === undefined) break;
      if (record.data && record.data.length > 0) yield { output: { tid: record.tid, data: record.data } };
      if (record.exited && running.delete(record.tid ?? 0)) yield { ended: { tid: record.tid, code: record.exitCode, signal: record.signal } };
    }
  } finally {
    signal.removeEventListener('abort', abort);
    inbox.end();
    stopPlacing();
    stopMourning();
    stopCollecting();
    if (running.size > 0) {
      log.info({ run, tids: [...running.keys()] }, 'the run was cancelled; its tasks are ended');
      endTasks(vm, running.keys());
    }
  }
}

function endTasks(vm: VirtualMachine, tids: Iterable<number>): void {
  const all = [...tids];
  const send = (signum: number): void => {
    for (const tid of all) {
      const { node } = vm.locate(tid);
      try {
        vm.peer(node).signal({ tid, signum, group: true }).catch(() => undefined);
      } catch {
        // Its node is gone, and so is it.
      }
    }
  };
  send(terminateSignal);
  setTimeout(() => send(killSignal), graceMs);
}

/** Records on their way to the reader; take() resolves when there is room for the next. */
class Inbox {
  readonly #records: mpvm.node.IOutputRequest[] = [];
  #bytes = 0;
  #ended = false;
  #arrived: (() => void) | undefined;
  #room: (() => void)[] = [];

  async take(record: mpvm.node.IOutputRequest): Promise<void> {
    if (this.#ended) return;
    this.#records.push(record);
    this.#bytes += record.data?.length ?? 0;
    this.#arrived?.();
    if (this.#bytes > windowBytes) await new Promise<void>((resolve) => this.#room.push(resolve));
  }

  /** Undefined at the end. */
  async next(): Promise<mpvm.node.IOutputRequest | undefined> {
    while (this.#records.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
    const record = this.#records.shift()!;
    this.#bytes -= record.data?.length ?? 0;
    if (this.#bytes <= windowBytes) for (const resolve of this.#room.splice(0)) resolve();
    return record;
  }

  end(): void {
    this.#ended = true;
    this.#arrived?.();
    for (const resolve of this.#room.splice(0)) resolve();
  }
}
