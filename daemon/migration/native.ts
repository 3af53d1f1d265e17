/** The native engine: libpvm's agent captures from inside, a restorer of ours becomes the task (native/checkpoint). */
import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { MpvmError } from '../errors.js';
import { listenForOthers } from '../native/index.js';
import { tidText } from './engine.js';
import type { Capture, CaptureOptions, Engine, ReceiveOptions, Receiver } from './engine.js';
import { takeInventory } from './inventory.js';
import { predict } from './predict.js';
import { ProcessGone } from './proc.js';

const silence = { starting: 15, image: 60 } as const;

export const nativeEngine: Engine = {
  name: 'native',
  missing: () => Promise.resolve(undefined),
  async explain(task, node) {
    try {
      return await takeInventory({ tid: task.tid, pid: task.pid, ...node });
    } catch (error) {
      if (error instanceof ProcessGone) throw new MpvmError('TASK_ENDED', { tid: tidText(task.tid) }, { cause: error });
      throw error;
    }
  },
  predict,
  capture: (options) => capture(options),
  receive: (options) => receiver(options),
};

function capture({ id, task, copying, fault }: CaptureOptions): Capture {
  return {
    rounds({ address, port, secret }) {
      task.send({ request: 0, migrationStart: { id, address, port, secret, ...copying, ...(fault ? { fault } : {}) } });
    },
    pace: (bytesPerSecond) => task.send({ request: 0, migrationPace: { id, bytesPerSecond } }),
    freeze: () => task.send({ request: 0, freezeGrant: { id } }),
    heard: () => undefined,
    commit: () => task.send({ request: 0, migrationCommitted: { id } }),
    abort(reason) {
      task.send({ request: 0, migrationAbort: { id, reason: reason.slice(0, 255) } });
      return Promise.resolve();
    },
  };
}

/** The socket at which the image comes in is ours to begin with: the agent may connect before there is a restorer, which inherits it. */
function receiver({ id, arriving, address, restorer, fault, say, ended }: ReceiveOptions): Receiver {
  const secret = randomBytes(16);
  let listener: number | undefined;
  const close = (): void => {
    if (listener !== undefined) closeSync(listener);
    listener = undefined;
  };
  return {
    listen() {
      const { fd, port } = listenForOthers(address);
      listener = fd;
      return Promise.resolve({ address, port, secret });
    },
    start() {
      arriving.startRestorer({
        path: restorer,
        stdin: listener!,
        onFrame: say,
        onExit: (code, signal) => ended(signal ? `it was ended by ${signal}` : `it ended with code ${code}`),
      });
      close();
      arriving.send({ request: 0, restorerReceive: { id, secret, timeoutMs: silence.image * 1000, seal: arriving.seal, ...(fault ? { fault } : {}) } });
      return silence.starting;
    },
    image: () => Promise.reject(new MpvmError('BAD_REQUEST', { detail: 'the native engine sends its image to the restorer' })),
    close,
  };
}
