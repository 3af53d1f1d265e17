/**
 * mpvm top: nodes, tasks and moves, live at a terminal; elsewhere, and for programs, one look. What
 * tasks compute is measured between two looks.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { asMpvmError } from '../errors.js';
import type { ControlClient } from '../rpc/clients.js';
import { done } from './exit.js';
import { nodeList } from './nodes.js';
import { taskList } from './ps.js';
import type { Session } from './session.js';
import { migrationShape } from './shapes.js';
import type { MigrationShape } from './shapes.js';
import { printJson, printLines } from './table.js';
import { orders, screenful, sections, sorted, withCpu } from './top-frame.js';
import type { Frame, Look, Order } from './top-frame.js';

interface Options {
  interval: number;
  sort: Order;
}

/** Between the two looks of one that is printed. */
const betweenMs = 500;
/** How long a move that has ended stays on the screen, and how many of them. */
const lingerMs = 15_000;
const lingerCount = 5;

export async function top(session: Session, options: Options): Promise<number> {
  if (process.stdout.isTTY && process.stdin.isTTY && !session.json) return new LiveTop(session, options).run();
  const before = await look(session);
  await delay(betweenMs);
  const now = await look(session);
  const tasks = withCpu(now, before);
  const moves = (await (await session.control()).migrations({})).migrations.map(migrationShape).filter(({ outcome }) => outcome === 'running');
  if (session.json) {
    printJson({ vm: session.name, nodes: now.nodes, tasks: sorted(tasks, options.sort), moves });
    return done;
  }
  const text = sections({ vm: session.name, nodes: now.nodes, tasks, moves, order: options.sort });
  printLines([...text.nodes, '', ...text.tasks, ...(text.moves.length > 0 ? ['', ...text.moves] : [])]);
  return done;
}

async function look(session: Session): Promise<Look> {
  const [nodes, tasks] = await Promise.all([nodeList(session), taskList(session)]);
  return { at: performance.now(), nodes, tasks };
}

/** Takes the whole screen, and gives it back as it was. */
class LiveTop {
  readonly #session: Session;
  readonly #intervalMs: number;
  readonly #moves = new Map<string, { move: MigrationShape; at: number }>();
  readonly #leaving = new AbortController();
  #order: Order;
  #last: Look | undefined;
  #frame: Frame | undefined;
  #note = '';

  constructor(session: Session, options: Options) {
    this.#session = session;
    this.#intervalMs = options.interval * 1000;
    this.#order = options.sort;
  }

  async run(): Promise<number> {
    const client = await this.#session.control();
    await this.#look();
    const restore = this.#takeScreen();
    try {
      void this.#follow(client);
      while (!this.#leaving.signal.aborted) {
        this.#draw();
        await delay(this.#intervalMs, undefined, { signal: this.#leaving.signal }).catch(() => undefined);
        await this.#look().catch((error: unknown) => {
          this.#note = asMpvmError(error).message;
        });
      }
    } finally {
      restore();
    }
    return done;
  }

  async #look(): Promise<void> {
    const now = await look(this.#session);
    const tasks = withCpu(now, this.#last);
    this.#last = now;
    this.#note = '';
    this.#frame = { vm: this.#session.name, nodes: now.nodes, tasks, moves: [], order: this.#order };
  }

  /** Moves as they happen; a daemon that has gone is seen by the looks. */
  async #follow(client: ControlClient): Promise<void> {
    try {
      for await (const { migration } of client.watch({}, { signal: this.#leaving.signal })) {
        if (!migration) continue;
        const move = migrationShape(migration);
        this.#moves.set(move.id, { move, at: performance.now() });
        this.#draw();
      }
    } catch {
      // said by the next look
    }
  }

  #recentMoves(): MigrationShape[] {
    const now = performance.now();
    const isRunning = ({ outcome }: MigrationShape): boolean => outcome === 'running' || outcome === '';
    for (const [id, { move, at }] of this.#moves) if (!isRunning(move) && now - at > lingerMs) this.#moves.delete(id);
    const all = [...this.#moves.values()].map(({ move }) => move).reverse();
    return [...all.filter(isRunning), ...all.filter((move) => !isRunning(move)).slice(0, lingerCount)];
  }

  #draw(): void {
    if (!this.#frame || this.#leaving.signal.aborted) return;
    const { rows, columns } = process.stdout;
    const frame = { ...this.#frame, moves: this.#recentMoves(), order: this.#order };
    process.stdout.write(`\x1b[H${screenful(frame, rows, columns, this.#note).map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
  }

  #takeScreen(): () => void {
    const { stdin, stdout } = process;
    const key = (data: Buffer): void => this.#key(data.toString());
    const redraw = (): void => this.#draw();
    const leave = (): void => this.#leaving.abort();
    stdout.write('\x1b[?1049h\x1b[?25l');
    stdin.setRawMode(true).resume().on('data', key);
    stdout.on('resize', redraw);
    process.on('SIGTERM', leave);
    return () => {
      stdin.off('data', key).setRawMode(false).pause();
      stdout.off('resize', redraw);
      process.off('SIGTERM', leave);
      stdout.write('\x1b[?25h\x1b[?1049l');
    };
  }

  #key(key: string): void {
    const order = { c: 'cpu', m: 'rss', n: 'node', t: 'tid' }[key] as Order | undefined;
    if (key === 'q' || key === '\x03' || key === '\x04') this.#leaving.abort();
    else if (order !== undefined && orders.includes(order)) {
      this.#order = order;
      this.#draw();
    }
  }
}
