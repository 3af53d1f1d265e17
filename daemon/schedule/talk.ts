/**
 * Who talks to whom, as a graph over the indices of tasks: for each task its peers, in their order, and what
 * messages with each cost between nodes, both directions together. Flat arrays: there may be 100,000 tasks.
 */
import { talkCost } from './cost.js';
import type { Talk, TaskView } from './snapshot.js';

/** Parts of a processor that costs of messages are counted in: whole numbers, so that the order in which they are added up does not matter. */
const fine = 2 ** 40;

export interface TalkGraph {
  /** Task i has the entries from start[i] to start[i + 1]. */
  start: Uint32Array;
  peer: Uint32Array;
  cost: Float64Array;
}

export function talkGraph(talks: readonly Talk[], tasks: readonly TaskView[], indexOf: (tid: number) => number | undefined): TalkGraph {
  const [from, to, cost] = [new Uint32Array(2 * talks.length), new Uint32Array(2 * talks.length), new Float64Array(2 * talks.length)];
  let count = 0;
  const add = (a: number, b: number, value: number): void => {
    from[count] = a;
    to[count] = b;
    cost[count++] = value;
  };
  for (const talk of talks) {
    const [a, b] = [indexOf(talk.from), indexOf(talk.to)];
    if (a === undefined || b === undefined || a === b) continue;
    const value = Math.round(talkCost(talk) * fine);
    add(a, b, value);
    add(b, a, value);
  }
  return joined(from, to, cost, sorted(sorted(range(count), to, tasks.length), from, tasks.length), tasks.length);
}

/** Entries of the same pair become one. */
function joined(from: Uint32Array, to: Uint32Array, cost: Float64Array, order: Uint32Array, tasks: number): TalkGraph {
  const start = new Uint32Array(tasks + 1);
  const [peer, sums] = [new Uint32Array(order.length), new Float64Array(order.length)];
  let [count, last] = [0, -1];
  for (const at of order) {
    if (last >= 0 && from[last] === from[at] && to[last] === to[at]) sums[count - 1]! += cost[at]!;
    else {
      peer[count] = to[at]!;
      sums[count++] = cost[at]!;
      start[from[at]! + 1]!++;
    }
    last = at;
  }
  for (let task = 0; task < tasks; task++) start[task + 1]! += start[task]!;
  for (let at = 0; at < count; at++) sums[at]! /= fine;
  return { start, peer, cost: sums };
}

/** Each pair once, as its entry at the lower index; the busiest first, equals by index. */
export function busiestFirst({ start, peer, cost }: TalkGraph): { a: Uint32Array; b: Uint32Array } {
  const entries = start[start.length - 1]!;
  const [ends, others, costs] = [new Uint32Array(entries / 2), new Uint32Array(entries / 2), new Float64Array(entries / 2)];
  let count = 0;
  for (let task = 0; task + 1 < start.length; task++) {
    for (let at = start[task]!; at < start[task + 1]!; at++) {
      if (peer[at]! < task) continue;
      ends[count] = task;
      others[count] = peer[at]!;
      costs[count++] = cost[at]!;
    }
  }
  const order = descending(costs);
  return { a: order.map((at) => ends[at]!), b: order.map((at) => others[at]!) };
}

/** The order of positive numbers by their upper 32 bits (20 of them of the fraction), the greatest first. */
function descending(values: Float64Array): Uint32Array {
  const words = new Uint32Array(values.buffer);
  const [lower, upper] = [new Uint32Array(values.length), new Uint32Array(values.length)];
  for (let at = 0; at < values.length; at++) {
    const word = ~words[2 * at + 1]! >>> 0;
    lower[at] = word & 0xffff;
    upper[at] = word >>> 16;
  }
  return sorted(sorted(range(values.length), lower, 0x10000), upper, 0x10000);
}

const range = (count: number): Uint32Array => {
  const result = new Uint32Array(count);
  for (let at = 0; at < count; at++) result[at] = at;
  return result;
};

/** By counting: by key, equals as they were. Keys are below `most`. */
function sorted(order: Uint32Array, keys: Uint32Array, most: number): Uint32Array {
  const next = new Uint32Array(most + 1);
  for (const at of order) next[keys[at]! + 1]!++;
  for (let key = 1; key <= most; key++) next[key]! += next[key - 1]!;
  const result = new Uint32Array(order.length);
  for (const at of order) result[next[keys[at]!]!++] = at;
  return result;
}
