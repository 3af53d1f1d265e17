/** The table of tasks: sorted by a click on a column, filtered by what is typed. */
import { byName, bytes, programName } from '../../shared/format.js';
import type { State } from '../../shared/state.js';
import type { Task, TaskActivity } from '../../shared/wire.js';
import { darkScheme, nodeColour } from './colours.js';
import { byId, h, inputById, Rows, setAttribute, setText } from './dom.js';
import type { Row } from './dom.js';

const shownAtFirst = 50;

type Order = 'tid' | 'program' | 'node' | 'state' | 'computing' | 'waiting' | 'memory' | 'moves';

interface Shown {
  task: Task;
  /** Hundredths of the time. */
  computing: number;
  waiting: number;
  rssBytes: number;
}

const value = (tid: string): number => parseInt(tid.slice(1), 16);
const columns: { order: Order; title: string; number?: boolean; compare: (a: Shown, b: Shown) => number }[] = [
  { order: 'tid', title: 'Task', compare: (a, b) => value(a.task.tid) - value(b.task.tid) },
  { order: 'program', title: 'Program', compare: (a, b) => byName(programName(a.task.program), programName(b.task.program)) },
  { order: 'node', title: 'Node', compare: (a, b) => byName(a.task.node, b.task.node) },
  { order: 'state', title: 'State', compare: (a, b) => byName(a.task.state, b.task.state) },
  { order: 'computing', title: 'Computing', number: true, compare: (a, b) => b.computing - a.computing },
  { order: 'waiting', title: 'Waiting', number: true, compare: (a, b) => b.waiting - a.waiting },
  { order: 'memory', title: 'Memory', number: true, compare: (a, b) => b.rssBytes - a.rssBytes },
  { order: 'moves', title: 'Moves', number: true, compare: (a, b) => b.task.epoch - a.task.epoch },
];

export class Tasks {
  readonly #state: State;
  readonly #rows: Rows<Shown>;
  readonly #filter = inputById('filter');
  readonly #more = byId('more-tasks');
  readonly #table = byId('tasks');
  readonly #headers = new Map<Order, HTMLElement>();
  #order: Order = 'tid';
  #all = false;

  constructor(state: State, move: (tid: string) => void) {
    this.#state = state;
    this.#rows = new Rows(this.#table.querySelector('tbody')!, ({ task }) => task.tid, (shown) => rowOf(shown, move));
    const head = this.#table.querySelector('thead tr')!;
    for (const { order, title, number } of columns) {
      const header = h('th', { scope: 'col', class: number ? 'number' : undefined }, h('button', { type: 'button', class: 'sort', click: () => this.#sort(order) }, title));
      this.#headers.set(order, header);
      head.append(header);
    }
    head.append(h('th', { scope: 'col' }, 'Actions'));
    this.#filter.addEventListener('input', () => this.refresh());
    this.#more.querySelector('button')!.addEventListener('click', () => {
      this.#all = true;
      this.refresh();
      this.#filter.focus();
    });
    darkScheme.addEventListener('change', () => this.refresh());
    this.#sort('tid');
  }

  #sort(order: Order): void {
    this.#order = order;
    for (const [name, header] of this.#headers) {
      if (name === order) header.setAttribute('aria-sort', columns.find((column) => column.order === name)?.number ? 'descending' : 'ascending');
      else header.removeAttribute('aria-sort');
    }
    this.refresh();
  }

  refresh(): void {
    const latest = latestOf(this.#state);
    const words = this.#filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const matches = [...this.#state.tasks.values()]
      .filter((task) => words.every((word) => `${task.tid} ${programName(task.program)} ${task.node} ${task.state}`.toLowerCase().includes(word)))
      .map((task): Shown => {
        const [, computing = 0, , waiting = 0, rssBytes = 0] = latest.get(task.tid) ?? [];
        return { task, computing, waiting, rssBytes: rssBytes || task.rssBytes };
      });
    const { compare } = columns.find(({ order }) => order === this.#order)!;
    matches.sort((a, b) => compare(a, b) || value(a.task.tid) - value(b.task.tid));
    const shown = this.#all ? matches : matches.slice(0, shownAtFirst);
    this.#rows.show(shown);
    const none = byId('no-tasks');
    none.hidden = matches.length > 0;
    if (words.length > 0) setText(none, 'No task is like that.');
    else if (none.textContent === 'No task is like that.') none.replaceChildren('No tasks. Start some: ', h('code', {}, 'mpvm spawn PROGRAM'));
    this.#table.hidden = matches.length === 0;
    this.#more.hidden = shown.length === matches.length;
    setText(this.#more.querySelector('span')!, `${shown.length} of ${matches.length} tasks are shown.`);
    setText(this.#more.querySelector('button')!, `Show all ${matches.length}`);
  }
}

function latestOf({ activity }: State): Map<string, TaskActivity> {
  const latest = new Map<string, TaskActivity>();
  const newest = activity.at(-1)?.at ?? 0;
  for (const { at, tasks } of activity) if (at > newest - 2000) for (const task of tasks) latest.set(task[0], task);
  return latest;
}

function rowOf({ task: { tid } }: Shown, move: (tid: string) => void): Row<Shown> {
  const program = h('td');
  const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  const node = h('span');
  const state = h('span', { class: 'badge' });
  const bar = h('span', { class: 'bar', 'aria-hidden': 'true' }, h('span'));
  const computing = h('span', { class: 'figure' });
  const [waiting, memory, moves] = [h('td', { class: 'number' }), h('td', { class: 'number' }), h('td', { class: 'number' })];
  const button = h('button', { type: 'button', 'aria-label': `Move ${tid}`, click: () => move(tid) }, 'Move…');
  const element = h('tr', {},
    h('th', { scope: 'row', class: 'tid' }, tid), program, h('td', {}, swatch, ' ', node), h('td', {}, state),
    h('td', { class: 'number' }, bar, computing), waiting, memory, moves, h('td', { class: 'actions' }, button));
  return {
    element,
    update: ({ task, computing: share, waiting: waited, rssBytes }) => {
      setText(program, programName(task.program) || '–');
      swatch.style.background = nodeColour(task.node);
      setText(node, task.node);
      setText(state, task.state);
      setAttribute(state, 'data-kind', task.state === 'running' ? 'plain' : 'warn');
      const inner = bar.firstElementChild as HTMLElement;
      inner.style.width = `${Math.min(100, share)}%`;
      inner.style.background = nodeColour(task.node);
      setText(computing, `${share} %`);
      setText(waiting, `${waited} %`);
      setText(memory, bytes(rssBytes));
      setText(moves, String(task.epoch));
      button.disabled = task.state !== 'running';
    },
  };
}
