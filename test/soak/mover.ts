/** Moves tasks at random, without end, until told to stop: two at once at times, any of them at any moment. */
import { Random } from '../lab/random.js';
import { pause } from '../lab/wait.js';
import { wasInDoubt, type Lab, type Move } from '../lab/lab.js';

/** What is asked of a lab, of either level. */
export type Movable = Pick<Lab, 'nodeNames' | 'tasks' | 'migrate'>;

export interface MoverOptions {
  /** At most so long between two starts of moves. */
  everyMs?: number;
  /** Which tasks may move; all of the VM when left out. */
  only?: (tid: number) => boolean;
  random?: Random;
}

export class Mover {
  readonly random: Random;
  readonly moves: Move[] = [];
  readonly refused: string[] = [];
  readonly #lab: Movable;
  readonly #options: MoverOptions;
  readonly #busy = new Set<number>();
  #stopped = false;
  #work: Promise<void> | undefined;

  constructor(lab: Movable, options: MoverOptions = {}) {
    this.#lab = lab;
    this.#options = options;
    this.random = options.random ?? new Random();
  }

  start(): this {
    this.#work = this.#loop();
    return this;
  }

  async #loop(): Promise<void> {
    const names = await this.#lab.nodeNames();
    while (!this.#stopped) {
      const rows = (await this.#lab.tasks()).filter((row) => row.state === 'running' && (row.flags ?? 0) !== 4 && (this.#options.only?.(row.tid ?? 0) ?? true) && !this.#busy.has(row.tid ?? 0));
      // Neighbours in the list talk to each other in a ring: now and then both ends of a channel move.
      const many = Math.min(rows.length, this.random.below(3) === 0 ? 2 : 1);
      const first = this.random.below(Math.max(rows.length, 1));
      for (let i = 0; i < many; i++) {
        const row = rows[(first + i) % rows.length]!;
        const others = names.filter((name) => name !== row.node);
        void this.#one(row.tid ?? 0, this.random.pick(others));
      }
      await pause(1 + this.random.below(this.#options.everyMs ?? 100));
      while (this.#busy.size >= 3) await pause(2);
    }
    while (this.#busy.size > 0) await pause(5);
  }

  async #one(tid: number, to: string): Promise<void> {
    this.#busy.add(tid);
    try {
      const move = await this.#lab.migrate(tid, to);
      if (wasInDoubt(move) && move.code !== 'TASK_ENDED') this.refused.push(`t${tid.toString(16)} -> ${to}: in doubt, although nobody had died: ${move.id}`);
      else if (move.outcome === 'completed') this.moves.push(move);
      else this.refused.push(`t${tid.toString(16)} -> ${to}: ${move.outcome} ${move.code} ${(move.blockers ?? []).map((blocker) => blocker.cause).join('; ')}`);
    } catch (error) {
      this.refused.push(`t${tid.toString(16)} -> ${to}: ${String(error)}`);
    } finally {
      this.#busy.delete(tid);
    }
  }

  /** Moves that failed although the task lived on. */
  get failures(): string[] {
    return this.refused.filter((line) => !/TASK_ENDED|TASK_UNKNOWN|TASK_ALREADY_THERE|no task|ended before|is on node \w+ already/.test(line));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  summary(): string {
    const sorted = (pick: (move: Move) => number): number[] => this.moves.map(pick).sort((a, b) => a - b);
    const at = (list: number[], part: number): string => ((list[Math.floor((list.length - 1) * part)] ?? 0) / 1000).toFixed(1);
    const down = sorted((move) => move.downtimeUs ?? 0);
    const total = sorted((move) => move.totalUs ?? 0);
    return `${this.moves.length} moves (${this.refused.length} refused), seed ${this.random.seed}; downtime median ${at(down, 0.5)} ms, p95 ${at(down, 0.95)} ms; cost median ${at(total, 0.5)} ms, p95 ${at(total, 0.95)} ms`;
  }
}
