/** What the demo shows: events as lines, and on a terminal below them nodes, tasks, moves and progress, live. */
import type { ControlClient } from '../rpc/clients.js';
import { bytes, paint, programName } from './format.js';
import { progress as moveLine } from './migrate.js';
import { Screen } from './screen.js';
import type { Session } from './session.js';
import { nodeShape, taskShape } from './shapes.js';
import type { MigrationShape, NodeShape, TaskShape } from './shapes.js';

const refreshMs = 150;

/** Where there is no terminal, so many lines tell how far the program is. */
const progressLines = 5;

export class DemoView extends Screen {
  readonly #started = performance.now();
  readonly #quiet: boolean;
  #timer: NodeJS.Timeout | undefined;
  #nodes: NodeShape[] = [];
  #tasks: TaskShape[] = [];
  #moving: MigrationShape | undefined;
  #step = 0;
  #steps = 0;

  constructor(session: Session) {
    super(process.stdout, !session.json);
    this.#quiet = session.json;
  }

  headline(text: string): void {
    this.#steps = 0;
    if (!this.#quiet) super.log(`\n${paint('bold', text)}`);
  }

  override log(line: string): void {
    if (!this.#quiet) super.log(`${paint('dim', this.#clock())}  ${line}`);
  }

  move(move: MigrationShape): void {
    this.#moving = move.outcome === 'running' || move.outcome === '' ? move : undefined;
    this.#redraw();
  }

  progress(step: number, steps: number): void {
    const part = (value: number): number => Math.floor((value * progressLines) / steps);
    if (!this.live && part(step) !== part(step >= this.#step ? this.#step : 0)) this.log(`step ${step} of ${steps}`);
    this.#step = step;
    this.#steps = steps;
    this.#redraw();
  }

  /** Looks at the VM from now on. */
  start(client: ControlClient): void {
    if (!this.live) return;
    const look = async (): Promise<void> => {
      try {
        const [nodes, tasks] = await Promise.all([client.nodes({}), client.tasks({})]);
        this.#nodes = nodes.nodes.map(nodeShape);
        this.#tasks = tasks.tasks.map(taskShape);
        this.#redraw();
      } catch {
        // The demo itself reports what fails; the picture just stands still.
      }
      if (this.#timer) this.#timer = setTimeout(() => void look(), refreshMs);
    };
    this.#timer = setTimeout(() => void look(), 0);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.clear();
  }

  #redraw(): void {
    if (this.#timer) this.draw(this.#picture());
  }

  #clock(): string {
    return `${((performance.now() - this.#started) / 1000).toFixed(1).padStart(5)} s`;
  }

  #picture(): string[] {
    const lines = [''];
    for (const node of this.#nodes) {
      const state = node.cordoned ? paint('yellow', 'cordoned') : paint('green', 'up      ');
      lines.push(`${paint('bold', node.name)}  ${node.address.padEnd(12)}  ${state}  ${this.#tasksOn(node.name)}`);
    }
    lines.push(this.#moving ? moveLine(this.#moving) : '');
    if (this.#steps > 0) lines.push(bar(this.#step / this.#steps, `step ${this.#step} of ${this.#steps}`));
    return lines;
  }

  #tasksOn(node: string): string {
    const tasks = this.#tasks.filter((task) => task.node === node);
    if (tasks.length === 0) return paint('dim', 'no tasks');
    return tasks
      .map((task) => {
        const text = `${task.tid} ${programName(task.program)} ${bytes(task.rssBytes)}`;
        return task.state === 'running' ? (task.epoch > 0 ? paint('cyan', text) : text) : paint('yellow', `${text} ${task.state}`);
      })
      .join('  ');
  }
}

function bar(share: number, text: string): string {
  const cells = 40;
  const full = Math.round(Math.min(1, share) * cells);
  return `${paint('cyan', '█'.repeat(full))}${paint('dim', '░'.repeat(cells - full))}  ${text}`;
}
