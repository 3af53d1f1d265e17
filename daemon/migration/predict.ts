/** What a move of so much memory will take, before it has begun: for plans and for people, never for decisions. */
import { assumedBytesPerSecond, moveSeconds, stopSeconds } from '../schedule/cost.js';

let observed = assumedBytesPerSecond;
let limit = Infinity;

/** What `mpvm limit` allows; 0: no limit. */
export function limitPredictions(bytesPerSecond: number): void {
  limit = bytesPerSecond || Infinity;
}

/** A move has shown how quick this network is: later ones are predicted by it. */
export function learn(bytes: number, us: number): void {
  if (bytes < 16 << 20 || us <= 0) return;
  observed += ((bytes * 1e6) / us - observed) / 4;
}

/** Of the page streams from this node. */
export function observedBytesPerSecond(): number {
  return Math.min(observed, limit);
}

export function predict(privateBytes: number): { predictedBytes: number; predictedUs: number; predictedDowntimeUs: number } {
  return { predictedBytes: privateBytes, predictedUs: Math.round(moveSeconds(privateBytes, observedBytesPerSecond()) * 1e6), predictedDowntimeUs: Math.round(stopSeconds * 1e6) };
}
