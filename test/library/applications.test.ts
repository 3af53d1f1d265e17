/**
 * Programs of others, as Debian packages them, linked with its PVM: they run on mpvm as they are, and
 * their tasks move while they work.
 */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { useLab } from '../lab/lab.js';
import { skip } from '../lab/skip.js';
import { until } from '../lab/wait.js';

/**
 * A timetable for tablix2: every teacher twice a week in every class, hardly more rooms and hours than
 * needed. Its genetic algorithm is not done with that before somebody stops it.
 */
function timetable(teachers: number): string {
  const events: string[] = [];
  for (let teacher = 1; teacher <= teachers; teacher++) {
    for (let pupils = 1; pupils <= teachers; pupils++) {
      const name = `E${teacher}x${pupils}`;
      events.push(`<event name="${name}" repeats="2"><resource type="teacher" name="T${teacher}"/><resource type="class" name="C${pupils}"/></event>`);
    }
  }
  const people = (type: string, letter: string): string => `<resourcetype type="${type}"><linear name="${letter}#" from="1" to="${teachers}"/></resourcetype>`;
  return `<?xml version="1.0" encoding="iso-8859-1"?>
<ttm version="0.2.0">
  <info><title>School</title><address>Here</address><author>mpvm</author></info>
  <modules><module name="sametime" weight="60" mandatory="yes"/><module name="timeplace" weight="60" mandatory="yes"/></modules>
  <resources>
    <constant>${people('teacher', 'T')}${people('class', 'C')}</constant>
    <variable>
      <resourcetype type="room"><linear name="R#" from="1" to="11"/></resourcetype>
      <resourcetype type="time"><matrix width="5" height="6"/></resourcetype>
    </variable>
  </resources>
  <events>${events.join('\n')}</events>
</ttm>
`;
}

describe('packaged programs', function () {
  this.timeout(120_000);
  const lab = useLab({ nodes: 3, path: ['/usr/bin'] });

  it('NetPIPE measures the message plane', async function () {
    const program = '/usr/bin/NPpvm';
    if (!existsSync(program)) skip(this, 'netpipe-pvm not installed');
    const args = ['-u', '4096', '-n', '20', '-o', join(lab().directory, 'netpipe')];
    const options = { cwd: lab().directory, timeoutMs: 60_000 };
    const receiver = lab().startShell(program, args, options);
    // It can be found once it is a task.
    await until('the receiver is a task', async () => (await lab().tasks()).length > 0);
    const { code, stdout, stderr } = await lab().shell(program, ['-h', 'localhost', ...args], options);
    assert.equal(code, 0, stderr);
    assert.match(`${stdout}${stderr}`, /4099 bytes +20 times --> +\d/);
    assert.equal((await receiver.ended).code, 0);
  });

  it('Tablix: its kernels exchange populations while they move', async function () {
    if (!existsSync('/usr/bin/tablix2')) skip(this, 'tablix2 not installed');
    const problem = join(lab().directory, 'school.xml');
    writeFileSync(problem, timetable(12));
    const master = lab().startShell('/usr/bin/tablix2', ['-n', '2', '-d', '3', '-o', join(lab().directory, 'school-'), problem], { cwd: lab().directory, timeoutMs: 110_000 });
    try {
      const kernels = async (): Promise<number[]> => (await lab().tasks()).filter(({ program }) => program?.endsWith('tablix2_kernel')).map(({ tid }) => tid ?? 0);
      await until('two kernels', async () => (await kernels()).length === 2);
      const tids = await kernels();
      const nodes = await lab().nodeNames();
      for (let hop = 0; hop < 3; hop++) {
        const before = master.stdout.length;
        for (const tid of tids) {
          const at = nodes.indexOf((await lab().task(tid))?.node ?? '');
          await lab().move(tid, nodes[(at + 1) % nodes.length]!);
        }
        // Which of them has the best timetable of a second varies; that one is heard of.
        await until('reports after the moves', () => /\] reports [^]*\] reports /.test(master.stdout.slice(before)), { timeoutMs: 30_000 });
      }
      // As Ctrl-C: each kernel hands over its population, and without a perfect timetable the exit code is 1.
      master.kill('SIGINT');
      const { code, stdout, stderr } = await master.ended;
      assert.equal(code, 1, `${stdout}${stderr}`);
      for (const tid of tids) assert.match(stderr, new RegExp(`receiving population from ${tid.toString(16)}\\n`));
      for (const number of [0, 1]) assert.ok(statSync(join(lab().directory, `school-save${number}.txt`)).size > 1000);
    } finally {
      master.kill('SIGKILL');
    }
  });
});
