/** The terminal's tables. */
import { median } from '../messages/points.js';
import { formatTable, ratio, time } from '../messages/table.js';
import type { CriuSample, Way } from './criu.js';
import { ways } from './criu.js';
import type { Point, Sample } from './measure.js';

export interface Row {
  ground: string;
  point: Point;
  samples: Sample[];
  criu: Partial<Record<Way, CriuSample[]>>;
}

export const known = (values: readonly (number | undefined)[]): number[] => values.filter((value) => value !== undefined);
const middle = (values: readonly (number | undefined)[]): number | undefined => (known(values).length > 0 ? median(known(values)) : undefined);
const us = (value: number | undefined): string => (value === undefined ? '' : time(value / 1e6));
const times = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(2));

/** All that is said of a point; times in microseconds, rates in MB/s. */
export function figures({ point, samples, criu }: Row): Record<string, number | undefined> {
  const of = (pick: (sample: Sample) => number | undefined): (number | undefined)[] => samples.map(pick);
  const stream = middle(of(({ stream }) => stream)), plain = middle(of(({ plain }) => plain));
  const total = middle(of((one) => one.total)), downtime = middle(of((one) => one.downtime));
  return {
    sizeMiB: point.size, rateMBps: point.rate, moves: samples.length,
    setup: middle(of((one) => one.setup)), total, downtime, worstDowntime: Math.max(...samples.map((one) => one.downtime)),
    hole: middle(of((one) => one.hole)), worstHole: Math.max(0, ...known(of((one) => one.hole))),
    obtrusiveness: middle(of((one) => one.obtrusiveness)), bytes: middle(of((one) => one.bytes)), rounds: middle(of((one) => one.rounds)),
    stream, plain, streamOfPlain: middle(of((one) => (one.stream && one.plain ? one.stream / one.plain : undefined))),
    beside: middle(of((one) => one.beside)), besidePlain: middle(of((one) => one.besidePlain)),
    ...Object.fromEntries(ways.flatMap((way) => {
      const theirs = criu[way];
      if (theirs === undefined) return [];
      return [[`${way}: total`, middle(theirs.map((one) => one.total))], [`${way}: downtime`, middle(theirs.map((one) => one.downtime))]];
    })),
  };
}

const label = ({ size, rate }: Point): string => `${size >= 1024 ? `${size / 1024} GiB` : `${size} MiB`}, ${rate === 1000 ? '1 GB/s' : rate === 0 ? 'writes nothing' : `${rate} MB/s`}`;

/** The moves of one ground. */
export function moveTable(rows: readonly Row[]): string {
  const head = ['', 'setup', 'total', 'downtime', 'worst', 'own clock', 'worst', 'source free', 'MiB', 'rounds', 'MB/s', 'of plain C', 'speed', 'beside plain C'];
  return formatTable([head, ...rows.map((row) => {
    const f = figures(row);
    return [
      label(row.point), us(f['setup']), us(f['total']), us(f['downtime']), us(f['worstDowntime']), us(f['hole']), us(f['worstHole']), us(f['obtrusiveness']),
      ((f['bytes'] ?? 0) / 2 ** 20).toFixed(1), String(f['rounds']), f['stream']?.toFixed(0) ?? '', times(f['streamOfPlain']), times(f['beside']), times(f['besidePlain']),
    ];
  })]);
}

/** Against CRIU: in brackets how many times as long as ours. */
export function criuTable(rows: readonly Row[]): string | undefined {
  const compared = rows.filter(({ criu }) => Object.keys(criu).length > 0);
  if (compared.length === 0) return undefined;
  const head = ['', 'total', ...ways, 'downtime', ...ways];
  return formatTable([head, ...compared.map((row) => {
    const f = figures(row);
    const cell = (theirs: number | undefined, ours: number | undefined): string => (theirs !== undefined && ours ? `${us(theirs)} (${ratio(theirs, ours)})` : '');
    return [label(row.point), us(f['total']), ...ways.map((way) => cell(f[`${way}: total`], f['total'])), us(f['hole']), ...ways.map((way) => cell(f[`${way}: downtime`], f['hole']))];
  })]);
}
