/** The table of nodes. */
import { bytes } from '../../shared/format.js';
import type { State } from '../../shared/state.js';
import type { Activity, Node } from '../../shared/wire.js';
import { darkScheme, knowNodes, nodeColour } from './colours.js';
import { byId, h, Rows, setAttribute, setText, svg } from './dom.js';
import type { Row } from './dom.js';

const sparkMs = 60_000;
const sparkWidth = 90;
const sparkHeight = 22;

export interface NodeActions {
  drain(node: string): void;
  cordon(node: string, cordoned: boolean): void;
}

export class Nodes {
  readonly #state: State;
  readonly #rows: Rows<Node>;

  constructor(state: State, actions: NodeActions) {
    this.#state = state;
    this.#rows = new Rows(byId('nodes').querySelector('tbody')!, ({ name }) => name, (node) => this.#row(node, actions));
    darkScheme.addEventListener('change', () => this.refresh());
  }

  refresh(): void {
    const nodes = this.#state.sortedNodes();
    knowNodes(nodes.map(({ name }) => name));
    this.#rows.show(nodes);
  }

  #row({ name }: Node, actions: NodeActions): Row<Node> {
    const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' });
    const role = h('small');
    const state = h('span', { class: 'badge' });
    const why = h('small', { class: 'why' });
    const tasks = h('td', { class: 'number' });
    const spark = sparkline();
    const computing = h('span', { class: 'figure' });
    const load = h('td', { class: 'number' });
    const memory = h('td', { class: 'number' });
    const drain = h('button', { type: 'button', 'aria-label': `Drain ${name}`, click: () => actions.drain(name) }, 'Drain…');
    const cordon = h('button', { type: 'button', click: () => actions.cordon(name, !(this.#state.nodes.get(name)?.cordoned ?? false)) });
    const element = h('tr', {},
      h('th', { scope: 'row' }, swatch, ' ', name, ' ', role),
      h('td', {}, state, why),
      tasks,
      h('td', { class: 'computing' }, spark.element, computing),
      load,
      memory,
      h('td', { class: 'actions' }, drain, ' ', cordon),
    );
    return {
      element,
      update: (node) => {
        const [word, kind] = stateOf(node);
        swatch.style.background = nodeColour(name);
        setText(role, node.registry ? 'registry' : '');
        setAttribute(element, 'title', node.address);
        setText(state, word);
        setAttribute(state, 'data-kind', kind);
        setText(why, reasonOf(node));
        setText(tasks, String(node.tasks));
        const values = computingOf(this.#state.activity, name);
        spark.show(values, node.cpus, nodeColour(name));
        setText(computing, values.length > 0 ? `${(values.at(-1)![1] / 100).toFixed(2)} of ${node.cpus}` : `– of ${node.cpus}`);
        setText(load, node.load.toFixed(2));
        setText(memory, bytes(node.memoryFreeBytes));
        const gone = node.state === 'dead';
        drain.disabled = gone;
        cordon.disabled = gone;
        setText(cordon, node.cordoned ? 'Uncordon' : 'Cordon');
        setAttribute(cordon, 'aria-label', `${node.cordoned ? 'Uncordon' : 'Cordon'} ${name}`);
      },
    };
  }
}

function stateOf(node: Node): [word: string, kind: string] {
  if (node.state !== 'up') return [node.state, node.state === 'dead' ? 'bad' : 'warn'];
  if (!node.cordoned) return ['up', 'good'];
  return [node.tasks > 0 ? 'cordoned' : 'drained', 'warn'];
}

function reasonOf({ cordoned, cordonReason, cordonUser, cordonTime }: Node): string {
  if (!cordoned) return '';
  return [cordonReason, cordonUser, cordonTime && `${ago(Date.now() - Date.parse(cordonTime))} ago`].filter(Boolean).join(', ');
}

/** In one unit: 40 s, 12 min, 3 h, 2 d */
function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** [time, hundredths of a processor], oldest first. */
function computingOf(activity: readonly Activity[], node: string): [at: number, computing: number][] {
  const latest = activity.at(-1)?.at ?? 0;
  return activity
    .filter((one) => one.node === node && one.at >= latest - sparkMs)
    .map(({ at, tasks }) => [at, tasks.reduce((sum, [, computing]) => sum + computing, 0)]);
}

function sparkline(): { element: SVGElement; show(values: [number, number][], cpus: number, colour: string): void } {
  const element = svg('svg', { class: 'spark', width: String(sparkWidth), height: String(sparkHeight), viewBox: `0 0 ${sparkWidth} ${sparkHeight}`, 'aria-hidden': 'true' });
  const area = svg('path', { class: 'area' });
  element.append(area);
  return {
    element,
    show: (values, cpus, colour) => {
      const latest = values.at(-1)?.[0] ?? 0;
      const point = ([at, computing]: [number, number]): string =>
        `${(sparkWidth - ((latest - at) / sparkMs) * sparkWidth).toFixed(1)},${(sparkHeight - 1 - Math.min(1, computing / (100 * cpus)) * (sparkHeight - 2)).toFixed(1)}`;
      const first = values[0];
      const line = first ? `M${point([first[0], 0])} L${values.map(point).join(' ')} L${point([latest, 0])} Z` : '';
      area.setAttribute('d', line);
      area.style.fill = colour;
    },
  };
}
