/** What a move costs and what it brings, in seconds. The formulas are explained in docs/scheduling.md. */
import type { TaskView } from './snapshot.js';

/** Of one stream over a good network, measured on the machines this was built on; a start, until moves have been seen. */
export const assumedBytesPerSecond = 1.2e9;
export const setupSeconds = 0.015;
export const stopSeconds = 0.008;
/** A task that dirties its memory as fast as it can be sent never ends copying: rounds are bounded. */
const mostRounds = 5;

/** From the command to the moment the task runs at the destination. */
export function moveSeconds(bytes: number, bytesPerSecond = assumedBytesPerSecond, dirtyBytesPerSecond = 0): number {
  // Each round sends what was dirtied during the one before: a geometric series.
  const rounds = 1 / Math.max(1 / mostRounds, 1 - dirtyBytesPerSecond / bytesPerSecond);
  return setupSeconds + (bytes / bytesPerSecond) * rounds + stopSeconds;
}

/** Between tasks of one node a message costs next to nothing; to another node, so much of both ends' time. */
const remoteMessageSeconds = 25e-6;
const remoteSecondsPerByte = 2 / 1.2e9;

/** Processors' worth of time that is lost when these two are on different nodes. */
export function talkCost({ messagesPerSecond, bytesPerSecond }: { messagesPerSecond: number; bytesPerSecond: number }): number {
  return messagesPerSecond * remoteMessageSeconds + bytesPerSecond * remoteSecondsPerByte;
}

const leastHorizon = 10;
const mostHorizon = 600;

/** How long a task may be expected to go on: as long as it has computed so far, within bounds. */
export function horizonSeconds(task: TaskView): number {
  return Math.min(mostHorizon, Math.max(leastHorizon, task.cpuSeconds ?? 0));
}

/** How much longer work takes on a node with so much to do for each processor. */
export function slowdown(crowding: number): number {
  return Math.max(1, crowding);
}
