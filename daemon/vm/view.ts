/**
 * What this node knows of the VM: nodes and moved tasks, kept by the registry's snapshot and
 * events. Says what changed; after a gap (the link to the registry was broken) the differences to
 * the new snapshot are told as if they had been seen.
 */
import { mpvm } from '../rpc/messages.js';
import { birthHost } from './pvm.js';

type NodeInfo = mpvm.node.INodeInfo;
type DirectoryEntry = mpvm.node.IDirectoryEntry;
const State = mpvm.node.NodeState;

export type ViewChange = ['nodeUp', NodeInfo] | ['nodeChanged', NodeInfo] | ['nodeDown', NodeInfo] | ['moved', DirectoryEntry];

export const isUp = (node: NodeInfo | undefined): boolean => node !== undefined && (node.state === State.UP || node.state === State.SUSPECT);

export class View {
  readonly #self: string;
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #moved = new Map<number, { node: string; epoch: number }>();

  constructor(self: string) {
    this.#self = self;
  }

  nodes(): NodeInfo[] {
    return [...this.#nodes.values()].sort((a, b) => (a.host ?? 0) - (b.host ?? 0));
  }
  named(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }
  ofHost(host: number): NodeInfo | undefined {
    for (const node of this.#nodes.values()) if (node.host === host) return node;
    return undefined;
  }
  hasMoved(tid: number): boolean {
    return this.#moved.has(tid);
  }
  locate(tid: number): { node: string; epoch: number } {
    return this.#moved.get(tid) ?? { node: this.ofHost(birthHost(tid))?.name ?? '', epoch: 0 };
  }

  replace(snapshot: mpvm.node.IVmSnapshot): ViewChange[] {
    const changes: ViewChange[] = [];
    const entries = snapshot.directory ?? [];
    const present = new Set(entries.map(({ tid }) => tid ?? 0));
    for (const tid of this.#moved.keys()) if (!present.has(tid)) this.#moved.delete(tid);
    for (const entry of entries) changes.push(...this.move(entry));
    for (const node of snapshot.nodes ?? []) changes.push(...this.node(node));
    return changes;
  }

  node(node: NodeInfo): ViewChange[] {
    const name = node.name ?? '';
    const before = this.#nodes.get(name);
    this.#nodes.set(name, node);
    if (name === this.#self) return [['nodeChanged', node]];
    const sameLife = before?.life === node.life;
    const changes: ViewChange[] = [];
    if (isUp(before) && !(isUp(node) && sameLife)) {
      for (const [tid, entry] of this.#moved) if (entry.node === name) this.#moved.delete(tid);
      changes.push(['nodeDown', isUp(node) ? { ...before, state: State.DEAD } : node]);
    }
    if (isUp(node)) changes.push([isUp(before) && sameLife ? 'nodeChanged' : 'nodeUp', node]);
    else if (!isUp(before)) changes.push(['nodeChanged', node]);
    return changes;
  }

  /** Older news than what is known changes nothing. */
  move(entry: DirectoryEntry): ViewChange[] {
    const { tid, node, epoch } = { tid: entry.tid ?? 0, node: entry.node ?? '', epoch: entry.epoch ?? 0 };
    const before = this.#moved.get(tid);
    if (before && before.epoch >= epoch) return [];
    this.#moved.set(tid, { node, epoch });
    return [['moved', { tid, node, epoch }]];
  }

  forget(tid: number): void {
    this.#moved.delete(tid);
  }
}
