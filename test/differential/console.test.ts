/**
 * The same commands to Debian's console and to ours: what they print must be the same. Help texts
 * are our own, and so are the names of our commands that PVM does not have.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { converse } from '../console/dialogue.js';
import type { Spoken, Step } from '../console/dialogue.js';
import { root } from '../lab/paths.js';
import { useContest } from './contest.js';
import type { Side } from './judge.js';
import { normalise } from './normalise.js';

const programs = join(root, 'test/console/programs');
/** Debian's writes a line at a time into a pipe only when it is told to: otherwise what comes by itself is seen at the next prompt. */
const consoles = { judge: { file: '/usr/bin/stdbuf', args: ['-oL', '/usr/bin/pvm'] }, ours: { file: join(root, 'bin/pvm'), args: [] } };
const finished = { await: 'finished\n' };

interface Script {
  title: string;
  /** HOST stands for the name of the one host, FILE for one of its own, TASK for the task id printed last. */
  steps: Step[];
  /** Tasks speak in any order. */
  sorted?: boolean;
  /** ~/.pvmrc */
  startFile?: string;
  env?: Record<string, string>;
}

const scripts: Script[] = [
  { title: 'id, version, conf, jobs, alias of a new console', steps: ['id', 'version', 'conf', 'jobs', 'jobs -l', 'alias'] },
  { title: 'wrong numbers of arguments', steps: ['id x', 'version x', 'conf x', 'halt x', 'quit x', 'mstat', 'pstat', 'kill', 'sig', 'sig 9', 'add', 'delete', 'spawn', 'unalias', 'setopt', 'setopt PvmRoute', 'getopt a b', 'help a b', 'names a b', 'put', 'put a', 'put a b', 'put a b c d', 'ps a b', 'jobs a b', 'reset info a b c'] },
  { title: 'unknown commands', steps: ['nosuch', 'nosuch with words', 'ECHO x', 'ec hi', ';echo', '!ls', '"" x'] },
  { title: 'words: white space, quotes, backslashes, comments', steps: [
    'echo hi  there "quoted  text" \'single  q\' a\\ b', 'echo a"b"c', "echo 'a\\'", 'echo \\\\x', 'echo \\x \\$ \\" \\\'', 'echo "" x', "echo '' x", 'echo x "" y',
    'echo "a\\tb" "a\\\\b"', 'echo "a\'b" \'a"b\'', 'echo x#y', 'echo #y', 'echo "#z" \\#w', 'echo \'a b\'"c d"e\\ f', '"echo" hi', 'ec"ho" hi', 'id # c', '# all of it', '', '   ', '  echo lead', 'echo a\tb',
    'echo $HOME ${HOME} "$HOME" x$HOMEy', 'echo a; echo b', 'echo "c;d" *',
  ] },
  { title: 'quotes that do not end', steps: ['echo "a', 'echo after', "echo 'a", 'echo "a\\"b"', 'echo a\\', 'echo after'] },
  { title: 'how many words a command may have', steps: [126, 127, 300].map((count) => `echo ${'a '.repeat(count).trim()}`) },
  { title: 'aliases', steps: [
    'alias ll ps -l', 'alias ll', 'll', 'll -a', 'alias x echo one $HOME', 'x two', 'alias x', 'alias echo echo X', 'echo y', 'unalias echo', 'echo z', 'unalias nosuch', 'unalias ll x', 'alias',
    'alias q "echo a b"', 'q', 'alias z "  spaced   out"', 'z', 'alias', 'alias ps pstat', 'ps', 'alias b a', 'alias a c', 'alias', "alias '' echo", 'alias ? id', '?',
  ] },
  { title: 'aliases of aliases, and loops', steps: ['alias a b', 'alias b c', 'alias c echo deep', 'a 1', 'alias x y', 'alias y y z', 'x 1', 'alias l m', 'alias m l', 'l', 'echo still'] },
  { title: 'setenv', steps: ['setenv CONSOLE_A', 'setenv CONSOLE_A bar', 'setenv CONSOLE_A', 'echo $CONSOLE_A', 'setenv CONSOLE_A bar baz', 'setenv CONSOLE_A', 'setenv CONSOLE_A ""', 'setenv CONSOLE_A', 'setenv "x y" z', 'setenv "x y"'] },
  { title: 'export and unexport', steps: [
    'export', 'export CONSOLE_A HOME', 'export', 'export CONSOLE_A', 'export', 'unexport CONSOLE_A', 'export', 'unexport NOSUCH', 'unexport', 'export', 'setenv PVM_EXPORT', 'setenv PVM_EXPORT A:B', 'export', 'export C', 'export', 'unexport A B C', 'export', 'setenv PVM_EXPORT',
  ] },
  { title: 'what is exported reaches the tasks', steps: ['setenv CONSOLE_A one', 'setenv CONSOLE_B two', 'spawn -> told x', finished, 'export CONSOLE_B', 'spawn -> told y', finished, 'export CONSOLE_A', 'spawn -> told', finished] },
  { title: 'getopt and setopt', steps: [
    'getopt', 'getopt PvmRoute', 'getopt route', 'getopt foo', 'setopt route 3', 'setopt PvmRoute 1', 'setopt PvmRoute 3', 'setopt pvmroute 1', 'setopt PvmFragSize 10', 'setopt PvmRoute zzz', 'setopt PvmRoute 0x2', 'getopt PvmRoute', 'setopt PvmNoReset 1', 'getopt PvmNoReset',
    'setopt PvmOutputTid 5', 'setopt PvmOutputTid -1', 'setopt PvmSelfOutputContext 1', 'setopt PvmSelfTraceContext 1', 'setopt PvmOutputContext 4', 'setopt PvmSelfOutputTid 7', 'setopt PvmTraceTid 7', 'setopt PvmTraceOptions 9', 'setopt PvmTraceOptions 2', 'setopt PvmShowTids 7', 'setopt PvmTraceBuffer -5', 'setopt PvmResvTids 0', 'getopt', 'setopt PvmSelfOutputCode 3', 'setopt PvmOutputCode 5', 'setopt PvmSelfTraceCode 4', 'setopt PvmTraceCode 6', 'getopt',
  ] },
  { title: 'PvmAutoErr: errors are printed, or not', steps: ['pstat zz', 'setopt PvmAutoErr 0', 'pstat zz', 'kill zz', 'setopt PvmAutoErr 1', 'kill zz'] },
  { title: 'ps and its flags', steps: ['ps', 'ps -a', 'ps -x', 'ps -ax', 'ps -l', 'ps -alx', 'ps -h', 'ps -h40000', 'ps -nHOST', 'ps -nfoo', 'ps -h80000', 'ps -z', 'ps foo', 'ps -hzz', 'ps -xhl', 'ps -'] },
  { title: 'mstat and pstat', steps: ['mstat HOST', 'mstat HOST foo .', 'pstat t40001', 'pstat t3ffff 4ffff', 'pstat zz', 'pstat 0 -1 80000000 40000 7fffffff'] },
  { title: 'spawn: what it says', steps: ['spawn nosuch', 'spawn -3 nosuch', 'spawn lines', 'spawn -2 lines', 'spawn -12abc lines 0', 'spawn -0 lines', 'spawn -x', 'spawn -3', 'spawn -> ', 'spawn -HOST lines', 'spawn -nohost lines', 'spawn -LINUX64 lines', 'spawn -SUN4 lines', 'spawn --host=nohost lines', 'spawn - lines', 'spawn -. lines', 'spawn ./lines', 'spawn /no/such'] },
  { title: 'jobs: numbers, output, the end', steps: ['spawn -> nosuch', 'spawn -> lines 2 x', finished, 'jobs', 'spawn -> pieces', finished, 'spawn -> waits', { await: 'waiting' }, 'jobs', 'jobs -l', 'reset', finished, 'jobs'] },
  { title: 'a job of several tasks', sorted: true, steps: ['spawn -3 -> lines 2 x', finished, 'spawn -2 -> lines 1 y', finished] },
  { title: 'a job without task ids', steps: ['setopt PvmShowTids 0', 'spawn -> lines 2 x', finished, 'setopt PvmShowTids 1', 'spawn -> lines 1 x', finished] },
  { title: 'jobs into files', steps: ['spawn ->FILE lines 2 x', finished, 'spawn ->FILE lines 2 x', 'spawn ->/no/such/file lines', 'spawn ->>FILE2 lines 2 x', finished, 'spawn -> nosuch', 'jobs'] },
  { title: 'spawn: arguments and directories', steps: ['spawn -> told a b "c d"', finished, 'spawn -:/tmp -> told', finished, 'spawn -HOST:/usr -> told', finished, 'spawn -LINUX64:/usr -> told', finished, 'spawn -.:/usr -> told', finished, 'spawn -: -> told', finished] },
  { title: 'sig, kill, and tasks that end', steps: ['spawn -> waits', { await: 'waiting' }, 'sig 10 TASK', { await: 'USR1' }, 'sig zz TASK', 'pstat TASK', 'ps -a', 'ps -al', 'kill TASK', finished] },
  { title: 'kill: wrong use', steps: ['kill zz', 'kill 0', 'kill 40000 80000000', 'kill -c', 'kill -x t40001', 'kill t3ffffff', 'sig 9 zz', 'id', 'kill TASK', 'sig 0 TASK', 'pstat TASK'] },
  { title: 'the mailbox', steps: ['names', 'put a b 3', 'put p 5 x', 'put p 5 y', 'put q 3 a', 'put q 3 b', 'put r 2 b', 'put "" 1 2', 'names', 'names p', 'names nosuch', 'names [pq]', 'names p*', 'names *q', 'names *', 'reset info p', 'names p'] },
  { title: 'the mailbox after its owner, and reset info', steps: ['names', 'put p 1 z', 'put q 1 z', 'names', 'reset info q 0', 'names', 'reset info p 5', 'reset info nosuch', 'reset info', 'names', 'reset foo'] },
  { title: 'reset', steps: ['spawn -2 waits', 'reset', { await: 'pvm> ' }, 'names'] },
  { title: 'PvmNoReset is an entry of the mailbox', steps: ['names', 'setopt PvmNoReset 0', 'names', 'setopt PvmNoReset 1', 'names', 'setopt PvmNoReset 1', 'names'] },
  { title: 'trace', steps: ['trace', 'trace - *', 'trace', 'trace send pvm_recv', 'trace', 'trace SEND', 'trace + mytid', 'trace - send', 'trace', 'trace -', 'trace +', 'trace + *', 'trace xpvm', 'trace', 'trace buf', 'trace buf 100', 'trace buf', 'trace buf zz', 'trace opt', 'trace opt count', 'trace opt', 'trace opt foo', 'trace opt time', 'trace opt'] },
  { title: 'what tasks are told of tracing', steps: ['spawn -> traced', finished, 'trace - *', 'trace mytid send', 'trace buf 100', 'trace opt time', 'spawn -> traced', finished] },
  { title: '~/.pvmrc', startFile: '# a comment\nalias ll ps\n\necho from the start file\nid\nnosuch\nsetenv CONSOLE_A b\n', steps: ['alias', 'setenv CONSOLE_A'] },
  { title: 'PVM_EXPORT from the shell', env: { PVM_EXPORT: 'CONSOLE_B', CONSOLE_B: 'shell' }, steps: ['export', 'spawn -> told', finished] },
];

function place(side: Side, script: Script, name: string, directory: string): { steps: Step[]; env: Record<string, string | undefined>; cwd: string } {
  const cwd = join(directory, name);
  mkdirSync(cwd, { recursive: true });
  if (script.startFile !== undefined) writeFileSync(join(cwd, '.pvmrc'), script.startFile);
  const host = side.name.startsWith('PVM') ? 'localhost' : 'n1';
  const steps = script.steps.map((step) => (typeof step === 'string' ? step.replaceAll('HOST', host).replace('FILE', join(cwd, 'file')) : step));
  return { steps, cwd, env: { ...side.env, ...script.env, HOME: cwd } };
}

const masks: readonly (readonly [RegExp, string])[] = [
  [/^ +(localhost|n1)(?= )/gm, '<host>'],
  [/\b(localhost|n1)\b|(?<=-n)(localhost|n1)$/gm, '<host>'],
  [/.*pvm_setopt\(\): Error 0\n/g, ''], // an error that is none
  [/(<id>|-| t?[0-9a-f]{5,8}) +\d+( +\d\/[a-zA-Z,]*)/g, '$1 <pid>$2'], // ps -l
];

function shown({ stdout, stderr, code, signal }: Spoken, sorted: boolean, paths: readonly string[]): string {
  const mask = { replace: masks, paths, sorted };
  return [`exit ${code ?? signal}`, normalise(stdout, mask), '-- stderr', normalise(stderr, mask)].join('\n');
}

describe("the console prints what PVM 3.4.6's prints", function () {
  this.timeout(60_000);
  const contest = useContest({ judgePath: [programs], ourPath: [programs] });

  for (const [number, script] of scripts.entries()) {
    it(script.title, async () => {
      const { judge, ours } = contest();
      const answers: string[] = [];
      for (const side of [judge, ours]) {
        const { file, args } = side === judge ? consoles.judge : consoles.ours;
        const { steps, env, cwd } = place(side, script, `console${number}`, side === judge ? judge.directory : ours.lab.directory);
        const spoken = await converse(file, steps, { args, env, cwd });
        answers.push(shown(spoken, script.sorted ?? false, [cwd, judge.directory, process.env['HOME'] ?? '']));
      }
      assert.equal(answers[1], answers[0]);
    });
  }
});
