/** mpvm doctor: what this machine can and cannot do for mpvm, and what to do about it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { MpvmError } from '../errors.js';
import { findCriu } from '../migration/criu/probe.js';
import { projectRoot } from '../native/index.js';
import { vmsIn } from '../local-nodes.js';
import type { Session } from './session.js';
import { done, failed } from './exit.js';
import { bytes, paint } from './format.js';
import { choose } from '../migration/tracking.js';
import { printJson, printTable } from './table.js';

type Result = 'ok' | 'warning' | 'missing';
interface Check {
  check: string;
  result: Result;
  found: string;
  remedy: string;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
};
function output(command: string, args: string[]): { ok: boolean; text: string } {
  try {
    return { ok: true, text: execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 10_000 }).trim() };
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: string };
    return { ok: false, text: code === 'ENOENT' ? '' : `${stdout}${stderr}`.trim() || 'it failed' };
  }
}
const check = (name: string, ok: boolean, found: string, remedy: string, otherwise: Result = 'missing'): Check => ({
  check: name,
  result: ok ? 'ok' : otherwise,
  found,
  remedy: ok ? '' : remedy,
});

export async function doctor(session: Session): Promise<number> {
  const checks = [...machine(), ...built(), ...kernel(), ...limits(session), ...tools(), await criu()];
  if (session.json) printJson(checks);
  else {
    printTable(
      [
        { title: 'CHECK', cell: (c) => c.check },
        { title: 'RESULT', cell: (c) => paint(c.result === 'ok' ? 'green' : c.result === 'warning' ? 'yellow' : 'red', c.result) },
        { title: 'FOUND', cell: (c) => c.found },
        { title: 'REMEDY', cell: (c) => c.remedy },
      ],
      checks,
    );
  }
  return checks.some((c) => c.result === 'missing') ? failed : done;
}

function machine(): Check[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return [
    check('node', major > 20 || (major === 20 && minor >= 11), process.version, 'install Node 20.11 or later'),
    check('processor', process.arch === 'x64', `${process.arch}, ${availableParallelism()} cores`, 'mpvm runs on x86-64'),
    check('memory', true, `${bytes(freemem())} free of ${bytes(totalmem())}`, ''),
    check('user', true, process.getuid?.() === 0 ? 'root' : `uid ${process.getuid?.() ?? '?'} (root is not needed)`, ''),
  ];
}

function built(): Check[] {
  const parts = { library: 'build/lib/libpvm3.so.3', 'group library': 'build/lib/libgpvm3.so.3', restorer: 'build/bin/mpvm-restorer', nest: 'build/bin/mpvm-nest', 'native module': 'build/native/mpvm_native.node', daemon: 'build/js/mpvmd.js' };
  return Object.entries(parts).map(([name, path]) => check(name, existsSync(join(projectRoot(), path)), path, 'npm run setup'));
}

/** What each question of mpvm-probe is about; `lacking` is how bad a no is. */
const questions: Record<string, { about: string; remedy: string; lacking: Result }> = {
  userfaultfd: { about: 'userfaultfd for users', remedy: 'a kernel with CONFIG_USERFAULTFD, in a container a seccomp profile that allows it; see the row "writes found by"', lacking: 'warning' },
  'userfaultfd-wp-async': { about: 'dirty tracking (WP_ASYNC)', remedy: 'Linux 6.7 or later; see the row "writes found by"', lacking: 'warning' },
  'pagemap-scan': { about: 'dirty pages in one call (PAGEMAP_SCAN)', remedy: 'Linux 6.7 or later', lacking: 'warning' },
  membarrier: { about: 'membarrier', remedy: 'Linux 4.14 or later, with CONFIG_MEMBARRIER', lacking: 'missing' },
  'memfd-seals': { about: 'sealed shared memory (memfd)', remedy: 'Linux 3.17 or later', lacking: 'missing' },
  pidfd: { about: 'pidfd', remedy: 'Linux 5.3 or later', lacking: 'missing' },
  'prctl-set-mm-map': { about: 'PR_SET_MM_MAP', remedy: 'a kernel with CONFIG_CHECKPOINT_RESTORE', lacking: 'missing' },
  'tcp-cubic': { about: 'TCP cubic', remedy: 'as root: modprobe tcp_cubic, and add it to sysctl net.ipv4.tcp_allowed_congestion_control', lacking: 'warning' },
};

function kernel(): Check[] {
  const probe = join(projectRoot(), 'build/bin/mpvm-probe');
  const kernelRow = check('kernel', true, `Linux ${release()}`, '');
  if (!existsSync(probe)) return [kernelRow, check('kernel features', false, 'not tried: build/bin/mpvm-probe is missing', 'npm run setup')];
  const answers = output(probe, []).text.split('\n').map((line) => /^(\S+) (yes|no)(?: (.*))?$/.exec(line));
  const rows = answers.flatMap((match) => {
    const question = questions[match?.[1] ?? ''];
    if (!match || !question) return [];
    return [check(question.about, match[2] === 'yes', match[2] === 'yes' ? 'works' : (match[3] ?? ''), question.remedy, question.lacking)];
  });
  const way = choose(answers.map((match) => match?.slice(1, 3).join(' ') ?? '').join('\n'));
  const cost = { 'soft-dirty': 'the task stands still once a round, some 20 ms a GiB', compare: 'all of its memory is hashed each round, while it stands still the last time: some 200 ms a GiB' }[way];
  return [kernelRow, ...rows, check('writes found by', cost === undefined, way, `Linux 6.7 or later; else ${cost}`, 'warning')];
}

function limits(session: Session): Check[] {
  const files = Number(/Max open files\s+(\S+)/.exec(read('/proc/self/limits'))?.[1] ?? 0);
  const processes = /Max processes\s+(\S+)/.exec(read('/proc/self/limits'))?.[1] ?? '?';
  const place = existsSync(session.base) ? session.base : '/tmp';
  const { bavail, bsize } = statfsSync(place);
  const running = vmsIn(session.base);
  return [
    check('open files', files >= 4096, String(files), 'ulimit -n 65536 before `mpvm up`', 'warning'),
    check('processes', processes === 'unlimited' || Number(processes) >= 1024, processes, 'ulimit -u 4096 before `mpvm up`', 'warning'),
    check('pids', Number(read('/proc/sys/kernel/pid_max')) >= 4096, read('/proc/sys/kernel/pid_max'), 'sysctl kernel.pid_max=4194304', 'warning'),
    check('directory of VMs', bavail * bsize > 64 << 20, `${session.base} (${bytes(bavail * bsize)} free)`, 'make room, or set MPVM_DIR', 'warning'),
    check('VMs here', true, running.length > 0 ? running.join(', ') : 'none', ''),
  ];
}

/** What is needed to compile programs, and what only `npm test` wants. */
function tools(): Check[] {
  const has = (tool: string): boolean => output('sh', ['-c', `command -v ${tool}`]).ok;
  return [
    check('C compiler', has('cc'), 'to build programs', 'apt-get install gcc libc6-dev', 'warning'),
    check('pkg-config', has('pkg-config'), 'cc prog.c $(pkg-config --cflags --libs pvm3)', 'apt-get install pkg-config', 'warning'),
    check('remote shell', has(process.env['PVM_RSH'] || 'ssh'), `${process.env['PVM_RSH'] || 'ssh'}, for mpvm add and pvm_addhosts`, 'apt-get install openssh-client, or set PVM_RSH; without it nodes join by token', 'warning'),
    check("Debian's PVM", has('pvmd') || existsSync('/usr/lib/pvm3'), 'to compare with (npm test)', 'apt-get install pvm pvm-dev pvm-examples', 'warning'),
  ];
}

/** As the daemon tries it. Not there is no defect: few tasks need it. */
async function criu(): Promise<Check> {
  const found = await findCriu();
  if (found instanceof MpvmError) return check('criu', false, found.message, `only for tasks that the native engine declines: ${found.remedy}`, 'warning');
  return check('criu', true, `${found.version}${found.preDump ? ', copies memory while programs run' : ', stops programs while it copies them (this kernel has no soft-dirty bits)'}`, '');
}
