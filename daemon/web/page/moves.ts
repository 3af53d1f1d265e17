/** The moves: those under way first, then the history; each opens to its timeline. */
import { bytes, milliseconds } from '../../shared/format.js';
import type { State } from '../../shared/state.js';
import type { Move } from '../../shared/wire.js';
import { byId, h, Rows, setAttribute, setText } from './dom.js';
import type { Row } from './dom.js';
import { phaseChart, phaseStrip, reasonOf } from './phases.js';

const shown = 200;
const columns = 8;

const isRunning = ({ outcome }: Move): boolean => outcome === 'running' || outcome === '';

export class Moves {
  readonly #state: State;
  readonly #rows: Rows<Move>;
  readonly #open = new Set<string>();

  constructor(state: State, cancel: (id: string) => void) {
    this.#state = state;
    const body = byId('moves').querySelector('tbody')!;
    this.#rows = new Rows(body, ({ id }) => id, (move) => this.#row(move, cancel));
  }

  refresh(): void {
    const moves = [...this.#state.moves.values()].reverse();
    const ordered = [...moves.filter(isRunning), ...moves.filter((move) => !isRunning(move))].slice(0, shown);
    this.#rows.show(ordered);
    byId('moves').hidden = ordered.length === 0;
    byId('no-moves').hidden = ordered.length > 0;
  }

  #row({ id, tid }: Move, cancel: (id: string) => void): Row<Move> {
    const time = h('td', { class: 'time' });
    const toggle = h('button', { type: 'button', class: 'toggle', 'aria-expanded': 'false', 'aria-controls': `move-${id}`, click: () => flip() }, tid);
    const way = h('td');
    const outcome = h('span', { class: 'badge' });
    const stop = h('button', { type: 'button', 'aria-label': `Cancel the move of ${tid}`, click: () => cancel(id) }, 'Cancel');
    const strip = h('td', { class: 'phases' });
    const [downtime, cost, sent] = [h('td', { class: 'number' }), h('td', { class: 'number' }), h('td', { class: 'number' })];
    const line = h('tr', {}, time, h('th', { scope: 'row', class: 'tid' }, toggle), way, h('td', {}, outcome, ' ', stop), strip, downtime, cost, sent);
    const detail = h('td', { colspan: String(columns) });
    const below = h('tr', { class: 'detail', id: `move-${id}`, hidden: true }, detail);
    let last: Move | undefined;
    const showDetail = (): void => {
      if (this.#open.has(id) && last) detail.replaceChildren(phaseChart(last));
    };
    const flip = (): void => {
      if (!this.#open.delete(id)) this.#open.add(id);
      below.hidden = !this.#open.has(id);
      setAttribute(toggle, 'aria-expanded', String(!below.hidden));
      showDetail();
    };
    return {
      element: line,
      below,
      update: (move) => {
        if (last && JSON.stringify(last) === JSON.stringify(move)) return;
        last = move;
        setText(time, clock(move.started));
        setText(way, `${move.from} → ${move.to}`);
        setText(outcome, isRunning(move) ? move.state : move.outcome);
        setAttribute(outcome, 'data-kind', isRunning(move) ? 'move' : move.outcome === 'completed' ? 'good' : 'bad');
        outcome.title = isRunning(move) || move.outcome === 'completed' ? '' : reasonOf(move);
        stop.hidden = !isRunning(move);
        strip.replaceChildren(phaseStrip(move));
        setText(downtime, move.outcome === 'completed' ? milliseconds(move.downtimeMs) : '–');
        setText(cost, move.outcome === 'completed' ? milliseconds(move.totalMs) : '–');
        setText(sent, bytes(move.transferredBytes));
        showDetail();
      },
    };
  }
}

function clock(started: string | null): string {
  return started ? new Date(started).toLocaleTimeString('en-GB') : '–';
}
