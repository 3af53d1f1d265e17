/**
 * What Prometheus scrapes: of this node its tasks and moves, and of the VM what this node sees. Counting begins when
 * it is first asked for. One target a node: sums over the VM are Prometheus' work.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Balancing, Migrations, Tasks, VirtualMachine } from '../contracts.js';
import { mpvm } from '../rpc/messages.js';

export interface FigureParts {
  vm: VirtualMachine;
  tasks: Tasks;
  migrations: Migrations;
  balancing: Balancing;
}

/** Moves whose last word may still be told again. */
const remembered = 1000;
const State = mpvm.node.NodeState;
const seconds = (us: number | null | undefined): number => (us ?? 0) / 1e6;
const downtimeBuckets = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];
const durationBuckets = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60, 300];

export function figuresOf(parts: FigureParts): Registry {
  const register = new Registry();
  register.setDefaultLabels({ vm: parts.vm.name, node: parts.vm.self.name });
  collectDefaultMetrics({ register });
  stateOfVm(register, parts);
  tasksHere(register, parts);
  movesFromHere(register, parts);
  return register;
}

function stateOfVm(register: Registry, { vm, balancing }: FigureParts): void {
  const registers = [register];
  new Gauge({ name: 'mpvm_nodes', help: 'Nodes of the VM by state, as this node sees them.', labelNames: ['state'], registers, collect() {
    for (const state of Object.values(State)) if (typeof state === 'string') this.set({ state: state.toLowerCase() }, 0);
    for (const { state } of vm.nodes()) this.inc({ state: (State[state ?? 0] ?? '').toLowerCase() });
  } });
  new Gauge({ name: 'mpvm_node_cordoned', help: '1: this node takes no tasks.', registers, collect() {
    this.set(vm.nodeNamed(vm.self.name)?.cordoned ? 1 : 0);
  } });
  new Gauge({ name: 'mpvm_node_registry', help: '1: this node keeps the registry.', registers, collect() {
    this.set(vm.nodeNamed(vm.self.name)?.registry ? 1 : 0);
  } });
  new Gauge({ name: 'mpvm_balance_watching', help: '1: this node balances the VM again and again.', registers, collect() {
    this.set(balancing.status().watch ? 1 : 0);
  } });
}

function tasksHere(register: Registry, { tasks }: FigureParts): void {
  const registers = [register];
  new Gauge({ name: 'mpvm_tasks', help: 'Tasks of this node by state.', labelNames: ['state'], registers, collect() {
    for (const state of ['starting', 'running', 'moving', 'arriving']) this.set({ state }, 0);
    for (const { state, isConsole } of tasks.list()) if (!isConsole && state !== 'departed' && state !== 'ended') this.inc({ state });
  } });
  const started = new Counter({ name: 'mpvm_tasks_started_total', help: 'Tasks that began their life here.', registers });
  const ended = new Counter({ name: 'mpvm_tasks_ended_total', help: 'Tasks that ended here.', labelNames: ['how'], registers });
  for (const how of ['exit', 'failure', 'signal']) ended.inc({ how }, 0);
  tasks.on('started', () => started.inc());
  tasks.on('ended', (_task, { code, signal }) => ended.inc({ how: signal !== null ? 'signal' : code === 0 ? 'exit' : 'failure' }));
}

function movesFromHere(register: Registry, { migrations }: FigureParts): void {
  const registers = [register];
  const moves = new Counter({ name: 'mpvm_moves_total', help: 'Moves of tasks away from this node that are over.', labelNames: ['outcome'], registers });
  for (const outcome of ['completed', 'aborted', 'lost']) moves.inc({ outcome }, 0);
  const bytes = new Counter({ name: 'mpvm_move_transferred_bytes_total', help: 'Memory and state sent by moves from here.', registers });
  const rounds = new Counter({ name: 'mpvm_move_rounds_total', help: 'Rounds of copying of moves from here.', registers });
  const downtime = new Histogram({ name: 'mpvm_move_downtime_seconds', help: 'Freeze at the source to the first instruction at the destination.', buckets: downtimeBuckets, registers });
  const cost = new Histogram({ name: 'mpvm_move_cost_seconds', help: 'Command to the moment the task runs at the destination (migration cost).', buckets: durationBuckets, registers });
  const obtrusiveness = new Histogram({ name: 'mpvm_move_obtrusiveness_seconds', help: 'Command to the moment the task no longer uses this node.', buckets: durationBuckets, registers });
  new Gauge({ name: 'mpvm_moves_under_way', help: 'Moves from this node that have begun and are not over.', registers, collect() {
    this.set(migrations.list().filter(({ outcome }) => outcome === 'running').length);
  } });
  // The last word of a move may be told again, with a figure that was not known at first.
  const counted = new Set<string>();
  migrations.on('changed', (move) => {
    const id = move.id ?? '';
    if (move.outcome === 'running' || !move.outcome || counted.has(id)) return;
    counted.add(id);
    if (counted.size > remembered) counted.delete(counted.values().next().value!);
    moves.inc({ outcome: move.outcome });
    bytes.inc(move.transferredBytes ?? 0);
    rounds.inc(move.rounds ?? 0);
    if (move.outcome !== 'completed') return;
    downtime.observe(seconds(move.downtimeUs));
    cost.observe(seconds(move.totalUs));
    if (move.obtrusivenessUs) obtrusiveness.observe(seconds(move.obtrusivenessUs));
  });
}
