/** The engine for what the native one declines: CRIU captures the task, with its children, from outside. */
import { basename } from 'node:path';
import { MpvmError } from '../../errors.js';
import type { NodePaths } from '../../paths.js';
import { asBlocker } from '../blockers.js';
import { tidText } from '../engine.js';
import type { Engine, Prediction } from '../engine.js';
import { ProcessGone } from '../proc.js';
import { CriuCapture } from './capture.js';
import { ImageFolders } from './images.js';
import { criuInventory } from './inventory.js';
import { findCriu } from './probe.js';
import { CriuReceiver } from './receiver.js';

/** Measured with CRIU 4.2 (docs/BENCHMARKS.md): what is the same for every task, and its memory written, and read again. */
const fixedUs = 250_000;
const bytesPerSecond = 600e6;

export function createCriuEngine(paths: NodePaths): Engine {
  const folders = new ImageFolders(paths);
  folders.removeOld();
  const node = basename(paths.node);
  return {
    name: 'criu',
    async missing() {
      const found = await findCriu(node);
      return found instanceof MpvmError ? asBlocker('source', found) : undefined;
    },
    async explain(task, folder) {
      try {
        return await criuInventory({ tid: task.tid, pid: task.pid }, folder);
      } catch (error) {
        if (error instanceof ProcessGone) throw new MpvmError('TASK_ENDED', { tid: tidText(task.tid) }, { cause: error });
        throw error;
      }
    },
    predict: (privateBytes): Prediction => {
      const us = Math.round(fixedUs + (privateBytes / bytesPerSecond) * 1e6);
      return { predictedBytes: privateBytes, predictedUs: us, predictedDowntimeUs: us };
    },
    capture: (options) => new CriuCapture(options, folders, node),
    receive: (options) => new CriuReceiver(options, folders, node),
  };
}
