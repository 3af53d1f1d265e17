/** The end of a node: its tasks are asked to end, and the processes it has started are made to. */
import type { Captured } from './captured.js';
import { delay } from './core.js';
import type { TaskEntry } from './entry.js';

const SIGTERM = 15;
const SIGKILL = 9;
const SIGCONT = 18;
const lookMs = 10;

export async function stopAll(entries: readonly TaskEntry[], captured: readonly Captured[], graceMs = 2000): Promise<void> {
  const all = entries.flatMap((entry) => entry.process ?? []);
  const ours = captured.map((each) => each.process);
  // Programs started from a shell are asked too, as PVM does; whether they go is theirs to say. But
  // one that is here by a move was started by this node.
  const processes = [...new Set([...ours, ...all])];
  for (const process of processes) {
    process.signal(SIGTERM);
    process.signal(SIGCONT);
  }
  const must = [...ours, ...entries.filter((entry) => entry.cookie !== '').flatMap((entry) => entry.process ?? [])];
  await gone(must, graceMs);
  for (const process of must) process.signal(SIGKILL);
  await gone(must, graceMs);
  for (const process of processes) process.forget();
}

async function gone(processes: { readonly alive: boolean }[], graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  while (processes.some((process) => process.alive) && Date.now() < deadline) await delay(lookMs);
}
