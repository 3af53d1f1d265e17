/** Wrong input gets one clear line with the remedy, and the exit code that the README promises. */
import { createServer } from 'node:net';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { Lab, useLab } from '../lab/lab.js';
import { run } from '../lab/process.js';
import type { Result } from '../lab/process.js';
import { build } from '../lab/paths.js';
import { program } from '../lab/programs.js';
import { until } from '../lab/wait.js';

/** Exactly one line on stderr, which says what is meant; nothing on stdout but what is allowed. */
function complains(result: Result, code: number, pattern: RegExp): void {
  assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
  const lines = result.stderr.trim().split('\n');
  assert.equal(lines.length, 1, `more than one line:\n${result.stderr}`);
  assert.match(lines[0]!, pattern);
  assert.doesNotMatch(result.stderr, /\bat \S+ \(|node:internal|undefined|\[object/);
}

describe('wrong input', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 3 });

  it('a task that does not exist', async () => {
    complains(await lab().cli(['migrate', 't40fff', '--to', 'n2']), 1, /no task t40fff/);
    complains(await lab().cli(['explain', 't40fff']), 1, /no task t40fff/);
    complains(await lab().cli(['kill', 't40fff']), 1, /no task t40fff/);
  });

  it('something that is no task id', async () => {
    for (const word of ['hello', '7', 't', '-1']) complains(await lab().cli(['migrate', '--to', 'n2', '--', word]), 2, /task id|tid/);
  });

  it('a node that does not exist', async () => {
    const [tid] = await lab().spawn('sleeper', ['nanosleep', '60000', '1']);
    complains(await lab().cli(['migrate', `t${tid!.toString(16)}`, '--to', 'n9']), 1, /no node n9/);
    complains(await lab().cli(['cordon', 'n9']), 1, /no node n9/);
    complains(await lab().cli(['drain', 'n9']), 1, /no node n9/);
    complains(await lab().cli(['run', '--node', 'n9', program('crasher'), 'exit', '0']), 1, /no (node|host) n9/);
    await lab().cli(['kill', `t${tid!.toString(16)}`]);
  });

  it('a cordoned destination', async () => {
    const nodes = await lab().nodeNames();
    const [tid] = await lab().spawn('sleeper', ['nanosleep', '60000', '1'], nodes[0]);
    assert.equal((await lab().cli(['cordon', nodes[1]!, '--reason', 'new disk'])).code, 0);
    complains(await lab().cli(['migrate', `t${tid!.toString(16)}`, '--to', nodes[1]!]), 3, /cordoned.*new disk|new disk/);
    complains(await lab().cli(['run', '--node', nodes[1]!, program('crasher'), 'exit', '0']), 3, /cordoned/);
    assert.equal((await lab().cli(['uncordon', nodes[1]!])).code, 0);
    assert.equal((await lab().cli(['migrate', `t${tid!.toString(16)}`, '--to', nodes[1]!])).code, 0);
    await lab().cli(['kill', `t${tid!.toString(16)}`]);
  });

  it('the node where the task is already', async () => {
    const nodes = await lab().nodeNames();
    const [tid] = await lab().spawn('sleeper', ['nanosleep', '60000', '1'], nodes[0]);
    complains(await lab().cli(['migrate', `t${tid!.toString(16)}`, '--to', nodes[0]!]), 2, /already/);
    await lab().cli(['kill', `t${tid!.toString(16)}`]);
  });

  it('a program that does not exist', async () => {
    complains(await lab().cli(['run', 'no-such-program']), 1, /no program no-such-program|no-such-program/);
    complains(await lab().cli(['spawn', '/no/such/program']), 1, /\/no\/such\/program/);
    complains(await lab().cli(['run', '/etc/passwd']), 1, /\/etc\/passwd/);
  });

  it('an id of a migration that does not exist', async () => {
    complains(await lab().cli(['cancel', 'm-404']), 1, /no migration m-404/);
    complains(await lab().cli(['migrations', 'm-404']), 1, /no migration m-404|m-404/);
  });

  it('wrong use: unknown commands, missing and surplus arguments', async () => {
    complains(await lab().cli(['fly']), 2, /fly/);
    complains(await lab().cli(['migrate']), 2, /missing|required/);
    complains(await lab().cli(['migrate', 't40001']), 2, /--to/);
    complains(await lab().cli(['ps', 'what']), 2, /argument/);
    complains(await lab().cli(['up', '--nodes', 'many']), 2, /whole number/);
    complains(await lab().cli(['nodes', '-o', 'xml']), 2, /xml/);
  });

  it('errors in JSON when JSON is asked for, with the same exit code', async () => {
    const result = await lab().cli(['migrate', 't40fff', '--to', 'n2', '-o', 'json']);
    assert.equal(result.code, 1);
    const text = result.stdout.trim() || result.stderr.trim();
    const value = JSON.parse(text) as { code?: string; error?: { code?: string } };
    assert.equal(value.code ?? value.error?.code, 'TASK_UNKNOWN');
  });

  it('no VM at all', async () => {
    for (const [command, ...rest] of [['ps'], ['nodes'], ['run', 'x'], ['migrate', 't40001', '--to', 'n1'], ['drain', 'n1']]) {
      complains(await lab().cli([command!, '--name', 'nowhere', ...rest]), 1, /nowhere.*mpvm up/);
    }
  });

  it('a second VM of the same name is not started beside the first', async () => {
    const result = await lab().cli(['up', '--nodes', '3']);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /already/);
    assert.equal((await lab().nodes()).length, 3);
  });
});

describe('a daemon that cannot start says why in one line', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 1 });
  const daemon = (args: string[]): Promise<Result> => run(process.execPath, [join(build, 'js/mpvmd.js'), ...args], { env: lab().env, timeoutMs: 20_000 });

  it('its port is in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.77', resolve));
    const { port } = server.address() as { port: number };
    const result = await daemon(['--name', `${lab().name}-p`, '--node', 'n1', '--address', '127.0.0.77', '--port', String(port)]);
    server.close();
    complains(result, 1, new RegExp(`port ${port} of 127\\.0\\.0\\.77 is in use`));
  });

  it('its address is not one of this machine', async () => {
    complains(await daemon(['--name', `${lab().name}-a`, '--node', 'n1', '--address', '192.0.2.1']), 2, /192\.0\.2\.1 is not an address of this machine/);
  });

  it('its node has a daemon already', async () => {
    complains(await daemon(['--name', lab().name, '--node', 'n1', '--address', '127.0.0.1']), 1, /already served by the daemon with pid \d+/);
  });

  it('the registry does not answer', async () => {
    const result = await daemon(['--name', `${lab().name}-r`, '--node', 'n2', '--address', '127.0.0.1', '--join', '127.0.0.1:1']);
    assert.equal(result.code, 1, result.stderr);
    assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
  });

  it('options it does not know', async () => {
    complains(await daemon(['--frobnicate']), 2, /frobnicate/);
  });
});

describe('a journal', function () {
  this.timeout(60_000);

  async function withJournal(change: (path: string) => void): Promise<{ result: Result; lab: Lab }> {
    const lab = await Lab.start({ nodes: 1 });
    try {
      const nodes = await lab.nodeNames();
      await lab.cli(['cordon', nodes[0]!]);
      await lab.cli(['uncordon', nodes[0]!]);
      const address = (await lab.nodes())[0]!.address ?? '';
      await lab.killDaemon(nodes[0]!);
      const path = join(lab.directory, lab.name, nodes[0]!, 'journal');
      assert.ok(existsSync(path), readdirSync(join(lab.directory, lab.name, nodes[0]!)).join(' '));
      change(path);
      const result = await run(process.execPath, [join(build, 'js/mpvmd.js'), '--name', lab.name, '--node', nodes[0]!, '--address', address], { env: lab.env, timeoutMs: 4000 });
      return { result, lab };
    } finally {
      await lab.abandon();
    }
  }

  it('that is damaged in the middle is refused, with the place', async () => {
    const { result } = await withJournal((path) => {
      const bytes = readFileSync(path);
      bytes[Math.floor(bytes.length / 3)]! ^= 0x55;
      writeFileSync(path, bytes);
    });
    complains(result, 1, /journal .* is damaged at byte \d+/);
  });

  it('that is no journal is refused', async () => {
    const { result } = await withJournal((path) => writeFileSync(path, 'not a journal at all, but long enough to be one\n'.repeat(20)));
    complains(result, 1, /journal .* is damaged/);
  });

  it('whose last record was cut off by a crash is taken up to there', async () => {
    const { result } = await withJournal((path) => truncateSync(path, readFileSync(path).length - 3));
    assert.equal(result.timedOut, true, `it should run: ${result.stderr}`);
  });
});

describe('mpvm down', function () {
  this.timeout(60_000);

  it('leaves nothing, with tasks running, moved and stopped', async () => {
    const lab = await Lab.start({ nodes: 3 });
    try {
      const nodes = await lab.nodeNames();
      const run1 = await lab.run('ring', ['6', '2000000', '5']);
      await run1.printed('ring started');
      const [tid] = await lab.spawn('sleeper', ['nanosleep', '60000', '1'], nodes[0]);
      await lab.move(tid!, nodes[2]!);
      const [stopped] = await lab.spawn('sleeper', ['nanosleep', '60000', '1'], nodes[1]);
      const row = await until('the stopped task', () => lab.task(stopped!));
      process.kill(row.pid ?? 0, 'SIGSTOP');
      await lab.stop();
    } catch (error) {
      await lab.abandon();
      throw error;
    }
  });

  it('works when a daemon was killed', async () => {
    const lab = await Lab.start({ nodes: 3 });
    try {
      const nodes = await lab.nodeNames();
      await lab.spawn('sleeper', ['nanosleep', '60000', '1'], nodes[1]);
      await lab.killDaemon(nodes[1]!);
      await lab.stop();
    } catch (error) {
      await lab.abandon();
      throw error;
    }
  });

  it('says so when there is nothing to stop', async () => {
    const lab = await Lab.start({ nodes: 1 });
    try {
      await lab.cli(['down']);
      const again = await lab.cli(['down']);
      assert.ok(again.code === 0 || again.code === 1);
      assert.equal((again.stdout + again.stderr).trim().split('\n').length, 1);
    } finally {
      await lab.abandon();
    }
  });
});
