/**
 * Two nodes: two network namespaces joined by a veth pair, so that nothing can take a short cut.
 * Needs root. Each contestant is started as its users would start it on two machines; the agent
 * that MPI uses to reach the other machine is a script that enters the namespace.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { libraryDirectory, build } from '../../test/lab/paths.js';
import { mustRun, run, Running } from '../../test/lab/process.js';
import type { Result } from '../../test/lab/process.js';
import { until } from '../../test/lab/wait.js';
import { buildProgram, environment, programDirectory } from './contestants.js';
import type { Contestant } from './contestants.js';
import type { Row } from './rows.js';

const names = ['mpvmbench-a', 'mpvmbench-b'] as const;
const addresses = ['10.77.61.1', '10.77.61.2'] as const;
const timeoutMs = 120_000;

export interface Nodes {
  contestants: Contestant[];
  absent: Map<string, string>;
  row: Row;
  close: () => Promise<void>;
}

const row: Row = {
  name: 'pingpong',
  title: 'half a round trip between two nodes (network namespaces joined by veth)',
  runs: ({ kind, name }, { quick, seconds }) => {
    const sizes = quick ? '64,65536,1048576,16777216' : '0,8,64,512,4096,65536,1048576,16777216', time = String(seconds);
    if (kind === 'pvm') return (name === 'PVM default' ? ['psend'] : ['psend', 'raw', 'xdr']).map((one) => ({ args: ['pingpong', one, sizes, time], tasks: 2 }));
    if (kind === 'mpi') return [{ args: ['pingpong', sizes, time], tasks: 2 }];
    return [{ args: [sizes, time], tasks: 2 }];
  },
  counterpart: (point, { kind, method }) => {
    const [name, , size] = point.split(' ');
    return kind === 'pvm' ? point : `${name} ${kind === 'mpi' ? 'mpi' : method} ${size}`;
  },
};

const inside = (node: number, args: readonly string[]): string[] => ['netns', 'exec', names[node]!, ...args];

async function makeNamespaces(): Promise<string | undefined> {
  const steps = [
    ['netns', 'add', names[0]], ['netns', 'add', names[1]],
    ['link', 'add', 'mpvmbA', 'netns', names[0], 'type', 'veth', 'peer', 'name', 'mpvmbB', 'netns', names[1]],
    ...names.flatMap((name, i) => {
      const device = i === 0 ? 'mpvmbA' : 'mpvmbB';
      return [['-n', name, 'addr', 'add', `${addresses[i]!}/24`, 'dev', device], ['-n', name, 'link', 'set', 'lo', 'up'], ['-n', name, 'link', 'set', device, 'up']];
    }),
  ];
  for (const args of steps) {
    const { code, stderr } = await run('ip', args);
    if (code !== 0) {
      await dropNamespaces();
      return `ip ${args.join(' ')}: ${stderr.trim()}`;
    }
  }
  return undefined;
}

async function dropNamespaces(): Promise<void> {
  for (const name of names) await run('ip', ['netns', 'delete', name]);
}

interface Team {
  contestants: Contestant[];
  close: () => Promise<void>;
}

/** Two daemons, one in each namespace; the first task runs on the first node, its partner on the second. */
async function ours(directory: string): Promise<Team> {
  const base = mkdtempSync(join(tmpdir(), 'mpvm-bench-'));
  const env = { ...process.env, MPVM_DIR: base, MPVM_NAME: 'bench', PVM_PATH: directory, LD_LIBRARY_PATH: libraryDirectory };
  const daemon = async (node: number, more: readonly string[]): Promise<Running> => {
    const args = ['--name', 'bench', '--node', `n${node + 1}`, '--address', addresses[node]!, ...more];
    const running = new Running('ip', inside(node, [process.execPath, join(build, 'js/mpvmd.js'), ...args]), { env, timeoutMs: 3_600_000 });
    await running.printed('ready');
    return running;
  };
  const daemons = [await daemon(0, ['--port', '4711'])];
  daemons.push(await daemon(1, ['--join', `${addresses[0]}:4711`]));
  const first = { ...env, MPVM_NODE: 'n1', PVM_BENCH_WHERE: 'n2' };
  return {
    contestants: [{ name: 'mpvm', kind: 'pvm', run: (one) => run('ip', inside(0, [join(directory, 'bench-messages'), ...one.args]), { env: { ...first, ...environment() }, timeoutMs }) }],
    close: async () => {
      for (const one of daemons.reverse()) {
        one.kill();
        await one.ended;
      }
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** A script that, called as rsh is, runs the command in the namespace of the host named. */
function remoteShell(directory: string, setting: string): string {
  const path = join(directory, 'remote-shell');
  const cases = addresses.map((address, i) => `${address}) ns=${names[i]!};;`).join(' ');
  // PVM says "rsh HOST COMMAND", hydra and Open MPI put options in front.
  writeFileSync(path, `#!/bin/sh
while [ "\${1#-}" != "$1" ]; do shift; done
case "$1" in ${cases} *) exit 1;; esac
shift
exec ip netns exec $ns unshare --uts env ${setting} sh -c "hostname $ns; $*"
`);
  chmodSync(path, 0o755);
  return path;
}

async function pvm(directory: string): Promise<Team> {
  const places = [join(directory, 'a'), join(directory, 'b')];
  for (const place of places) mkdirSync(place);
  symlinkSync('/usr/bin/pvmgs', join(directory, 'pvmgs'));
  const common = { PVM_ROOT: '/usr/lib/pvm3', PVM_ARCH: 'LINUX64', PVM_ALLOW_ROOT: '1', PVM_PATH: directory, HOME: directory, PATH: process.env['PATH'] ?? '' };
  const shell = remoteShell(directory, [...Object.entries({ ...common, PVM_TMP: places[1]! })].map(([name, value]) => `${name}='${value}'`).join(' '));
  const env = { ...common, PVM_TMP: places[0]!, PVM_RSH: shell };
  const console = (text: string, args: string[] = []): Promise<Result> => run('ip', inside(0, ['/usr/bin/pvm', ...args]), { env, input: text, timeoutMs: 30_000 });
  const added = await console(`add ${addresses[1]}\nconf\nquit\n`, [`-n${addresses[0]}`]);
  if (!/2 hosts/.test(added.stdout)) throw new Error(`PVM does not start on two hosts: ${added.stdout}${added.stderr}`);
  const one = (name: string, route: string): Contestant => ({
    name, kind: 'pvm',
    run: (each) => run('ip', inside(0, [join(directory, 'bench-messages'), ...each.args]), {
      env: { ...env, PVM_BENCH_WHERE: addresses[1], ...environment({ PVM_BENCH_ROUTE: route }) }, timeoutMs,
    }),
  });
  return { contestants: [one('PVM direct', 'direct'), one('PVM default', 'default')], close: async () => { await console('halt\n'); } };
}

/** Open MPI takes nodes of one name for one host: mpirun too runs under the name of its own. */
const openMpi = async (directory: string): Promise<Team> => ({
  contestants: [{
    name: 'Open MPI', kind: 'mpi',
    run: (one) => run('ip', inside(0, ['unshare', '--uts', 'sh', '-c', `hostname ${names[0]}; exec "$@"`, 'sh',
      'mpirun.openmpi', '--allow-run-as-root', '--mca', 'plm_rsh_agent', remoteShell(directory, ''), '--mca', 'btl', 'tcp,self',
      '--mca', 'pml', 'ob1', '--mca', 'btl_tcp_if_include', '10.77.61.0/24', '--mca', 'oob_tcp_if_include', '10.77.61.0/24', '-n', '2', '--host', addresses.join(','), '--map-by', 'node',
      join(directory, 'bench-messages'), ...one.args]), { env: { ...process.env, ...environment() }, timeoutMs: 60_000 }),
  }],
  close: async () => undefined,
});

const mpich = async (directory: string): Promise<Team> => ({
  contestants: [{
    name: 'MPICH', kind: 'mpi',
    run: (one) => run('ip', inside(0, ['mpirun.mpich', '-launcher', 'ssh', '-launcher-exec', remoteShell(directory, ''), '-hosts', addresses.join(','), '-ppn', '1', '-n', '2',
      join(directory, 'bench-messages'), ...one.args]), { env: { ...process.env, ...environment(), UCX_TLS: 'tcp,self' }, timeoutMs: 60_000 }),
  }],
  close: async () => undefined,
});

const plain = async (directory: string): Promise<Team> => ({
  contestants: [{
    name: 'C, TCP', kind: 'plain', method: 'tcp',
    run: async (one) => {
      const env = { ...process.env, ...environment() };
      const program = join(directory, 'bench-messages');
      const server = new Running('ip', inside(1, [program, 'serve', addresses[1]]), { env, timeoutMs });
      await server.printed('\n');
      const result = await run('ip', inside(0, [program, 'tcp', addresses[1], server.stdout.trim(), ...one.args]), { env, timeoutMs });
      await server.ended;
      return result;
    },
  }],
  close: async () => undefined,
});

const teams: readonly { program: string; packages: string[]; open: (directory: string) => Promise<Team> }[] = [
  { program: 'ours', packages: [], open: ours },
  { program: 'judge', packages: ['pvm', 'pvm-dev'], open: pvm },
  { program: 'openmpi', packages: ['openmpi-bin', 'libopenmpi-dev'], open: openMpi },
  { program: 'mpich', packages: ['mpich', 'libmpich-dev'], open: mpich },
  { program: 'plain', packages: [], open: plain },
];

/** The reason when there can be no two nodes here. */
export async function openNodes(directory: string, log: (line: string) => void): Promise<Nodes | string> {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const failure = await makeNamespaces();
  if (failure !== undefined) return failure;
  await until('both ends of the veth up', async () => {
    const links = await Promise.all(names.map((name) => run('ip', ['-n', name, '-o', 'link', 'show', 'up', 'type', 'veth'])));
    return links.every(({ stdout }) => stdout.includes('LOWER_UP'));
  });
  const contestants: Contestant[] = [], absent = new Map<string, string>(), closers: (() => Promise<void>)[] = [dropNamespaces];
  for (const { program, packages, open } of teams) {
    const place = join(directory, `nodes-${program}`);
    mkdirSync(place, { recursive: true });
    try {
      const reason = await buildProgram(program, packages, log);
      if (reason !== undefined) throw new Error(reason);
      copyFileSync(join(programDirectory(program), 'bench-messages'), join(place, 'bench-messages'));
      await mustRun('ip', inside(0, ['true']));
      const team = await open(place);
      contestants.push(...team.contestants);
      closers.unshift(team.close);
    } catch (error) {
      absent.set(program, error instanceof Error ? error.message : String(error));
    }
  }
  return { contestants, absent, row, close: async () => { for (const close of closers) await close(); } };
}
