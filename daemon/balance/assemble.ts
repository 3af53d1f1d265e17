/** The snapshot of the whole VM, from what the registry knows and what each node has measured. */
import type { VirtualMachine } from '../contracts.js';
import { asMpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { mpvm } from '../rpc/messages.js';
import type { NodeView, Snapshot, Talk, TaskView } from '../schedule/snapshot.js';
import { coupledDemands } from './coupled.js';

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

/** What a planner remembers from one look to the next. */
export class Memory {
  /** Tasks whose last move has failed, and when: they are left alone as if they had moved. */
  readonly failures = new Map<number, number>();
  /** Other work on nodes where no task tells of it now, and when it was seen. */
  readonly others = new Map<string, { work: number; atMs: number }>();
}
/** So long a node that had other work is not taken for empty because none of our tasks is there to wait for it. */
const rememberedMs = 120_000;

export function assemble(samples: readonly NodeSample[], nowMs: number, memory = new Memory()): Snapshot {
  const machines = byMachine(samples);
  const shared = machines.size === 1 && !samples.some(({ sample }) => sample && isPart(sample));
  const demands = coupledDemands(samples.flatMap(({ sample }) => sample?.tasks ?? []));
  const nodes = samples.map(({ node, sample }): NodeView => {
    const machine = sample && isPart(sample) ? [] : (machines.get(sample?.machine ?? '') ?? []);
    return {
      name: node.name ?? '',
      up: sample !== undefined,
      cordoned: node.cordoned ?? false,
      // Of a node that is called twice as fast each processor counts for two.
      cores: (processors(sample, node) / Math.max(1, machine.length)) * ((node.speed || usualSpeed) / usualSpeed),
      // On one machine other work is the same for all nodes: it tells nothing about where to be.
      other: sample && isPart(sample) ? otherInPart(node.name ?? '', sample, demands, memory, nowMs) : shared ? 0 : otherWork(machine),
      memoryFreeBytes: sample?.memoryFreeBytes ?? 0,
      owner: sample?.owner ?? '',
      canLinger: sample?.canLinger || undefined,
      bytesPerSecond: sample?.bytesPerSecond || undefined,
      pressure: sample?.pressure ?? 0,
    };
  });
  return { nodes, tasks: taskViews(samples, nowMs, memory.failures, demands), talks: talksOf(samples) };
}

/** A node that is held to a part of its machine (a container, taskset) has that to itself. */
function isPart({ capacity, cpus }: mpvm.node.ISampleReply): boolean {
  return (capacity ?? 0) > 0 && (capacity ?? 0) < (cpus ?? 0);
}
function processors(sample: mpvm.node.ISampleReply | undefined, node: mpvm.node.INodeInfo): number {
  return sample && isPart(sample) ? sample.capacity! : (sample?.cpus ?? node.cpus ?? 1);
}

/** What the run queue of the whole machine cannot tell of a part: its tasks wait so long because others want it, too. */
function otherInPart(name: string, { tasks, capacity }: mpvm.node.ISampleReply, demands: ReadonlyMap<number, number>, { others }: Memory, nowMs: number): number {
  const sum = (of: (task: mpvm.node.ITaskSample) => number | null | undefined): number => (tasks ?? []).reduce((total, task) => total + (of(task) ?? 0), 0);
  const [ran, runnable, demand] = [sum((task) => task.ran), sum((task) => task.runnable), sum((task) => demands.get(task.tid ?? 0))];
  if (ran < tooLittle) {
    const last = others.get(name);
    return last && nowMs - last.atMs < rememberedMs ? last.work : 0;
  }
  const work = runnable < hardlyWaiting * ran ? 0 : Math.max(0, (runnable / ran) * capacity! - demand);
  others.set(name, { work, atMs: nowMs });
  return work;
}
const tooLittle = 0.01;
const hardlyWaiting = 1.1;

function byMachine(samples: readonly NodeSample[]): Map<string, NodeSample[]> {
  const machines = new Map<string, NodeSample[]>();
  for (const one of samples) {
    if (!one.sample || isPart(one.sample)) continue;
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

function taskViews(samples: readonly NodeSample[], nowMs: number, rest: ReadonlyMap<number, number>, demands: ReadonlyMap<number, number>): TaskView[] {
  const views = new Map<number, TaskView>();
  for (const { node, sample } of samples) {
    for (const task of sample?.tasks ?? []) {
      const tid = task.tid ?? 0;
      const lastMs = Math.max(task.movedMs ?? 0, rest.get(tid) ?? 0);
      views.set(tid, {
        tid,
        node: node.name ?? '',
        bytes: task.bytes ?? 0,
        demand: demands.get(tid) ?? 0,
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
