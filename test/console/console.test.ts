/** The console as a part of a virtual machine of ours: what PVM's own behaviour says nothing about. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab, useLab } from '../lab/lab.js';
import { processesOf } from '../lab/leftovers.js';
import { root } from '../lab/paths.js';
import { run } from '../lab/process.js';
import { until } from '../lab/wait.js';
import { Dialogue } from './dialogue.js';

const pvm = join(root, 'bin/pvm');
const programs = join(root, 'test/console/programs');

function open(lab: Lab, env: Record<string, string> = {}): Dialogue {
  return new Dialogue(pvm, [], { env: { ...lab.env, HOME: lab.directory, ...env }, cwd: lab.directory });
}
async function talk<T>(dialogue: Dialogue, work: (dialogue: Dialogue) => Promise<T>): Promise<T> {
  try {
    return await work(dialogue);
  } finally {
    dialogue.kill();
  }
}

describe('the console starts and halts a virtual machine', function () {
  this.timeout(60_000);
  let directory: string;
  let env: Record<string, string | undefined>;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mpvm-console-'));
    env = { ...process.env, MPVM_DIR: directory, MPVM_NAME: 'cons', HOME: directory };
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('starts one where none is, finds it the next time, and halts it so that nothing is left', async () => {
    const first = await run(pvm, [], { env, input: 'conf\n' });
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^pvm> conf\n1 host, 1 data format\n/);
    assert.match(first.stdout, /pvm> quit\n\nConsole: exit handler called\npvmd still running\.\n$/);
    const second = await run(process.execPath, [join(root, 'bin/mpvm'), 'console'], { env, input: 'id\nhalt\necho never\n' });
    assert.match(second.stdout, /^pvmd already running\.\npvm> id\nt[0-9a-f]+\npvm> halt\n$/);
    assert.equal(second.signal, 'SIGTERM');
    assert.deepEqual(processesOf(directory), []);
    assert.deepEqual(existsSync(directory) ? readdirSync(directory) : [], []);
  });

  it('commands that come in one piece are all done, blank ones and wrong ones between them too', async () => {
    const { stdout } = await run(pvm, [], { env, input: '# first\n\necho a\nnosuch\necho "b\necho c' });
    assert.match(stdout, /^pvm> # first\npvm> \npvm> echo a\na\npvm> nosuch\nnosuch: not found\npvm> echo "b\nunmatched "\ncommand too long\npvm> c\npvm> quit\n/);
    const halted = await run(pvm, [], { env, input: 'halt\n' });
    assert.equal(halted.signal, 'SIGTERM');
  });
});

describe('the console in a virtual machine', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 2, path: [programs] });

  it('is `pvm` in the environment that mpvm env makes, and where PVM_ROOT has it', async () => {
    const script = `eval "$('${process.execPath}' '${join(root, 'bin/mpvm')}' env)"; echo version | pvm; echo version | "$PVM_ROOT/lib/pvm"; echo conf | pvm -nother -d0x1 nofile`;
    const { stdout, stderr, code } = await run('/bin/sh', ['-c', script], { env: { ...lab().env, HOME: lab().directory } });
    assert.equal(code, 0, stderr);
    assert.equal([...stdout.matchAll(/^pvmd already running\.\npvm> (version\n3\.4\.6|conf\n2 hosts, 1 data format)$/gm)].length, 3, stdout + stderr);
  });

  it('spawns over all hosts, lists its own first, and shows all output', async () => {
    await talk(open(lab()), async (dialogue) => {
      assert.match(await dialogue.say('spawn -4 -> waits'), /\[1\]\n4 successful\n(t[0-9a-f]+\n){4}/);
      await dialogue.printed(/(waiting[^]*){4}/);
      const hosts = (text: string): string[] => [...text.matchAll(/^ +(n\d) /gm)].map((match) => match[1]!);
      assert.deepEqual(hosts(await dialogue.say('ps -a')), ['n1', 'n1', 'n2', 'n2']);
      assert.deepEqual(hosts(await dialogue.say('ps')), ['n1', 'n1']);
      assert.deepEqual(hosts(await dialogue.say('ps -nn2')), ['n2', 'n2']);
      assert.match(await dialogue.say('jobs'), /^ 1:( t[0-9a-f]+){4}$/m);
      await dialogue.say('reset');
      await dialogue.printed('[1] finished');
      assert.deepEqual(hosts(await dialogue.say('ps -a')), []);
    });
  });

  it('its tasks move, and their output still comes', async () => {
    await talk(open(lab()), async (dialogue) => {
      const tid = /^(t[0-9a-f]+)$/m.exec(await dialogue.say('spawn -n1 -> printer 1000000 20000'))?.[1] ?? '';
      assert.notEqual(tid, '');
      await until('its first line', () => dialogue.since.includes(`[1:${tid}] `));
      assert.match(await dialogue.say(`migrate ${tid} --to n2`), /migrated to n2/);
      await until('a line from the other node', () => dialogue.since.includes(`[1:${tid}] `));
      assert.match(await dialogue.say('ps -a'), new RegExp(`n2 +${tid.slice(1)} `));
      await dialogue.say(`kill ${tid}`);
      await dialogue.printed('[1] finished');
    });
  });

  it('is a task that holds no work: it keeps no node from being emptied, and does not move', async () => {
    await talk(open(lab()), async (dialogue) => {
      const tid = /^(t[0-9a-f]+)$/m.exec(await dialogue.say('id'))?.[1] ?? '';
      const moved = await lab().cli(['migrate', tid, '--to', 'n2']);
      assert.match(moved.stderr, /is a console/);
      assert.match(await dialogue.say('drain n1'), /node\/n1 drained/);
      assert.match(await dialogue.say('uncordon n1'), /node\/n1 uncordoned/);
    });
  });

  it('two consoles see each other, and neither counts as the other', async () => {
    await talk(open(lab()), async (one) => {
      const id = /^t([0-9a-f]+)$/m.exec(await one.say('id'))?.[1] ?? '';
      await talk(open(lab()), async (two) => {
        assert.match(await two.say('ps'), new RegExp(`^ +n1 +${id} +4/c - +$`, 'm'));
        assert.match(await two.say('ps -x'), /\(cons\)/);
        await two.say('reset');
        assert.equal((await one.say('echo still')).includes('still\n'), true);
      });
    });
  });

  it('comes back with its id when its daemon is started again', async () => {
    await talk(open(lab()), async (dialogue) => {
      const id = await dialogue.say('id');
      await lab().killDaemon('n1');
      await lab().restart('n1');
      await until('an answer', async () => /^1 host|^2 hosts/m.test(await dialogue.say('conf')));
      assert.equal(await dialogue.say('id'), id);
    });
  });

  it('is told of hosts that come', async () => {
    await talk(open(lab()), async (dialogue) => {
      await dialogue.say('conf');
      const grown = await lab().cli(['up', '--nodes', '3']);
      assert.equal(grown.code, 0, grown.stderr);
      await dialogue.printed(/\nConsole: 1 new host added\n +HOST +DTID +ARCH +SPEED\n +n3 +c0000 +LINUX64 +1000\n/);
    });
  });
});
