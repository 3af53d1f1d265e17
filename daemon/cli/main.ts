/**
 * The one command. Declares the commands and their options; what a command does is in its own
 * file, loaded when it is asked for, so that `mpvm --help` and `mpvm ps` start alike fast.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { exitWith, reportAndExit } from './exit.js';
import { Session } from './session.js';
import type { CommonOptions } from './session.js';

// Commander hands over what a usage line names, as strings, and then the options: the pairing is checked by the tests.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Action = (session: Session, ...rest: any[]) => Promise<number>;

const program = new Command('mpvm')
  .description('Live migration for PVM programs: tasks that move between machines while they run.')
  .version('0.1.0')
  .enablePositionalOptions()
  .showSuggestionAfterError()
  .configureHelp({ showGlobalOptions: false })
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

/** A command with the options that all have; `load` returns the function that does it. */
function command(usage: string, description: string, load: () => Promise<Action>): Command {
  return program
    .command(usage)
    .description(description)
    .addOption(new Option('-o, --output <format>', 'table for people, json for programs').choices(['table', 'json']).default('table'))
    .option('--json', 'the same as -o json')
    .option('--name <vm>', 'the VM meant (default: $MPVM_NAME, else "default")')
    .action(async (...parameters: unknown[]) => {
      parameters.pop(); // the command itself
      const options = parameters.pop() as CommonOptions;
      const session = new Session(options);
      try {
        exitWith(await (await load())(session, ...parameters, options));
      } catch (error) {
        reportAndExit(error, session.json);
      }
    });
}

const count = (least: number) => (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`It must be a whole number, at least ${least}.`);
  return value;
};
const seconds = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  if (!match) throw new InvalidArgumentError('It must be a number of seconds, such as 30, 90s, 5m or 1h.');
  return Math.ceil(Number(match[1]) * ({ s: 1, m: 60, h: 3600 }[match[2] ?? 's'] ?? 1));
};
const secondsOrNone = (text: string): number => (text === '0' ? 0 : seconds(text));
const number = (what: string, good: (value: number) => boolean) => (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !good(value)) throw new InvalidArgumentError(`It must be ${what}.`);
  return value;
};
const fraction = number('a number between 0 and 1', (value) => value > 0 && value < 1);
const factor = number('a number from 0 on', (value) => value >= 0);
const positive = number('a number above 0', (value) => value > 0);
const percent = number('a number from 0 to 100', (value) => value >= 0 && value <= 100);
const trackings = () => new Option('--tracking <way>', 'how it is found what the task writes meanwhile (default: the best that the kernel can do)').choices(['userfaultfd', 'soft-dirty', 'compare', 'none']);
const engines = () => new Option('--engine <engine>', 'what moves it').choices(['auto', 'native', 'criu']).default('auto');

command('demo', 'the main job, end to end, on this machine', async () => (await import('./demo.js')).demo)
  .option('--keep', 'leave the VM up to play with')
  .option('--seconds <s>', 'how long the program should run unmoved', count(2), 8);

command('up', 'start a VM on this machine, or add nodes to it', async () => (await import('./up.js')).up)
  .option('--nodes <n>', 'how many nodes it shall have', count(1), 1)
  .option('--address <address>', 'an address of this machine that the other machines reach (default: a loopback address)')
  .option('--hostfile <file>', 'start nodes on the hosts of a PVM hostfile')
  .option('--detach', 'do not wait for those hosts')
  .option('--cpu-baseline', 'new tasks use what the processors of all nodes have in common (of a VM that is started)')
  .option('--lab', 'each node on a machine of its own, made of namespaces: for trying and testing (root)')
  .option('--delay <ms>', 'lab: how long a packet is under way', positive)
  .option('--loss <percent>', 'lab: how many packets are lost', percent)
  .option('--reorder <percent>', 'lab: how many packets overtake others', percent)
  .option('--rate <mbit>', 'lab: what a line carries, in Mbit/s', count(1));
command('lab <verb> <node...>', 'pull the cables of nodes of a lab (cut), or put them back (mend)', async () => (await import('./lab.js')).lab);
command('down', 'stop a VM: its tasks, its daemons, its files', async () => (await import('./down.js')).down);

command('token', 'what another machine needs to join', async () => (await import('./token.js')).token)
  .option('--ttl <time>', 'how long it is good, such as 10m or 24h (default: 1h)', seconds)
  .option('--reusable', 'for any number of machines')
  .option('--node <node>', 'only for a node of this name')
  .option('--list', 'those that have not expired')
  .option('--revoke <id>', 'make one useless');
command('join <token>', 'make this machine a node of a VM ("-": the token is read from stdin)', async () => (await import('./join.js')).join)
  .option('--node <node>', 'the name of the node (default: the host name)')
  .option('--address <address>', 'the address that others reach it at (default: the one that leads to the VM)');
command('leave', "move this machine's tasks away, and take its node out of the VM", async () => (await import('./hosts.js')).leave)
  .option('--node <node>', 'which, if there are several here')
  .option('--force', 'end tasks that cannot be moved')
  .option('--deadline <s>', 'for moving the tasks', seconds)
  .option('--reason <text>', 'why; goes into the logs');
command('add [host...]', 'start nodes on other machines, through ssh or $PVM_RSH; a host may have options, as "h2 dx=/opt/mpvm/bin/mpvm"', async () => (await import('./hosts.js')).add)
  .option('--hostfile <file>', 'the hosts of a PVM hostfile');
command('delete <node...>', 'move the tasks of nodes away, and take them out of the VM', async () => (await import('./hosts.js')).deleteNodes)
  .option('--force', 'end tasks that cannot be moved')
  .option('--deadline <s>', 'for moving the tasks', seconds)
  .option('--reason <text>', 'why; goes into the logs');

command('nodes', 'the nodes of the VM', async () => (await import('./nodes.js')).nodes);
command('ps', 'the tasks of the VM', async () => (await import('./ps.js')).ps)
  .option('--node <node>', 'only those on this node');
command('top', 'nodes, tasks and moves, live', async () => (await import('./top.js')).top)
  .option('--interval <s>', 'seconds between two looks', count(1), 1)
  .addOption(new Option('--sort <order>', 'which tasks come first').choices(['cpu', 'rss', 'node', 'tid']).default('cpu'));

command('run <program> [arguments...]', 'start a program, show its output, wait; ends with its exit code', async () => (await import('./run.js')).run)
  .option('-n, --count <n>', 'how many tasks', count(1), 1)
  .option('--node <node>', 'where (default: PVM places them in turn)')
  .option('--cpu-baseline', 'use what the processors of all nodes have in common')
  .passThroughOptions();
command('spawn <program> [arguments...]', 'start a program and print the ids of its tasks', async () => (await import('./spawn.js')).spawn)
  .option('-n, --count <n>', 'how many tasks', count(1), 1)
  .option('--node <node>', 'where (default: PVM places them in turn)')
  .option('--cpu-baseline', 'use what the processors of all nodes have in common')
  .addOption(engines())
  .passThroughOptions();
command('kill <tid...>', 'end tasks (SIGTERM)', async () => (await import('./kill.js')).kill)
  .option('-s, --signal <signal>', 'another signal: a name or a number', 'TERM');

command('migrate <tid...>', 'move tasks to another node while they run', async () => (await import('./migrate.js')).migrate)
  .requiredOption('--to <node>', 'where to')
  .addOption(engines())
  .option('--max-downtime <ms>', 'how long the task may stand still (default: 20)', count(1))
  .addOption(new Option('--on-no-convergence <policy>', 'when it writes faster than its memory can be sent: stop it for as long as the rest takes, slow it down, or leave it').choices(['freeze', 'throttle', 'abort']).default('freeze'))
  .addOption(trackings())
  .option('--deadline <s>', 'give up after this time; the task then runs on where it is', seconds);
command('explain <tid>', 'can this task move, and if not, why', async () => (await import('./explain.js')).explain)
  .option('--to <node>', 'judge this destination, not any')
  .addOption(engines());
command('migrations [id]', 'moves so far and under way; with an id, its timeline', async () => (await import('./migrations.js')).migrations);
command('cancel <id>', 'stop a move; the task runs on where it is', async () => (await import('./cancel.js')).cancel);

command('limit <node...>', 'what moves from nodes may take of the network, all together', async () => (await import('./limit.js')).limit)
  .option('--mbps <n>', 'Mbit/s; 0: no limit (without it: what it is now)', count(0));
command('cordon <node...>', 'let no new tasks start or arrive on nodes', async () => (await import('./cordon.js')).cordon)
  .option('--reason <text>', 'why; kept with user and time');
command('uncordon <node...>', 'let nodes take tasks again', async () => (await import('./cordon.js')).uncordon);
command('drain [node...]', 'cordon nodes and move all their tasks away', async () => (await import('./drain.js')).drain)
  .option('--dry-run', 'show who would go where, and who cannot and why')
  .option('--deadline <s>', 'until then, try again what cannot be moved', seconds)
  .addOption(new Option('--then <what>', 'what happens to tasks that are still there at the deadline: the drain fails, they are killed, or it waits for them (default: fail)').choices(['fail', 'kill', 'wait']))
  .option('--concurrency <n>', 'moves at once (default: 2; with a deadline as many as it takes)', count(1))
  .option('--reason <text>', 'why; kept with user and time')
  .option('--detach', 'do not wait for it')
  .option('--cancel', 'stop the drain of these nodes; they stay cordoned')
  .option('--status', 'the drains under way');

command('console [words...]', "PVM's own console; words: -nNAME, -dMASK, a host file, as PVM's takes them", async () => (await import('./console.js')).console)
  .allowUnknownOption()
  .passThroughOptions();

command('balance', 'even out the load by moving tasks', async () => (await import('./balance.js')).balance)
  .addOption(new Option('--policy <policy>', 'how it is planned: few moves, best spread, talkers together, everything, as told (default: refine)').choices(['greedy', 'refine', 'comm', 'rotate', 'manual']))
  .option('--dry-run', 'show what would be moved, and why')
  .option('--watch', 'look again and again, until Ctrl-C')
  .option('--period <s>', 'how often a watch looks (default: 10)', seconds)
  .option('--detach', 'with --watch: it goes on in the daemon of the first node')
  .option('--status', 'is a watch under way?')
  .option('--stop', 'end it')
  .option('--tolerance <share>', 'how uneven is even enough (default: 0.1)', fraction)
  .option('--rest <s>', 'how long a task that has moved is left alone (default: 60)', secondsOrNone)
  .option('--gain <factor>', 'what moves bring must be so many times what they cost (default: 2)', factor)
  .option('--max-moves <n>', 'at most so many a plan', count(1))
  .option('--concurrency <n>', 'moves at once (default: 2)', count(1))
  .option('--reclaim <node>', 'give it back to its owner: cordon it, and move its tasks away; may be given again', (text: string, all: string[] | undefined) => [...(all ?? []), text])
  .option('--within <s>', 'the goal: a node whose owner is at work is free so many seconds later', factor)
  .option('--linger', 'a task may stay there at low priority where moving it costs more than it gains')
  .option('--move <tid=node>', 'manual: a move; may be given again', (text: string, all: string[] | undefined) => [...(all ?? []), text])
  .option('--plan <file>', 'manual: the moves of a plan that --dry-run -o json printed')
  .option('--replay <file>', 'make the decisions of a log again, off line; with --policy, as they would have been');

command('dashboard', 'the web page of the VM: opens its port, and says where it is', async () => (await import('./dashboard.js')).dashboard)
  .option('--open', 'in a browser: $BROWSER, else xdg-open')
  .option('--address <address>', 'an address of this node (default: a loopback address; others get TLS)')
  .option('--port <port>', 'default: the one it had, or any free one', count(1));
command('metrics', 'open the port that Prometheus scrapes, and say what it must know', async () => (await import('./metrics.js')).metrics)
  .option('--address <address>', 'an address of this node (default: a loopback address; others get TLS)')
  .option('--port <port>', 'default: the one it had, or any free one', count(1));
command('env', 'shell lines that point compilers and programs at this libpvm: eval "$(mpvm env)"', async () => (await import('./env.js')).env);
command('doctor', 'what this machine can and cannot do, and what to install', async () => (await import('./doctor.js')).doctor);

/** The one that was typed, for the hint at its help. */
function currentCommand(): string {
  const typed = process.argv[2] ?? '';
  return program.commands.some((one) => one.name() === typed) ? `${typed} ` : '';
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) reportAndExit(error, false);
  else if (error.exitCode === 0) exitWith(0);
  else if (error.code === 'commander.help') exitWith(2);
  else {
    process.stderr.write(`mpvm: ${error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')}; see: mpvm ${currentCommand()}--help\n`);
    exitWith(2);
  }
}
