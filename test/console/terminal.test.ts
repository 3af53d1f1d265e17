/** The console as a person at a terminal has it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { useLab } from '../lab/lab.js';
import { root } from '../lab/paths.js';
import { skip } from '../lab/skip.js';
import { Screen, terminalMissing } from './screen.js';

describe('the console at a terminal', function () {
  this.timeout(60_000);
  before(function () {
    const missing = terminalMissing();
    if (missing) skip(this, missing);
  });
  const lab = useLab({ nodes: 2, path: [join(root, 'test/console/programs')] });
  let screen: Screen;

  beforeEach(async () => {
    screen = await Screen.open({ env: { ...lab().env, HOME: lab().directory, PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` }, cwd: lab().directory });
    await screen.enter('pvm');
    await screen.shows((lines) => lines.at(-1) === 'pvm>');
  });
  afterEach(() => screen.close());

  it('asks, and shows a line once', async () => {
    await screen.enter('version');
    const lines = await screen.shows((seen) => seen.at(-1) === 'pvm>' && seen.includes('3.4.6'));
    assert.deepEqual(lines.slice(-4), ['pvmd already running.', 'pvm> version', '3.4.6', 'pvm>']);
  });

  it('remembers lines: the arrow up', async () => {
    await screen.enter('echo one');
    await screen.enter('echo two');
    await screen.shows((lines) => lines.includes('two'));
    await screen.press('Up', 'Up');
    await screen.shows((lines) => lines.at(-1) === 'pvm> echo one');
    await screen.type(' more');
    await screen.press('Enter');
    await screen.shows((lines) => lines.includes('one more'));
  });

  it('forgets the line at Ctrl-C, and stays', async () => {
    await screen.type('echo gone');
    await screen.shows((lines) => lines.at(-1) === 'pvm> echo gone');
    await screen.press('C-c');
    await screen.shows((lines) => lines.at(-1) === 'pvm>');
    await screen.enter('echo stays');
    const lines = await screen.shows((seen) => seen.includes('stays'));
    assert.ok(!lines.includes('gone') && !lines.includes('gonestays'), lines.join('\n'));
  });

  it('completes commands and hosts at Tab', async () => {
    await screen.type('vers');
    await screen.press('Tab');
    await screen.shows((lines) => lines.at(-1) === 'pvm> version');
    await screen.press('Enter');
    await screen.shows((lines) => lines.includes('3.4.6'));
    await screen.type('mstat ');
    await screen.press('Tab');
    await screen.shows((lines) => lines.at(-1) === 'pvm> mstat n');
    await screen.press('Tab');
    await screen.shows((lines) => lines.some((line) => /^n1\s+n2$/.test(line)));
    await screen.type('2');
    await screen.press('Enter');
    await screen.shows('n2  ok');
  });

  it('shows what jobs print above the line that is being typed', async () => {
    await screen.enter('spawn -> waits');
    await screen.shows('] waiting');
    await screen.type('echo ha');
    await screen.shows((lines) => lines.at(-1) === 'pvm> echo ha');
    const tid = (await screen.lines()).find((line) => /^t[0-9a-f]+$/.test(line)) ?? '';
    await lab().cli(['kill', tid]);
    const lines = await screen.shows((seen) => seen.includes('[1] finished') && seen.at(-1) === 'pvm> echo ha');
    assert.deepEqual(lines.slice(-4), [`[1:${tid}] ended by TERM`, `[1:${tid}] EOF`, '[1] finished', 'pvm> echo ha']);
    await screen.type('lf');
    await screen.press('Enter');
    await screen.shows((seen) => seen.includes('half'));
  });

  it('lends the terminal to the verbs of mpvm, and takes it back', async () => {
    await screen.enter('cordon n2 --reason "a test"');
    await screen.shows('node/n2 cordoned');
    await screen.shows((lines) => lines.at(-1) === 'pvm>');
    await screen.type('unc');
    await screen.press('Tab');
    await screen.type('n2');
    await screen.press('Enter');
    await screen.shows('node/n2 uncordoned');
    await screen.shows((lines) => lines.at(-1) === 'pvm>');
  });

  it('leaves at Ctrl-D, the terminal as it was', async () => {
    await screen.press('C-d');
    await screen.shows((lines) => lines.at(-1) === 'shell>');
    const lines = await screen.lines();
    assert.deepEqual(lines.slice(-5), ['pvm> quit', '', 'Console: exit handler called', 'pvmd still running.', 'shell>']);
    await screen.enter('stty -a');
    await screen.shows(' icanon');
  });

  it('ends with the virtual machine that somebody else halts, the terminal as it was', async () => {
    const other = await lab().cli(['nodes']);
    assert.equal(other.code, 0);
    const task = (await lab().tasks()).find((row) => row.console);
    assert.ok(task);
    process.kill(task.pid ?? 0, 'SIGTERM'); // as the daemon does when it stops
    await screen.shows((lines) => lines.at(-1)?.startsWith('shell>') === true);
    await screen.enter('stty -a');
    await screen.shows(' icanon');
  });
});
