/** What happens, in words: shown, and read out by screen readers as it comes. */
import { milliseconds } from '../../shared/format.js';
import type { State } from '../../shared/state.js';
import type { Move, News, Node } from '../../shared/wire.js';
import { byId, h } from './dom.js';
import { reasonOf } from './phases.js';

const kept = 60;

export class Happenings {
  readonly #list = byId('news');
  readonly #ended = new Set<string>();

  /** To be called before the state takes the news. */
  hear(news: News, before: State): void {
    if (news.event === 'snapshot') for (const { id, outcome } of news.data.moves) if (outcome !== 'running') this.#ended.add(id);
    if (news.event === 'move') this.#move(news.data);
    if (news.event === 'nodes') {
      for (const name of news.data.gone) this.tell(`${name} has left`, 'warn');
      for (const node of news.data.changed) this.#node(node, before.nodes.get(node.name));
    }
  }

  tell(text: string, kind: 'good' | 'warn' | 'bad' | 'plain'): void {
    const time = new Date().toLocaleTimeString('en-GB');
    this.#list.prepend(h('p', { 'data-kind': kind }, h('time', {}, time), ' ', text));
    while (this.#list.children.length > kept) this.#list.lastElementChild?.remove();
    byId('no-news').hidden = true;
  }

  /** Its end, once; a last word may come twice. */
  #move(move: Move): void {
    if (move.outcome === 'running' || move.outcome === '' || this.#ended.has(move.id)) return;
    this.#ended.add(move.id);
    if (move.outcome === 'completed') this.tell(`${move.tid} moved from ${move.from} to ${move.to}: it stood still for ${milliseconds(move.downtimeMs)}`, 'good');
    else this.tell(`${move.tid} stays at ${move.from}: ${reasonOf(move)}`, 'bad');
  }

  #node(node: Node, before: Node | undefined): void {
    if (!before) return this.tell(`${node.name} has joined`, 'good');
    if (before.state !== node.state) this.tell(`${node.name} is ${node.state}`, node.state === 'up' ? 'good' : 'bad');
    if (before.cordoned !== node.cordoned) this.tell(node.cordoned ? `${node.name} takes no tasks any more${node.cordonReason ? `: ${node.cordonReason}` : ''}` : `${node.name} takes tasks again`, node.cordoned ? 'warn' : 'good');
  }
}
