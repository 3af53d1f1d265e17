/** What was measured: points, and what many runs say of each. */

/** One line of a program's output. */
export interface Sample {
  /** "pingpong psend 8": row, case, size. */
  point: string;
  seconds: number;
  best: number;
}

export interface Figure {
  median: number;
  best: number;
  samples: number;
}

export function parse(output: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of output.split('\n')) {
    const match = /^(\w+ \w+ \d+) (\S+) (\S+)$/.exec(line);
    if (match) samples.push({ point: match[1]!, seconds: Number(match[2]), best: Number(match[3]) });
  }
  return samples;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}

/** Samples of all runs, by contestant and point. */
export class Results {
  readonly #samples = new Map<string, Map<string, Sample[]>>();
  /** Why a contestant has no figure in a row. */
  readonly missing = new Map<string, string>();

  add(contestant: string, samples: readonly Sample[]): void {
    const points = this.#samples.get(contestant) ?? new Map<string, Sample[]>();
    this.#samples.set(contestant, points);
    for (const sample of samples) points.set(sample.point, [...(points.get(sample.point) ?? []), sample]);
  }

  figure(contestant: string, point: string): Figure | undefined {
    const samples = this.#samples.get(contestant)?.get(point);
    if (!samples || samples.length === 0) return undefined;
    return { median: median(samples.map(({ seconds }) => seconds)), best: Math.min(...samples.map(({ best }) => best)), samples: samples.length };
  }

  points(contestant: string): string[] {
    return [...(this.#samples.get(contestant)?.keys() ?? [])];
  }

  contestants(): string[] {
    return [...this.#samples.keys()];
  }
}
