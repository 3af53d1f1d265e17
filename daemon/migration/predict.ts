/** What a move of so much memory will take, before it has begun: for plans and for people, never for decisions. */

/** Of one stream over a good network, measured on the machines this was built on; a start, until moves have been seen. */
const assumedBytesPerSecond = 1.2e9;
const setupUs = 15_000;
const stopUs = 8_000;

let observed = assumedBytesPerSecond;

/** A move has shown how quick this network is: later ones are predicted by it. */
export function learn(bytes: number, us: number): void {
  if (bytes < 16 << 20 || us <= 0) return;
  observed += ((bytes * 1e6) / us - observed) / 4;
}

export function predict(privateBytes: number): { predictedBytes: number; predictedUs: number; predictedDowntimeUs: number } {
  const copying = (privateBytes / observed) * 1e6;
  return { predictedBytes: privateBytes, predictedUs: Math.round(setupUs + copying + stopUs), predictedDowntimeUs: stopUs };
}
