/** Draining a node and moving a task: the plan first, then, when it is confirmed, the work as it goes. */
import { bytes, milliseconds, plural } from '../../shared/format.js';
import type { State } from '../../shared/state.js';
import type { Blocker, DrainNews, Explanation, Left, Move, MoveNews, PlannedMove } from '../../shared/wire.js';
import { ask, listen, RequestFailed } from './connection.js';
import { byId, h, Rows, setAttribute, setText } from './dom.js';
import { reasonOf } from './phases.js';

const dialog = byId('dialog') as HTMLDialogElement;
const form = dialog.querySelector('form')!;
/** Of the dialog that is open now: answers for an earlier one come too late. */
let turn = 0;

/** Opens it with this in it; the button that opened it has the focus again afterwards. */
function open(title: string, ...content: (Node | undefined)[]): number {
  form.replaceChildren(h('h2', { id: 'dialog-title' }, title), ...content.filter((node) => node !== undefined));
  if (!dialog.open) dialog.showModal();
  return ++turn;
}
dialog.addEventListener('close', () => turn++);
form.addEventListener('submit', (event) => event.preventDefault());

const close = (): void => dialog.close();
const dismiss = (text: string): HTMLButtonElement => h('button', { type: 'button', click: close }, text);
function buttons(...children: HTMLElement[]): HTMLElement {
  return h('p', { class: 'buttons' }, ...children);
}
const said = (thrown: unknown): string => (thrown instanceof RequestFailed ? [thrown.message, thrown.remedy].filter(Boolean).join('; ') : String(thrown));

// ---------------------------------------------------------------- draining

export function drainDialog(node: string, state: State): void {
  const plan = h('div', { class: 'plan', role: 'status' }, h('p', {}, 'Planning…'));
  const reason = h('input', { id: 'drain-reason', maxlength: '200', autocomplete: 'off', placeholder: 'new disk' });
  const go = h('button', { type: 'button', class: 'primary', disabled: true, click: () => void drain(node, reason.value) }, 'Drain');
  const already = state.nodes.get(node)?.cordoned ?? false;
  const own = open(`Drain ${node}`,
    h('p', {}, already ? `${node} takes no new tasks already. All its tasks are moved away.` : `${node} takes no new tasks any more, and all its tasks are moved away while they run.`),
    plan,
    h('p', {}, h('label', { for: 'drain-reason' }, 'Reason (kept with your name and the time)'), reason),
    buttons(dismiss('Leave it'), go));
  void showDrainPlan(node, own, plan, go);
}

async function showDrainPlan(node: string, own: number, plan: HTMLElement, go: HTMLButtonElement): Promise<void> {
  try {
    for await (const news of listen<DrainNews>('/api/drain', { node, dryRun: true })) {
      if (own !== turn) return;
      if (news.event === 'failed') throw new RequestFailed(news.data);
      if (news.event !== 'plan') continue;
      const { moves, blocked } = news.data;
      const about = moves.reduce((sum, { ms }) => sum + ms, 0) / 2;
      plan.replaceChildren(
        h('p', {}, moves.length === 0 ? 'Nothing has to be moved.' : `${plural(moves.length, 'task')}, ${bytes(moves.reduce((sum, move) => sum + move.bytes, 0))}, about ${milliseconds(about)}, two at a time. The plan is made anew when it begins.`),
        ...(moves.length > 0 ? [planTable(moves)] : []),
        ...(blocked.length > 0 ? [h('p', { class: 'bad' }, `${plural(blocked.length, 'task')} would have to stay:`), leftList(blocked)] : []));
      setText(go, moves.length > 0 ? `Drain ${node}: move ${plural(moves.length, 'task')}` : blocked.length > 0 ? `Drain ${node} all the same` : `Drain ${node}`);
      go.disabled = false;
    }
  } catch (thrown) {
    if (own === turn) plan.replaceChildren(h('p', { class: 'bad' }, said(thrown)));
  }
}

function planTable(moves: readonly PlannedMove[]): HTMLElement {
  return h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'The plan' }, h('table', {},
    h('thead', {}, h('tr', {}, ...['Task', 'To'].map((title) => h('th', { scope: 'col' }, title)), ...['Bytes', 'About'].map((title) => h('th', { scope: 'col', class: 'number' }, title)), h('th', { scope: 'col' }, 'Why there'))),
    h('tbody', {}, ...moves.map((move) => h('tr', {},
      h('th', { scope: 'row', class: 'tid' }, move.tid), h('td', {}, move.to), h('td', { class: 'number' }, bytes(move.bytes)), h('td', { class: 'number' }, milliseconds(move.ms)), h('td', {}, move.reason))))));
}

function leftList(left: readonly Left[]): HTMLElement {
  return h('ul', { class: 'left' }, ...left.map(({ tid, blockers }) => h('li', {}, h('strong', {}, tid), ` ${whyLeft(blockers)}`)));
}
function whyLeft(blockers: readonly Blocker[]): string {
  return blockers.filter(({ warning }) => !warning).map(({ cause, remedy }) => (remedy ? `${cause} (${remedy})` : cause)).join('; ') || 'no reason was given';
}

async function drain(node: string, reason: string): Promise<void> {
  const progress = new Progress();
  const stop = h('button', { type: 'button', click: () => void stopDrain(node, stop, progress) }, 'Stop the drain');
  const own = open(`Draining ${node}`, progress.element, buttons(stop, h('button', { type: 'button', class: 'primary', click: close }, 'Close; it goes on')));
  const left: Left[] = [];
  try {
    for await (const news of listen<DrainNews>('/api/drain', { node, reason })) {
      // The stream is read to its end whether or not somebody still looks.
      if (news.event === 'plan') progress.plan(news.data.moves);
      else if (news.event === 'move') progress.take(news.data);
      else if (news.event === 'left') left.push(news.data);
      else if (news.event === 'note') progress.note(news.data.text);
      else if (news.event === 'failed') throw new RequestFailed(news.data);
      else progress.end(news.data.left === 0 ? `${node} is empty: it could be rebooted now.` : `${plural(news.data.left, 'task')} had to stay.`, news.data.left === 0, left);
    }
  } catch (thrown) {
    progress.end(said(thrown), false, left);
  }
  stop.hidden = true;
  if (own === turn) finished();
}

/** What has moved stays where it is now; moves under way are made, and the node stays cordoned. */
async function stopDrain(node: string, button: HTMLButtonElement, progress: Progress): Promise<void> {
  button.disabled = true;
  try {
    await ask('/api/cancel-drain', { node });
  } catch (thrown) {
    progress.note(said(thrown));
  }
}

// ---------------------------------------------------------------- moving one task

export function moveDialog(tid: string, state: State): void {
  const task = state.tasks.get(tid);
  const from = task?.node ?? '';
  const places = state.sortedNodes().filter(({ name, state: how, cordoned }) => name !== from && how === 'up' && !cordoned);
  const select = h('select', { id: 'move-to' }, ...places.map(({ name, tasks, load }) => h('option', { value: name }, `${name} (${plural(tasks, 'task')}, load ${load.toFixed(2)})`)));
  const plan = h('div', { class: 'plan', role: 'status' });
  const go = h('button', { type: 'button', class: 'primary', disabled: true, click: () => void move(tid, select.value) }, 'Move');
  const content = places.length > 0
    ? [h('p', {}, h('label', { for: 'move-to' }, `From ${from} to`), select), plan, buttons(dismiss('Leave it'), go)]
    : [h('p', { class: 'bad' }, 'No other node takes tasks: add one (mpvm up --nodes, mpvm add), or uncordon one.'), buttons(dismiss('Close'))];
  open(`Move ${tid}`, ...content);
  if (places.length === 0) return;
  const look = (): void => void showMovePlan(tid, select.value, plan, go);
  select.addEventListener('change', look);
  select.focus();
  look();
}

async function showMovePlan(tid: string, to: string, plan: HTMLElement, go: HTMLButtonElement): Promise<void> {
  const own = ++turn;
  go.disabled = true;
  plan.replaceChildren(h('p', {}, 'Looking…'));
  try {
    const found = await ask<Explanation>('/api/explain', { tid, to });
    if (own !== turn) return;
    const warnings = found.blockers.filter(({ warning }) => warning).map(({ cause }) => h('li', {}, cause));
    plan.replaceChildren(
      found.movable
        ? h('p', {}, `About ${bytes(found.predictedBytes)} in ${milliseconds(found.predictedMs)}; it stands still for about ${milliseconds(found.predictedDowntimeMs)}.`)
        : h('p', { class: 'bad' }, `It cannot move there: ${whyLeft(found.blockers)}`),
      ...(warnings.length > 0 ? [h('ul', {}, ...warnings)] : []));
    setText(go, `Move it to ${to}`);
    go.disabled = !found.movable;
  } catch (thrown) {
    if (own === turn) plan.replaceChildren(h('p', { class: 'bad' }, said(thrown)));
  }
}

async function move(tid: string, to: string): Promise<void> {
  const progress = new Progress();
  const own = open(`Moving ${tid} to ${to}`, progress.element, buttons(h('button', { type: 'button', class: 'primary', click: close }, 'Close; it goes on')));
  try {
    for await (const news of listen<MoveNews>('/api/migrate', { tid, to })) {
      if (news.event === 'failed') throw new RequestFailed(news.data);
      progress.take(news.data);
      if (news.data.outcome === 'running' || news.data.outcome === '') continue;
      if (news.data.outcome === 'completed') progress.end(`${tid} runs on ${to}. It stood still for ${milliseconds(news.data.downtimeMs)}.`, true, []);
      else progress.end(`${tid} stays at ${news.data.from}: ${reasonOf(news.data)}`, false, []);
    }
  } catch (thrown) {
    progress.end(said(thrown), false, []);
  }
  if (own === turn) finished();
}

function finished(): void {
  const button = form.querySelector<HTMLButtonElement>('.buttons .primary');
  if (button) setText(button, 'Close');
}

// ---------------------------------------------------------------- the work as it goes

interface Step {
  tid: string;
  to: string;
  move: Move | undefined;
}

class Progress {
  readonly element: HTMLElement;
  readonly #steps = new Map<string, Step>();
  readonly #rows: Rows<Step>;
  readonly #bar = h('progress', { max: '1', value: '0', 'aria-label': 'Moved so far' });
  readonly #end = h('p', { role: 'status' });
  readonly #left = h('div');

  constructor() {
    const body = h('tbody');
    this.#rows = new Rows(body, ({ tid }) => tid, stepRow);
    this.element = h('div', { class: 'progress' }, this.#bar,
      h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'The moves' }, h('table', {}, h('thead', {}, h('tr', {}, ...['Task', 'To', 'State', 'Sent'].map((title) => h('th', { scope: 'col' }, title)))), body)),
      this.#end, this.#left);
  }

  plan(moves: readonly PlannedMove[]): void {
    for (const { tid, to } of moves) this.#steps.set(tid, { tid, to, move: undefined });
    this.#show();
  }

  take(move: Move): void {
    this.#steps.set(move.tid, { tid: move.tid, to: move.to, move });
    this.#show();
  }

  /** Something that is waited for, or has been done. */
  note(text: string): void {
    setText(this.#end, text);
  }

  end(text: string, good: boolean, left: readonly Left[]): void {
    setText(this.#end, text);
    setAttribute(this.#end, 'class', good ? 'good' : 'bad');
    if (left.length > 0) this.#left.replaceChildren(leftList(left));
    if (good) this.#bar.value = 1;
  }

  #show(): void {
    const steps = [...this.#steps.values()];
    this.#rows.show(steps);
    this.#bar.value = steps.length > 0 ? steps.filter(({ move }) => move?.outcome === 'completed').length / steps.length : 0;
  }
}

function stepRow({ tid }: Step): { element: HTMLElement; update(step: Step): void } {
  const [to, sent] = [h('td'), h('td', { class: 'number' })];
  const state = h('span', { class: 'badge' });
  return {
    element: h('tr', {}, h('th', { scope: 'row', class: 'tid' }, tid), to, h('td', {}, state), sent),
    update: (step) => {
      const { move } = step;
      setText(to, step.to);
      const running = move?.outcome === 'running' || move?.outcome === '';
      const word = !move ? 'waits its turn' : running ? (move.state === 'precopy' && move.rounds > 0 ? `precopy, round ${move.rounds}` : move.state) : move.outcome === 'completed' ? `moved, stood still ${milliseconds(move.downtimeMs)}` : move.outcome;
      setText(state, word);
      setAttribute(state, 'data-kind', !move ? 'plain' : running ? 'move' : move.outcome === 'completed' ? 'good' : 'bad');
      setText(sent, move ? `${bytes(move.transferredBytes)}${running && move.remainingBytes > 0 ? `, ${bytes(move.remainingBytes)} left` : ''}` : '');
    },
  };
}
