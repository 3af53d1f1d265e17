/** The timeline of a move as bars. */
import { bytes, milliseconds } from '../../shared/format.js';
import type { Move } from '../../shared/wire.js';
import { h } from './dom.js';

/** Of a phase, whatever the engine calls it: what the colour says. */
function kindOf(name: string): string {
  if (/^round|precopy|postcopy|copy/.test(name)) return 'copy';
  if (/^frozen|^arrived|^committed|doubt/.test(name)) return 'still';
  if (/^resumed/.test(name)) return 'after';
  return 'before';
}

/** When the last phase ends; figures of a move under way are not all there. */
function lengthOf({ phases, totalMs }: Move): number {
  return Math.max(totalMs, ...phases.map(({ startMs, ms }) => startMs + ms), 1);
}

/** All phases in one line. */
export function phaseStrip(move: Move): HTMLElement {
  const whole = lengthOf(move);
  const strip = h('span', { class: 'strip', 'aria-hidden': 'true' });
  for (const { name, startMs, ms } of move.phases) {
    const part = h('span', { 'data-kind': kindOf(name), title: `${name}: ${milliseconds(ms)}` });
    place(part, startMs, ms, whole);
    strip.append(part);
  }
  return strip;
}

/** A line a phase, with its figures, and the figures of the whole in MPVM's terms. */
export function phaseChart(move: Move): HTMLElement {
  const whole = lengthOf(move);
  const rows = move.phases.map(({ name, startMs, ms, bytes: sent }) => {
    const bar = h('span', { class: 'phase', 'data-kind': kindOf(name) });
    place(bar, startMs, ms, whole);
    return h('tr', {},
      h('th', { scope: 'row' }, name),
      h('td', { class: 'track', 'aria-hidden': 'true' }, h('span', { class: 'strip tall' }, bar)),
      h('td', { class: 'number' }, milliseconds(startMs)),
      h('td', { class: 'number' }, milliseconds(ms)),
      h('td', { class: 'number' }, sent > 0 ? bytes(sent) : ''));
  });
  return h('div', { class: 'chart' },
    h('p', {}, figures(move)),
    h('table', {},
      h('caption', {}, `Timeline of ${move.id}`),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Phase'), h('td', { 'aria-hidden': 'true' }), ...['Begins', 'Takes', 'Sent'].map((title) => h('th', { scope: 'col', class: 'number' }, title)))),
      h('tbody', {}, ...rows)));
}

function place(element: HTMLElement, startMs: number, ms: number, whole: number): void {
  element.style.left = `${(startMs / whole) * 100}%`;
  element.style.width = `${(ms / whole) * 100}%`;
}

function figures(move: Move): string {
  const parts = [
    move.outcome === 'completed' ? `stood still for ${milliseconds(move.downtimeMs)}` : '',
    move.outcome === 'completed' ? `ran at ${move.to} after ${milliseconds(move.totalMs)}` : '',
    move.obtrusivenessMs > 0 ? `${move.from} was free of it after ${milliseconds(move.obtrusivenessMs)}` : '',
    move.rounds > 0 ? `${move.rounds} rounds` : '',
    move.mbps > 0 ? `${move.mbps.toFixed(0)} Mbit/s` : '',
    `engine ${move.engine || 'not chosen'}`,
  ];
  const why = move.outcome === 'completed' || move.outcome === 'running' ? '' : ` Why: ${reasonOf(move)}.`;
  return `${move.tid}: ${parts.filter(Boolean).join(', ')}.${why}`;
}

export function reasonOf(move: Move): string {
  const causes = move.blockers.filter(({ warning }) => !warning).map(({ cause, remedy }) => (remedy ? `${cause} (${remedy})` : cause));
  return causes.join('; ') || move.reason || move.code || 'no reason was given';
}
