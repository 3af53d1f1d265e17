/**
 * What a program sees when it adds and deletes hosts, side by side: PVM 3.4.6 and mpvm on the same two machines of
 * the lab, through the same remote shell, told the same by the same program.
 */
import { equal } from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Conversation } from '../lab/conversation.js';
import { useNamespaces } from '../lab/namespaces.js';
import { build, root } from '../lab/paths.js';
import { mustRun } from '../lab/process.js';
import { skip } from '../lab/skip.js';
import { judgeMissing } from '../differential/judge.js';

describe('adding and deleting hosts as PVM 3.4.6 does', function () {
  this.timeout(180_000);
  const judged = join(build, 'test/judge/hosts');
  before(async function () {
    const missing = judgeMissing();
    if (missing !== undefined) skip(this, missing);
    mkdirSync(join(build, 'test/judge'), { recursive: true });
    await mustRun('make', ['-s', '-C', join(root, 'test/programs'), 'JUDGE=1', judged.replace(root, '../..')], { timeoutMs: 120_000 });
  });
  const lab = useNamespaces(3);

  /** The same for both; what may differ (tids) is masked. */
  async function session(talk: Conversation): Promise<string> {
    const [one, two, three] = lab().machines.map(({ address }) => address) as [string, string, string];
    const lines = [
      'conf', 'watch-add -1',
      `add ${one}`, `add ${two} sp=500 lo=bob`, 'notice 10', 'conf', `mstat ${two}`, `mstat ${three}`, 'mstat nobody',
      `add ${two}, ${two}`, `add 10.1.1.1, ${three} zz=1, ${three} word`, `add &${three}, *${three}, #${three}`,
      `add ${three}, ${three}, ${two}`, 'notice 10', 'conf', `watch-host ${two}`, `watch-host ${three}`,
      `delete nobody, ${two}, ${two}`, 'notice 10', 'notice 1', 'conf', `mstat ${two}`,
      `delete ${two}`, `delete ${one}`, `delete ${three} sp=1`, `delete ${three}`, 'notice 10',
      `add named ip=${two} wd=/tmp ep=/bin:/usr/bin bx=/bin/true`, 'notice 10', 'conf', 'delete named', 'conf',
    ];
    const transcript: string[] = [];
    for (const line of lines) transcript.push(`${line} -> ${(await talk.ask(line, 60_000)).replace(/t[0-9a-f]+/g, '<tid>')}`);
    await talk.end();
    return transcript.join('\n');
  }

  it('sees the same, word by word', async () => {
    const [master] = lab().machines;
    const env = { PVM_ROOT: '/usr/lib/pvm3', PVM_ARCH: 'LINUX64', PVM_TMP: lab().vms, PVM_ALLOW_ROOT: '1', HOME: lab().vms, LD_LIBRARY_PATH: '' };
    // The console starts the daemon and leaves it behind.
    const console_ = await master!.run(['/usr/bin/pvm', `-n${master!.address}`], { env, input: 'quit\n', timeoutMs: 30_000 });
    equal(console_.code, 0, console_.stderr);
    lab().rshEnv = env;
    const theirs = await session(new Conversation(master!.begin([judged], { env, talk: true, timeoutMs: 170_000 })));
    await master!.run(['/usr/bin/pvm'], { env, input: 'halt\n', timeoutMs: 20_000 });
    lab().rshEnv = {};

    const hostfile = join(lab().directory, 'hostfile');
    writeFileSync(hostfile, `# the first one, called as PVM calls it\n${master!.address}\n`);
    await master!.mpvm('up', '--hostfile', hostfile);
    const ours = await session(master!.talk('hosts'));
    await master!.mpvm('down');
    equal(ours, theirs);
  });
});
