/** A virtual machine that does not exist, as large as wanted, behind the API that the page is served from. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HttpServer } from '../../daemon/http/server.js';
import { noLog } from '../../daemon/log.js';
import type { Identity } from '../../daemon/rpc/certificates.js';
import type { ControlClient } from '../../daemon/rpc/clients.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import { dashboardRoutes } from '../../daemon/web/index.js';
import { Random } from '../lab/random.js';

const { UP, SUSPECT, DEAD } = mpvm.node.NodeState;
const { RESUMED, ABORTED } = mpvm.node.MigrationState;
const lookMs = 500;
const between = (random: Random, least: number, most: number): number => least + random.below(most - least + 1);

export interface Size {
  nodes: number;
  tasks: number;
  seed?: number;
}

interface World {
  nodes: mpvm.node.INodeInfo[];
  tasks: mpvm.node.ITaskRow[];
  moves: mpvm.node.IMigrationInfo[];
}

/** Serves it until stop(). */
export async function serveSynthetic(size: Size): Promise<{ url: string; stop(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'mpvm-web-'));
  const http = new HttpServer({ address: '127.0.0.1', identity: {} as Identity, file: join(directory, 'http.json'), log: noLog });
  http.add(...dashboardRoutes({ client: syntheticClient(size), node: 'n1', log: noLog }));
  const { url, token } = await http.open({ address: '127.0.0.1', port: 0 });
  return {
    url: `${url}/#token=${token}`,
    stop: () => {
      http.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function syntheticClient(size: Size): ControlClient {
  const random = new Random(size.seed ?? 1);
  const world = makeWorld(size, random);
  const nodes = () => Promise.resolve({ vm: 'large', nodes: world.nodes });
  const watch = async function* (_request: unknown, { signal }: { signal?: AbortSignal } = {}) {
    yield { nodes: await nodes() };
    yield { tasks: { tasks: world.tasks } };
    while (!signal?.aborted) {
      for (const node of world.nodes) yield { activity: activityOf(node, world, random) };
      await delay(lookMs, undefined, { signal }).catch(() => undefined);
    }
  };
  return { nodes, watch, migrations: () => Promise.resolve({ migrations: world.moves }) } as unknown as ControlClient;
}

function makeWorld({ nodes, tasks }: Size, random: Random): World {
  const machines = Array.from({ length: nodes }, (_, at): mpvm.node.INodeInfo => ({
    name: `n${at + 1}`, address: `10.1.0.${at + 1}`, host: (at + 1) << 18, state: at === 7 ? SUSPECT : at === 11 ? DEAD : UP, cordoned: at % 9 === 4,
    cordonReason: at % 9 === 4 ? 'new disk' : '', cordonUser: at % 9 === 4 ? 'anna' : '', cordonTimeMs: at % 9 === 4 ? Date.now() - 600_000 : 0,
    load: between(random, 0, 800) / 100, tasks: Math.round(tasks / nodes), cpus: 8, memoryBytes: 64 * 2 ** 30, memoryFreeBytes: between(random, 2, 60) * 2 ** 30, registry: at === 0,
  }));
  const rows = Array.from({ length: tasks }, (_, at): mpvm.node.ITaskRow => {
    const node = machines[at % nodes]!;
    return { tid: (node.host ?? 0) + Math.floor(at / nodes) + 1, node: node.name, pid: 1000 + at, state: 'running', program: `/opt/${['heat', 'farm', 'ring'][at % 3]}`, epoch: at % 5, rssBytes: between(random, 1, 900) * 2 ** 20, startedMs: Date.now() - 90_000 };
  });
  const moves = rows.slice(0, 40).map((task, at): mpvm.node.IMigrationInfo => ({
    id: `m${String(at).padStart(12, '0')}`, tid: task.tid, from: `n${((at + 3) % nodes) + 1}`, to: task.node, engine: 'native', state: at === 7 ? ABORTED : RESUMED, outcome: at === 7 ? 'aborted' : 'completed', code: at === 7 ? 'STREAM_BROKEN' : '',
    reason: at === 7 ? 'the stream broke' : 'drain', startedMs: Date.now() - (40 - at) * 1500, totalUs: 90_000 + at * 3000, downtimeUs: 8000 + at * 300, obtrusivenessUs: 120_000 + at * 3000, rounds: 3, transferredBytes: (at + 5) * 2 ** 20, mbps: 8000,
    phases: [['preparing', 0, 40_000], ['precopy', 40_000, 30_000], ['round 1', 70_000, 6000], ['frozen', 76_000, 6000], ['arrived', 82_000, 3000], ['committed', 85_000, 4000], ['resumed', 89_000, 3000]].map(([name, startUs, us]) => ({ name: name as string, startUs: startUs as number, us: us as number, bytes: 1 << 20 })),
  }));
  return { nodes: machines, tasks: rows, moves };
}

function activityOf(node: mpvm.node.INodeInfo, { tasks }: World, random: Random): mpvm.node.IActivity {
  const here = tasks.filter((task) => task.node === node.name);
  return {
    node: node.name,
    ms: lookMs,
    tasks: here.map(({ tid, rssBytes }) => {
      const computing = between(random, 20, 100) / 100;
      return { tid, computing, ready: (1 - computing) * 0.3, waiting: (1 - computing) * 0.7, rssBytes };
    }),
    talks: here.map(({ tid }, at) => ({ from: tid, to: tasks[(at * 7 + 3) % tasks.length]!.tid, messages: between(random, 1, 400), bytes: between(random, 1, 2 ** 20) })),
  };
}
