/** One point: a task of one size that writes at one rate, moved to and fro, beside a plain copy of as many bytes. */
import { join } from 'node:path';
import { longestHole, readDiary, speed } from './diary.js';
import type { Entry } from './diary.js';
import type { Ground, Move } from './grounds.js';

export interface Point {
  /** MiB the task holds, MB/s it writes. */
  size: number;
  rate: number;
}
/** Of one move; times in microseconds. */
export interface Sample {
  setup: number;
  total: number;
  downtime: number;
  /** The same, as the program itself saw it. */
  hole: number | undefined;
  obtrusiveness: number;
  bytes: number;
  rounds: number;
  /** MB/s of memory while it was sent, and of the plain C program right before. */
  stream: number | undefined;
  plain: number | undefined;
  /** How fast the program computes while memory is copied, and while the plain program runs beside it, against alone. */
  beside: number | undefined;
  besidePlain: number | undefined;
}

interface Times {
  /** Alone, then beside the plain program, then moved. CLOCK_REALTIME, microseconds. */
  alone: number;
  plain: number;
  plainEnd: number;
  move: Move;
  rate: number | undefined;
}

const now = (): number => Date.now() * 1000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Less is over before it can be measured. */
const leastPlain = 16;
const aloneMs = 60;

async function moveOnce(ground: Ground, tid: number, to: string, point: Point): Promise<Times> {
  const alone = now();
  await pause(aloneMs);
  const plain = now();
  const rate = point.size >= leastPlain ? await ground.plain(point.size) : undefined;
  const plainEnd = now();
  return { alone, plain, plainEnd, rate, move: await ground.move(tid, to) };
}

/** From the first byte to the freeze. */
function precopy(move: Move): { from: number; till: number } {
  const start = (move.startedMs ?? 0) * 1000;
  const phases = move.phases ?? [];
  const from = phases.find(({ name }) => name === 'precopy')?.startUs ?? 0, till = phases.find(({ name }) => name === 'frozen')?.startUs ?? 0;
  return { from: start + from, till: start + till };
}

function sample({ alone, plain, plainEnd, move, rate }: Times, diary: readonly Entry[]): Sample {
  const base = speed(diary, alone, plain);
  const copied = precopy(move);
  const ratio = (value: number | undefined): number | undefined => (value !== undefined && base ? value / base : undefined);
  return {
    setup: move.setupUs ?? 0, total: move.totalUs ?? 0, downtime: move.downtimeUs ?? 0, obtrusiveness: move.obtrusivenessUs ?? 0,
    hole: longestHole(diary, copied.from, (move.startedMs ?? 0) * 1000 + (move.totalUs ?? 0) + 100_000),
    bytes: move.transferredBytes ?? 0, rounds: move.rounds ?? 0, stream: move.mbps ? move.mbps / 8 : undefined, plain: rate,
    beside: ratio(speed(diary, copied.from, copied.till)), besidePlain: rate === undefined ? undefined : ratio(speed(diary, plain, plainEnd)),
  };
}

/** Throws when a move fails. */
export async function measurePoint(ground: Ground, point: Point, moves: number, told: () => boolean): Promise<Sample[]> {
  const file = join(ground.directory, 'diary');
  const task = await ground.run('dirtier', [String(point.size), String(point.rate), file], ground.nodes[0]!);
  const times: Times[] = [];
  try {
    for (let i = 1; i <= moves && !told(); i++) {
      const one = await moveOnce(ground, task.tid, ground.nodes[i % ground.nodes.length]!, point);
      if (one.move.outcome !== 'completed') throw new Error(`a move of ${point.size} MiB failed: ${one.move.code}: ${one.move.reason}`);
      times.push(one);
    }
  } finally {
    await ground.end(task);
  }
  const diary = readDiary(file);
  return times.map((one) => sample(one, diary));
}

/** The longest pvm_send of a task to one that is moved, microseconds, for each move. */
export async function measurePeers(ground: Ground, moves: number): Promise<number[]> {
  const file = join(ground.directory, 'diary'), letters = join(ground.directory, 'letters');
  const task = await ground.run('dirtier', ['64', '10', file], ground.nodes[0]!);
  const sender = await ground.run('sender', [task.tid.toString(16), letters], ground.nodes[0]!);
  const spans: Move[] = [];
  for (let i = 1; i <= moves; i++) spans.push(await ground.move(task.tid, ground.nodes[i % ground.nodes.length]!));
  await ground.end(sender);
  await ground.end(task);
  const diary = readDiary(letters);
  return spans.flatMap(({ startedMs = 0, totalUs = 0 }) => {
    const during = diary.filter(({ at }) => at >= startedMs! * 1000 && at <= startedMs! * 1000 + totalUs!);
    return during.length > 0 ? [Math.max(...during.map(({ value }) => value / 1000))] : [];
  });
}
