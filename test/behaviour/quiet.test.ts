/** Messages between two tasks that are awake cost no system call: counted, not timed. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { useLab } from '../lab/lab.js';
import { run } from '../lab/process.js';
import { program } from '../lab/programs.js';
import { skip } from '../lab/skip.js';

describe('sending to a task that is awake', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 1 });

  it('makes no system call for small messages', async function () {
    if (!existsSync('/usr/bin/strace')) skip(this, 'Debian’s strace is not installed');
    const trace = join(lab().directory, 'trace');
    const result = await run('/usr/bin/strace', ['-o', trace, program('quiet')], { env: lab().env });
    if (/ptrace|not permitted/i.test(result.stderr)) skip(this, `processes cannot be traced here: ${result.stderr.trim()}`);
    assert.equal(result.code, 0, result.stderr);
    const [messages] = /quiet ok (\d+)/.exec(result.stdout)!.slice(1).map(Number);
    const calls = readFileSync(trace, 'utf8').split('\n');
    const marks = calls.flatMap((line, index) => (line.startsWith('getppid') ? [index] : []));
    assert.equal(marks.length, 2);
    const between = calls.slice(marks[0]! + 1, marks[1]);
    // The child's agent may have looked after its messages for a moment, when the machine is busy: it is woken then.
    assert.ok(between.length <= messages! / 50, `${between.length} system calls for ${messages} messages:\n${between.slice(0, 20).join('\n')}`);
  });
});
