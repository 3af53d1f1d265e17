/** What is seen of a process from outside, and what of it keeps a task from moving. Real processes, read while they run. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { takeInventory } from '../../daemon/migration/inventory.js';
import type { Inventory } from '../../daemon/migration/inventory.js';
import { judge } from '../../daemon/migration/judge.js';
import { nativeEngine } from '../../daemon/migration/native.js';
import { parseFdinfo, parseMaps, parseStackLimit, parseStatus, ProcessGone } from '../../daemon/migration/proc.js';

const directory = mkdtempSync(join(tmpdir(), 'mpvm-inventory-'));
const output = join(directory, 'out');
/** What is open there is the library's own. */
const taskSockets = join(directory, 't');
mkdirSync(taskSockets);
const running: ChildProcess[] = [];
const tid = 0x40001;

/** Whoever runs the tests may have left descriptors open. */
const closeInherited = 'for fd in /proc/self/fd/*; do n=${fd##*/}; [ "$n" -gt 2 ] && [ "$n" -lt 255 ] && eval "exec $n>&-"; done';

/** A process that has done what the script says, and sleeps. Has no descriptors but those of the script. */
async function shell(script: string): Promise<ChildProcess> {
  const child = spawn('bash', ['-c', `${closeInherited}\n${script}\nexec sleep 1000 2>/dev/null`], { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  running.push(child);
  let said = '';
  for await (const chunk of child.stderr) said += String(chunk);
  // It sleeps, with all its libraries mapped, once it is in nanosleep (35) or clock_nanosleep (230).
  while (!readlinkSync(`/proc/${child.pid}/exe`).endsWith('sleep') || !/^(35|230) /.test(readFileSync(`/proc/${child.pid}/syscall`, 'latin1'))) {
    if (child.exitCode !== null) throw new Error(`the shell ended: ${said}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return child;
}
/** A process with three threads more, which sleep. */
const threadedSource = String.raw`
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static int deaf;
static void *rest(void *argument) {
  unsigned long all = ~0ul;
  if (deaf) syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
  write(2, "x", 1);
  for (;;) pause();
  return argument;
}
int main(int argc, char **argv) {
  pthread_t thread;
  int i;
  for (i = 0; i < 3; i++) {
    deaf = i == 2 && argc > 1 && !strcmp(argv[1], "deaf");
    pthread_create(&thread, 0, rest, 0);
    usleep(20000);
  }
  deaf = 0;
  write(2, "x", 1);
  dup2(open("/dev/null", O_WRONLY), 2);
  if (argc > 1 && !strcmp(argv[1], "headless")) pthread_exit(0);
  rest(0);
}`;
async function threaded(kind: string): Promise<ChildProcess> {
  const program = join(directory, 'threaded');
  writeFileSync(`${program}.c`, threadedSource);
  execFileSync('cc', ['-w', `${program}.c`, '-o', program, '-lpthread']);
  const child = spawn('bash', ['-c', `${closeInherited}\nexec ${program} ${kind}`], { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  running.push(child);
  let said = 0;
  for await (const chunk of child.stderr) {
    said += String(chunk).length;
    if (said >= 4) break;
  }
  const is = (): boolean => kind === 'headless' ? /^State:\tZ/m.test(readFileSync(`/proc/${child.pid}/status`, 'latin1')) : readlinkSync(`/proc/${child.pid}/fd/2`) === '/dev/null';
  while (!is()) await new Promise((resolve) => setImmediate(resolve));
  return child;
}
/** Becomes a sleeping process that holds what it is told. */
const holder = join(directory, 'holder');
const holderSource = String.raw`
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int ends[2], fd;
  if (!strcmp(argv[1], "pairs") || !strcmp(argv[1], "half")) {
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    if (argv[1][0] == 'h' && !fork()) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(ends[0]);
      execlp("sleep", "sleep", "1000", (char *)0);
    }
    if (argv[1][0] == 'h') close(ends[1]);
    socket(AF_INET, SOCK_DGRAM, 0);
  } else if (!strcmp(argv[1], "listens")) {
    listen(socket(AF_INET, SOCK_STREAM, 0), 1);
  } else {
    fd = open("leased", O_CREAT, 0600);
    fcntl(fd, F_SETLEASE, F_RDLCK);
  }
  execlp("sleep", "sleep", "1000", (char *)0);
}`;
const inventory = (child: ChildProcess, of = tid): Promise<Inventory> => takeInventory({ tid: of, pid: child.pid!, taskSockets, output });
const codes = ({ blockers }: Inventory): string[] => blockers.filter(({ warning }) => !warning).map(({ code }) => code ?? '').sort();
const here = { node: 'there', restorer: process.execPath, engine: nativeEngine, reserved: 0 };

describe('the inventory of a task', function () {
  this.timeout(20_000);
  before(() => {
    mkdirSync(output);
    writeFileSync(`${holder}.c`, holderSource);
    execFileSync('cc', ['-w', `${holder}.c`, '-o', holder]);
    writeFileSync(join(taskSockets, `t${tid.toString(16)}.fds`), new Uint8Array(1024));
  });
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('finds nothing against a plain program, and its node would take it', async () => {
    const found = await inventory(await shell(':'));
    assert.deepEqual(found.blockers, []);
    assert.match(found.manifest.program ?? '', /sleep$/);
    assert.equal(found.manifest.directory, directory);
    assert.ok((found.manifest.mapped ?? []).some(({ path, buildId }) => path?.includes('libc.so') && /^[0-9a-f]{40}$/.test(buildId ?? '')));
    assert.deepEqual((await judge(found.manifest, here)).map(({ code, cause }) => `${code}: ${cause}`), []);
  });

  it('lists open files with position and flags', async () => {
    const path = join(directory, 'input');
    writeFileSync(path, 'one\ntwo\n');
    const { manifest, blockers } = await inventory(await shell(`exec 5<>${path}; read -r line <&5`));
    assert.deepEqual(blockers, []);
    const file = (manifest.files ?? []).find(({ fd }) => fd === 5);
    assert.deepEqual([file?.path, file?.position, (file?.flags ?? 0) & 3, file?.size], [path, 4, 2, 8]);
  });

  const holding: [what: string, script: string, code: string][] = [
    ['a socket', 'exec 5<>/dev/udp/127.0.0.1/9', 'OPEN_SOCKET'],
    ['a pipe', 'exec 5< <(:)', 'OPEN_PIPE'],
    ['a child', 'sleep 1000 2>/dev/null &', 'CHILD_PROCESSES'],
    ['a pipe that another process has, too', 'exec 5<> <(:); sleep 1000 2>/dev/null &', 'OPEN_PIPE'],
    ['a deleted file that is too large', 'exec 5>gone; head -c 70000000 /dev/zero >&5; rm gone', 'OPEN_DELETED_FILE'],
    ['a device', 'exec 5</dev/kmsg', 'OPEN_DEVICE'],
    ['a socket whose other end is another\'s', `exec ${holder} half 2>/dev/null`, 'OPEN_SOCKET'],
    ['a socket that listens', `exec ${holder} listens 2>/dev/null`, 'OPEN_SOCKET'],
    ['a lease', `exec ${holder} lease 2>/dev/null`, 'FILE_LEASE'],
  ];
  for (const [what, script, code] of holding) {
    it(`names ${what}`, async function () {
      if (what === 'a device' && process.getuid?.() !== 0) this.skip();
      const found = await inventory(await shell(script));
      assert.ok(codes(found).includes(code), JSON.stringify(found.blockers));
      for (const { cause, side } of found.blockers) assert.ok(cause && side === 'source');
    });
  }

  it('takes pairs of sockets, and warns of locks', async () => {
    const found = await inventory(await shell(`exec 5>locked; flock 5; exec ${holder} pairs 2>/dev/null`));
    assert.deepEqual(found.blockers.map(({ code, warning }) => [code, warning]), [['FILE_LOCK', true]]);
  });

  it('takes a directory and a deleted file, not a pipe with a name', async () => {
    const found = await inventory(await shell('exec 5</; exec 6>gone; rm gone; mkfifo named; exec 7<> named; rm named'));
    assert.deepEqual(found.manifest.files?.map(({ kind, path }) => [kind, path]).filter(([kind]) => kind === 'directory'), [['directory', '/']]);
    assert.deepEqual(codes(found), ['OPEN_PIPE'], 'a pipe with a name');
  });

  const threads: [what: string, kind: string, expected: string[]][] = [
    ['takes any number of threads', 'plain', []],
    ['names a first thread that has ended', 'headless', ['MAIN_THREAD_ENDED']],
    ['names a thread that cannot be stopped', 'deaf', ['THREAD_UNSTOPPABLE']],
  ];
  for (const [what, kind, expected] of threads) {
    it(what, async () => assert.deepEqual(codes(await inventory(await threaded(kind))), expected));
  }

  it('names a task that is stopped', async () => {
    const child = await shell(':');
    process.kill(child.pid!, 'SIGSTOP');
    for (;;) if (codes(await inventory(child)).includes('TASK_STOPPED')) break;
  });

  it('counts as harmless what is the library\'s own', async () => {
    const own = new Uint8Array(1024);
    own[0] = 1 << 5;
    writeFileSync(join(taskSockets, 't40002.fds'), own);
    assert.deepEqual(codes(await inventory(await shell('exec 5<>/dev/udp/127.0.0.1/9'), 0x40002)), []);
  });

  it('leaves sockets to the task itself when its library has left no list', async () => {
    const found = await inventory(await shell('exec 5<>/dev/udp/127.0.0.1/9'), 0x40003);
    assert.deepEqual(found.blockers.map(({ code, warning }) => [code, warning]), [['LIBRARY_UNKNOWN', true]]);
  });

  it('says so when the process has ended', async () => {
    const child = await shell(':');
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await assert.rejects(takeInventory({ tid, pid: child.pid!, taskSockets, output }), ProcessGone);
  });
});

describe('the judgement of a destination', () => {
  const refusals = async (change: object): Promise<string[]> => {
    const child = await shell(':');
    const { manifest } = await inventory(child);
    child.kill('SIGKILL');
    return (await judge({ ...manifest, ...change }, here)).map(({ code }) => code ?? '');
  };
  const cases: [what: string, change: object, code: string][] = [
    ['a missing library', { mapped: [{ path: '/no/such/library.so', buildId: 'ab', size: 1 }] }, 'FILE_MISSING'],
    ['another build of it', { mapped: [{ path: process.execPath, buildId: 'ab', size: 1 }] }, 'FILE_DIFFERS'],
    ['a missing file', { files: [{ fd: 3, path: '/no/such/file', kind: 'file', flags: 0, size: 1 }] }, 'FILE_MISSING'],
    ['a file that is too short', { files: [{ fd: 3, path: '/etc/hostname', kind: 'file', flags: 0, position: 1e9, size: 1e9 }] }, 'FILE_DIFFERS'],
    ['a missing directory', { directory: '/no/such/directory' }, 'DIRECTORY_MISSING'],
    ['a processor that can less', { cpuFeatures: ['avx1024'] }, 'CPU_FEATURES'],
    ['a processor that saves less', { xsaveBytes: 1 << 20 }, 'CPU_STATE'],
    ['another kernel', { vdsoId: 'other' }, 'VDSO_DIFFERS'],
    ['another user', { uid: 4_000_000 }, 'USER_DIFFERS'],
    ['too little memory', { privateBytes: 2 ** 50 }, 'MEMORY_SHORT'],
  ];
  before(() => mkdirSync(output, { recursive: true }));
  after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [what, change, code] of cases) it(`names ${what}`, async () => assert.ok((await refusals(change)).includes(code)));
});

describe('reading /proc', () => {
  it('understands every kind of line in maps', () => {
    const [file, deleted, anonymous, special] = parseMaps([
      '555555554000-555555556000 r-xp 00001000 fe:00 1234                       /usr/bin/a b',
      '7f0000000000-7f0000001000 rw-s 00000000 00:01 77                         /memfd:x (deleted)',
      '7f0000002000-7f0000003000 ---p 00000000 00:00 0 ',
      '7ffff7fc1000-7ffff7fc3000 r-xp 00000000 00:00 0                          [vdso]',
    ].join('\n'));
    assert.deepEqual([file!.start, file!.end, file!.offset, file!.path, file!.executable, file!.shared], [0x555555554000, 0x555555556000, 0x1000, '/usr/bin/a b', true, false]);
    assert.deepEqual([deleted!.path, deleted!.deleted, deleted!.shared], ['/memfd:x', true, true]);
    assert.deepEqual([anonymous!.path, anonymous!.readable], ['', false]);
    assert.equal(special!.path, '[vdso]');
  });

  it('never throws on what it does not understand', () => {
    fc.assert(fc.property(fc.string(), (text) => {
      parseMaps(text);
      parseFdinfo(text);
      parseStatus(text);
      parseStackLimit(text);
    }));
  });
});
