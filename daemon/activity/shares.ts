/** How a task has spent the time between two looks. Pure. */
import type { Usage } from '../balance/processors.js';
import type { Pulse } from './pulse.js';

export interface Look {
  atMs: number;
  pid: number;
  /** Of all its threads. */
  usage: Usage;
  pulse: Pulse | undefined;
}

/** Of the time; what is left of 1 it slept outside of the library. */
export interface Shares {
  /** Processors it computed on; threads add up. */
  computing: number;
  /** It wanted a processor that others had. */
  ready: number;
  /** In the library, for messages or for room to send. */
  waiting: number;
}

const unit = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000;

/**
 * The kernel tells what it ran and wanted to run, the library what of its sleep was a wait for
 * others and what of its running was such a wait. A wait that goes on has not been counted yet:
 * while the program waits, all the sleep that is not accounted for is that.
 */
export function shares(before: Look, now: Look): Shares {
  const seconds = (now.atMs - before.atMs) / 1000;
  const ran = Math.max(0, now.usage.ranSeconds - before.usage.ranSeconds) / seconds;
  const ready = Math.max(0, now.usage.waitedSeconds - before.usage.waitedSeconds) / seconds;
  const slept = Math.max(0, 1 - Math.min(1, ran) - ready);
  const then = before.pulse ?? { waiting: false, sleptSeconds: 0, spunSeconds: 0 };
  const { pulse = then } = now;
  const spun = Math.min(ran, Math.max(0, pulse.spunSeconds - then.spunSeconds) / seconds);
  const counted = Math.max(0, pulse.sleptSeconds - then.sleptSeconds) / seconds;
  const waited = pulse.waiting ? slept : Math.min(slept, counted);
  return { computing: Math.round((ran - spun) * 1000) / 1000, ready: unit(ready), waiting: unit(waited + spun) };
}
