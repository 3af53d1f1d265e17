/** Debian's `tracer` collects the events of programs on our VM, and writes them as on PVM 3.4.6. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { useLab } from '../lab/lab.js';
import { skip } from '../lab/skip.js';
import { until } from '../lab/wait.js';

const tracer = '/usr/bin/tracer';
const program = '/usr/bin/hello.pvm';

describe('tracer', function () {
  this.timeout(60_000);
  before(function () {
    for (const [path, pack] of [[tracer, 'pvm-dev'], [program, 'pvm-examples']] as const) if (!existsSync(path)) skip(this, `Debian's ${pack} not installed`);
  });
  const lab = useLab({ nodes: 2, path: ['/usr/bin'] });

  it('collects the events of hello and of the task that it spawns', async () => {
    const file = join(lab().directory, 'events');
    // Its commands come by a fifo that stays open as long as it lives.
    const script = `mkfifo commands; ${tracer} -T ${file} full < commands & exec 3> commands; echo 'trace *' >&3; wait`;
    const collector = lab().startShell('/bin/sh', ['-c', script], { cwd: lab().directory });
    try {
      await until('the tracer', async () => (await lab().tasks()).some((row) => ((row.flags ?? 0) & 0x800) !== 0));
      const written = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((line) => line.startsWith('"')) : []);
      const has = (event: string): boolean => written().some((line) => line.startsWith(`"${event}(`));
      const wanted = ['newtask', 'spntask', 'mytid', 'spawn', 'recv', 'initsend', 'pkstr', 'send', 'upkstr', 'exit', 'endtask'];
      // Its mask is given to tasks that enrol when it has read its command; those before make some of them only.
      await until(`events of hello: ${wanted.join(', ')}`, async () => {
        await lab().shell(program, [], { cwd: lab().directory });
        return wanted.every(has);
      }, { timeoutMs: 30_000 });
      assert.doesNotMatch(collector.stdout + collector.stderr, /missing/i); // what fields are called comes before what they hold
    } finally {
      for (const row of await lab().tasks()) if ((row.flags ?? 0) & 0x800) await lab().control.signal({ tid: row.tid, signum: 15 });
      await collector.ended;
    }
  });
});
