/** The snapshot of the whole VM, from what the registry knows and what each node has measured. */
import type { VirtualMachine } from '../contracts.js';
import { asMpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { mpvm } from '../rpc/messages.js';
import type { NodeView, Snapshot, Talk, TaskView } from '../schedule/snapshot.js';

export interface NodeSample {
  node: mpvm.node.INodeInfo;
  /** Undefined: it did not answer. */
  sample: mpvm.node.ISampleReply | undefined;
}

/** PVM's sp= of a node that nothing is said about. */
const usualSpeed = 1000;
/** Beyond the window: an overloaded node takes its time, and may wait for a task's answer. */
const patienceMs = 10_000;

export async function takeSamples(vm: VirtualMachine, windowMs: number, log: Logger): Promise<NodeSample[]> {
  const { UP } = mpvm.node.NodeState;
  return Promise.all(vm.nodes().map(async (node): Promise<NodeSample> => {
    if ((node.state ?? UP) !== UP) return { node, sample: undefined };
    try {
      return { node, sample: await vm.peer(node.name ?? '').sample({ windowMs }, { timeoutMs: windowMs + patienceMs }) };
    } catch (error) {
      log.warn({ peer: node.name, cause: asMpvmError(error).message }, 'a node has not told what it does: it is planned without');
      return { node, sample: undefined };
    }
  }));
}

/** `rest`: tasks whose last move has failed, and when, are left alone as if they had moved. */
export function assemble(samples: readonly NodeSample[], nowMs: number, rest: ReadonlyMap<number, number> = new Map()): Snapshot {
  const machines = byMachine(samples);
  const shared = machines.size === 1;
  const nodes = samples.map(({ node, sample }): NodeView => {
    const machine = machines.get(sample?.machine ?? '') ?? [];
    return {
      name: node.name ?? '',
      up: sample !== undefined,
      cordoned: node.cordoned ?? false,
      // Of a node that is called twice as fast each processor counts for two.
      cores: ((sample?.cpus ?? node.cpus ?? 1) / Math.max(1, machine.length)) * ((node.speed || usualSpeed) / usualSpeed),
      // On one machine other work is the same for all nodes: it tells nothing about where to be.
      other: shared ? 0 : otherWork(machine),
      memoryFreeBytes: sample?.memoryFreeBytes ?? 0,
      owner: sample?.owner ?? '',
      canLinger: sample?.canLinger || undefined,
      bytesPerSecond: sample?.bytesPerSecond || undefined,
      pressure: sample?.pressure ?? 0,
    };
  });
  return { nodes, tasks: taskViews(samples, nowMs, rest), talks: talksOf(samples) };
}

function byMachine(samples: readonly NodeSample[]): Map<string, NodeSample[]> {
  const machines = new Map<string, NodeSample[]>();
  for (const one of samples) {
    if (!one.sample) continue;
    const id = one.sample.machine ?? '';
    machines.set(id, [...(machines.get(id) ?? []), one]);
  }
  return machines;
}

/** What runs on a machine beside the tasks of its nodes: an equal part for each of them. */
function otherWork(machine: readonly NodeSample[]): number {
  if (machine.length === 0) return 0;
  const all = Math.max(...machine.map(({ sample }) => sample?.runnable ?? 0));
  const ours = machine.reduce((sum, { sample }) => sum + (sample?.tasks ?? []).reduce((part, task) => part + (task.runnable ?? 0), 0), 0);
  return Math.max(0, all - ours) / machine.length;
}

function taskViews(samples: readonly NodeSample[], nowMs: number, rest: ReadonlyMap<number, number>): TaskView[] {
  const views = new Map<number, TaskView>();
  for (const { node, sample } of samples) {
    for (const task of sample?.tasks ?? []) {
      const tid = task.tid ?? 0;
      const lastMs = Math.max(task.movedMs ?? 0, rest.get(tid) ?? 0);
      views.set(tid, {
        tid,
        node: node.name ?? '',
        bytes: task.bytes ?? 0,
        demand: task.demand ?? 0,
        cpuSeconds: (task.cpuMs ?? 0) / 1000,
        movedAgoSeconds: lastMs > 0 ? Math.max(0, (nowMs - lastMs) / 1000) : undefined,
        dirtyBytesPerSecond: task.dirtyBytesPerSecond || undefined,
        blocked: task.state === 'running' ? [] : [`it is ${task.state}`],
        refusedBy: [],
        lingers: task.lingers || undefined,
      });
    }
  }
  return [...views.values()].sort((a, b) => a.tid - b.tid);
}

function talksOf(samples: readonly NodeSample[]): Talk[] {
  return samples.flatMap(({ sample }) => (sample?.tasks ?? []).flatMap((task) =>
    (task.sends ?? []).map(({ to, messagesPerSecond, bytesPerSecond }) => ({ from: task.tid ?? 0, to: to ?? 0, messagesPerSecond: messagesPerSecond ?? 0, bytesPerSecond: bytesPerSecond ?? 0 }))));
}
