/**
 * What `-o json` prints: the names and units here are part of the interface (DESIGN.md, section 10),
 * whatever the protocol underneath calls them.
 */
import { mpvm } from '../rpc/messages.js';
import { trackingName } from '../migration/tracking.js';
import { formatTid } from './tid.js';

const ms = (us: number): number => Math.round(us) / 1000;

export interface NodeShape {
  name: string;
  address: string;
  state: string;
  cordoned: boolean;
  draining: boolean;
  tasks: number;
  load: number;
  cpus: number;
  /** Of those in /proc/cpuinfo, what a program may depend on. */
  cpuFeatures: string[];
  memoryBytes: number;
  memoryFreeBytes: number;
  host: string;
  architecture: string;
  registry: boolean;
  cordonReason: string;
  cordonUser: string;
  cordonTime: string | null;
}

export function nodeShape(node: mpvm.node.INodeInfo): NodeShape {
  return {
    name: node.name ?? '',
    address: node.address ?? '',
    state: mpvm.node.NodeState[node.state ?? 0]?.toLowerCase() ?? 'up',
    cordoned: node.cordoned ?? false,
    draining: node.draining ?? false,
    tasks: node.tasks ?? 0,
    load: Math.round((node.load ?? 0) * 100) / 100,
    cpus: node.cpus ?? 0,
    cpuFeatures: node.cpuFeatures ?? [],
    memoryBytes: node.memoryBytes ?? 0,
    memoryFreeBytes: node.memoryFreeBytes ?? 0,
    host: formatTid(node.host ?? 0),
    architecture: node.architecture ?? '',
    registry: node.registry ?? false,
    cordonReason: node.cordonReason ?? '',
    cordonUser: node.cordonUser ?? '',
    cordonTime: node.cordonTimeMs ? new Date(node.cordonTimeMs).toISOString() : null,
  };
}

export interface TaskShape {
  tid: string;
  node: string;
  pid: number;
  state: string;
  program: string;
  epoch: number;
  rssBytes: number;
  engine: string;
  parent: string | null;
  cpuMs: number;
  started: string | null;
}

export function taskShape(task: mpvm.node.ITaskRow): TaskShape {
  const parent = task.parent ?? 0;
  return {
    tid: formatTid(task.tid ?? 0),
    node: task.node ?? '',
    pid: task.pid ?? 0,
    state: task.state ?? '',
    program: task.program ?? '',
    epoch: task.epoch ?? 0,
    rssBytes: task.rssBytes ?? 0,
    engine: task.engine ?? '',
    // PVM's codes for "no parent" are negative and arrive as large numbers.
    parent: parent > 0 && parent < 0x40000000 ? formatTid(parent) : null,
    cpuMs: task.cpuMs ?? 0,
    started: task.startedMs ? new Date(task.startedMs).toISOString() : null,
  };
}

export interface MigrationShape {
  id: string;
  tid: string;
  from: string;
  to: string;
  engine: string;
  /** Why this engine, when it is not the first choice. */
  engineReason: string;
  state: string;
  outcome: string;
  code: string;
  reason: string;
  started: string | null;
  setupMs: number;
  totalMs: number;
  downtimeMs: number;
  obtrusivenessMs: number;
  rounds: number;
  transferredBytes: number;
  pages: number;
  mbps: number;
  /** How it was found what the task wrote meanwhile; and how much that was, a second. */
  tracking: string;
  dirtyMbps: number;
  remainingBytes: number;
  expectedDowntimeMs: number;
  /** More rounds would not have helped: the policy was followed. */
  noConvergence: boolean;
  throttlePercent: number;
  /** It was stopped while it waited for a message. */
  waiting: boolean;
  phases: { name: string; startMs: number; ms: number; bytes: number }[];
  blockers: BlockerShape[];
}

export interface BlockerShape {
  code: string;
  cause: string;
  remedy: string;
  warning: boolean;
  side: string;
  /** Which engine it hinders; empty: any. */
  engine: string;
}

export function blockerShape(blocker: mpvm.node.IBlocker): BlockerShape {
  return {
    code: blocker.code ?? '',
    cause: blocker.cause ?? '',
    remedy: blocker.remedy ?? '',
    warning: blocker.warning ?? false,
    side: blocker.side ?? '',
    engine: blocker.engine ?? '',
  };
}

export function migrationState(info: mpvm.node.IMigrationInfo): string {
  return mpvm.node.MigrationState[info.state ?? 0]?.toLowerCase() ?? 'planned';
}

export function migrationShape(info: mpvm.node.IMigrationInfo): MigrationShape {
  return {
    id: info.id ?? '',
    tid: formatTid(info.tid ?? 0),
    from: info.from ?? '',
    to: info.to ?? '',
    engine: info.engine ?? '',
    engineReason: info.engineReason ?? '',
    state: migrationState(info),
    outcome: info.outcome ?? '',
    code: info.code ?? '',
    reason: info.reason ?? '',
    started: info.startedMs ? new Date(info.startedMs).toISOString() : null,
    setupMs: ms(info.setupUs ?? 0),
    totalMs: ms(info.totalUs ?? 0),
    downtimeMs: ms(info.downtimeUs ?? 0),
    obtrusivenessMs: ms(info.obtrusivenessUs ?? 0),
    rounds: info.rounds ?? 0,
    transferredBytes: info.transferredBytes ?? 0,
    pages: info.pages ?? 0,
    mbps: Math.round((info.mbps ?? 0) * 10) / 10,
    tracking: trackingName(info.tracking),
    dirtyMbps: Math.round((info.dirtyBytesPerSecond ?? 0) * 8 / 1e5) / 10,
    remainingBytes: info.remainingBytes ?? 0,
    expectedDowntimeMs: ms(info.expectedDowntimeUs ?? 0),
    noConvergence: info.noConvergence ?? false,
    throttlePercent: info.throttlePercent ?? 0,
    waiting: info.waiting ?? false,
    phases: (info.phases ?? []).map((phase) => ({
      name: phase.name ?? '',
      startMs: ms(phase.startUs ?? 0),
      ms: ms(phase.us ?? 0),
      bytes: phase.bytes ?? 0,
    })),
    blockers: (info.blockers ?? []).map(blockerShape),
  };
}

/** A move of a plan: of a drain, or of a balancing. */
export interface PlannedShape {
  tid: string;
  from: string;
  to: string;
  bytes: number;
  ms: number;
  reason: string;
}

type Plain<T> = { [K in keyof T]?: T[K] | null };

export function plannedShape(move: Plain<{ tid: number; from: string; to: string; bytes: number; us: number; reason: string }>): PlannedShape {
  return { tid: formatTid(move.tid ?? 0), from: move.from ?? '', to: move.to ?? '', bytes: move.bytes ?? 0, ms: (move.us ?? 0) / 1000, reason: move.reason ?? '' };
}

/** A task that stays, and why. */
export interface LeftShape {
  tid: string;
  node: string;
  blockers: BlockerShape[];
}

export function leftShape(left: Plain<{ tid: number; node: string; blockers: mpvm.node.IBlocker[] }>): LeftShape {
  return { tid: formatTid(left.tid ?? 0), node: left.node ?? '', blockers: (left.blockers ?? []).map(blockerShape) };
}
