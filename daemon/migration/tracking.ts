/** How it is found what a program writes while it is copied: names, what this kernel can do, and what is forced. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../native/index.js';
import { mpvm } from '../rpc/messages.js';

const { Tracking } = mpvm.task;
type Tracking = mpvm.task.Tracking;

/** In the order in which the engine tries them (native/checkpoint/capture/track.c). */
export const trackings: Readonly<Record<string, Tracking>> = {
  userfaultfd: Tracking.USERFAULTFD,
  'soft-dirty': Tracking.SOFT_DIRTY,
  compare: Tracking.COMPARE,
  none: Tracking.NO_TRACKING,
};

/** Empty when it is not known (yet). */
export function trackingName(tracking: Tracking | null | undefined): string {
  return Object.entries(trackings).find(([, value]) => value === tracking)?.[0] ?? '';
}

/** MPVM_TRACKING of the daemon: for all moves from this node. What it does not know forces nothing. */
export function forcedTracking(environment: NodeJS.ProcessEnv = process.env): Tracking {
  return trackings[environment['MPVM_TRACKING'] ?? ''] ?? Tracking.ANY;
}

let probed: Promise<string> | undefined;
/** What a move from this node will use, as far as the kernel says without being asked by the task itself. */
export function likelyTracking(): Promise<string> {
  const forced = trackingName(forcedTracking());
  if (forced) return Promise.resolve(forced);
  probed ??= promisify(execFile)(join(projectRoot(), 'build/bin/mpvm-probe')).then(({ stdout }) => choose(stdout), () => '');
  return probed;
}

/** From the answers of mpvm-probe, a line each. */
export function choose(answers: string): string {
  const has = (question: string): boolean => answers.split('\n').includes(`${question} yes`);
  if (has('userfaultfd') && has('userfaultfd-wp-async') && has('pagemap-scan')) return 'userfaultfd';
  return has('soft-dirty') ? 'soft-dirty' : 'compare';
}
