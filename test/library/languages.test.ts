/**
 * Whatever a program is written in and however it is linked, it enrols, talks, and moves in the
 * middle of a conversation: asker.c asks it and checks each answer.
 */
import assert from 'node:assert/strict';
import { useLab } from '../lab/lab.js';
import type { TaskRun } from '../lab/task-run.js';
import { run } from '../lab/process.js';
import { skip } from '../lab/skip.js';
import { buildOne, source } from './build.js';

interface Kind {
  title: string;
  start: () => Promise<string[]>;
  /** A command without which it cannot be tried. */
  needs?: string;
}
const program = (title: string, file: string, name: string, ...flags: string[]): Kind => ({
  title,
  start: async () => [await buildOne(file, name, flags)],
  needs: file.endsWith('.f90') ? 'gfortran' : undefined,
});

const kinds: Kind[] = [
  program('C; the variables that libpvm exports stay true', 'answerer.c', 'c-shared'),
  program('C, linked with -static', 'answerer.c', 'c-static', '-static'),
  program('C, linked with -static-pie', 'answerer.c', 'c-static-pie', '-static-pie'),
  program('C, not position independent', 'answerer.c', 'c-no-pie', '-no-pie', '-fno-pic'),
  program('C++ with streams and exceptions', 'answerer.cc', 'c++-shared'),
  program('C++, linked with -static', 'answerer.cc', 'c++-static', '-static'),
  program('Fortran', 'answerer.f90', 'fortran-shared'),
  program('Fortran, linked with -static', 'answerer.f90', 'fortran-static', '-static'),
  { title: 'Python, by ctypes', start: () => Promise.resolve(['/usr/bin/python3', source('answerer.py')]), needs: '/usr/bin/python3' },
];

describe('a program that enrols, talks and moves, in', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 3 });
  let asker: string;
  before(async () => {
    asker = await buildOne('asker.c', 'asker');
  });

  async function ask(task: TaskRun, count: number): Promise<void> {
    const { code, stdout, stderr } = await lab().shell(asker, [task.tid.toString(16), String(count)]);
    assert.equal(code, 0, `${stdout}${stderr}`);
  }

  for (const { title, start, needs } of kinds) {
    it(title, async function () {
      if (needs && (await run(needs, ['--version']).catch(() => undefined))?.code !== 0) skip(this, `${needs} not installed`);
      const [file = '', ...argv] = await start();
      const task = await lab().run(file, argv);
      await task.printed('ready');
      const nodes = await lab().nodeNames();
      const at = nodes.indexOf((await lab().task(task.tid))?.node ?? '');
      await ask(task, 50);
      for (let hop = 1; hop <= 3; hop++) {
        await Promise.all([ask(task, 200), lab().move(task.tid, nodes[(at + hop) % nodes.length]!)]);
        await ask(task, 50);
      }
      await ask(task, -1);
      assert.match(await task.success(), /served 800/);
    });
  }
});
