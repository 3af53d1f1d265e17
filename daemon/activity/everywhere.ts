/** Following all nodes of the VM at once: those that are up, those that join, and again those whose daemon was started anew. */
import { setTimeout as delay } from 'node:timers/promises';
import type { VirtualMachine } from '../contracts.js';
import { mpvm } from '../rpc/messages.js';

const retryMs = 500;
const isUp = ({ state }: mpvm.node.INodeInfo): boolean => (state ?? mpvm.node.NodeState.UP) <= mpvm.node.NodeState.SUSPECT;

/** `tell` is called for every event of every node, until the signal. */
export function followAll(vm: VirtualMachine, request: mpvm.node.IFollowRequest, tell: (event: mpvm.node.IFollowEvent) => void, signal: AbortSignal): void {
  const followed = new Set<string>();
  const follow = async (node: string): Promise<void> => {
    if (followed.has(node)) return;
    followed.add(node);
    while (!signal.aborted && isUp(vm.nodeNamed(node) ?? { state: mpvm.node.NodeState.LEFT })) {
      try {
        for await (const event of vm.peer(node).follow(request, { signal })) tell(event);
      } catch {
        // Its state tells what is the matter with it; it is tried again while it counts as up.
      }
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
    followed.delete(node);
  };
  const stop = vm.on('nodeUp', ({ name }) => void follow(name ?? ''));
  signal.addEventListener('abort', stop, { once: true });
  for (const node of vm.nodes().filter(isUp)) void follow(node.name ?? '');
}
