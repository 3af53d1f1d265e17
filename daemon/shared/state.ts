/**
 * All that a page shows, kept current by news. The daemon and the browser apply the same news in
 * the same way, so that a page opened late is told what the others know.
 */
import { byName } from './format.js';
import { historyMs, mostMoves } from './wire.js';
import type { Activity, Move, News, Node, Snapshot, Task } from './wire.js';

export class State {
  vm = '';
  servedBy = '';
  readonly nodes = new Map<string, Node>();
  readonly tasks = new Map<string, Task>();
  /** Oldest first. */
  readonly moves = new Map<string, Move>();
  /** Oldest first. */
  activity: Activity[] = [];

  apply(news: News): void {
    switch (news.event) {
      case 'snapshot':
        return this.#replace(news.data);
      case 'nodes':
        return update(this.nodes, news.data.changed, ({ name }) => name, news.data.gone);
      case 'tasks':
        return update(this.tasks, news.data.changed, ({ tid }) => tid, news.data.gone);
      case 'move':
        return this.#move(news.data);
      case 'activity':
        return this.#act(news.data);
    }
  }

  snapshot(now: number): Snapshot {
    const { vm, servedBy, activity } = this;
    return { vm, servedBy, now, nodes: [...this.nodes.values()], tasks: [...this.tasks.values()], moves: [...this.moves.values()], activity };
  }

  sortedNodes(): Node[] {
    return [...this.nodes.values()].sort((a, b) => byName(a.name, b.name));
  }

  #replace({ vm, servedBy, nodes, tasks, moves, activity }: Snapshot): void {
    Object.assign(this, { vm, servedBy, activity: [...activity] });
    for (const map of [this.nodes, this.tasks, this.moves]) map.clear();
    update(this.nodes, nodes, ({ name }) => name);
    update(this.tasks, tasks, ({ tid }) => tid);
    update(this.moves, moves, ({ id }) => id);
  }

  #move(move: Move): void {
    this.moves.set(move.id, move);
    if (this.moves.size <= mostMoves) return;
    for (const [id, { outcome }] of this.moves) {
      if (outcome === 'running') continue;
      this.moves.delete(id);
      return;
    }
  }

  #act(activity: Activity): void {
    this.activity.push(activity);
    const old = this.activity.findIndex(({ at }) => at >= activity.at - historyMs);
    if (old > 0) this.activity.splice(0, old);
  }
}

function update<T>(map: Map<string, T>, changed: readonly T[], key: (one: T) => string, gone: readonly string[] = []): void {
  for (const name of gone) map.delete(name);
  for (const one of changed) map.set(key(one), one);
}

/** What has to be told so that `known` becomes `now`; undefined when nothing has changed. */
export function changes<T>(known: ReadonlyMap<string, T>, now: readonly T[], key: (one: T) => string): { changed: T[]; gone: string[] } | undefined {
  const names = new Set(now.map(key));
  const changed = now.filter((one) => JSON.stringify(one) !== JSON.stringify(known.get(key(one))));
  const gone = [...known.keys()].filter((name) => !names.has(name));
  return changed.length + gone.length > 0 ? { changed, gone } : undefined;
}
