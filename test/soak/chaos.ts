/**
 * Trouble of every kind at once, drawn from one seed: daemons are killed, hang and come back, cables are pulled, nodes
 * are drained, load is balanced and tasks move at random, while programs that check every byte begin and end. Each kind
 * of trouble is an actor with a generator of its own, so that a seed gives each the same list of deeds again.
 */
import { expectOk } from '../../daemon/cli/status.js';
import { asMpvmError, MpvmError } from '../../daemon/errors.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import type { ControlClient } from '../../daemon/rpc/clients.js';
import { Random } from '../lab/random.js';
import { program } from '../lab/programs.js';
import type { Verdicts } from '../lab/verdicts.js';
import { pause, until } from '../lab/wait.js';
import { Mover } from './mover.js';
import type { Movable } from './mover.js';

/** Where it happens: nodes of one machine, or machines of their own. */
export interface Ground extends Movable {
  readonly control: ControlClient;
  readonly directory: string;
  readonly verdicts: Verdicts;
  /** Kills a daemon; when it resolves, it is dead. */
  kill(node: string): Promise<void>;
  /** Starts it again; resolves when the node is up. */
  start(node: string): Promise<void>;
  /** Stops a daemon, or lets it go on. */
  signal(node: string, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Pulls the cable of a node, or puts it back; left out where nodes have none. */
  cable?(node: string, plugged: boolean): void;
}

interface Job {
  name: string;
  seed: number;
  /** Each of them says how it ended, once. */
  tasks: number;
  begun: number;
}

/** Programs of a few seconds, checked by themselves: name, arguments, how many tasks. */
const programs: readonly ((random: Random, seed: number) => { name: string; args: (number | string)[]; tasks: number })[] = [
  (random, seed) => ({ name: 'ring', args: [5, 4000 + random.below(4000), seed, 1 << (8 + random.below(13))], tasks: 5 }),
  (random, seed) => ({ name: 'alltoall', args: [4, 150 + random.below(150), seed], tasks: 4 }),
  (random, seed) => ({ name: 'farm', args: [4, 100 + random.below(100), 5 + random.below(20), seed], tasks: 5 }),
];
/** So many programs at a time. */
const atOnce = 3;

/** What a command may be told while daemons are dead, and tasks end: nothing else is expected. */
const excusable = new Set([
  'NO_DAEMON', 'NO_VM', 'NODE_TIMEOUT', 'NODE_UNREACHABLE', 'REGISTRY_UNREACHABLE', 'NODE_DEAD', 'CANCELLED', 'SHUTTING_DOWN',
  'NODE_CORDONED', 'TASK_ENDED', 'TASK_UNKNOWN', 'BALANCE_RUNNING', 'DRAIN_RUNNING',
]);

export class Chaos {
  readonly random: Random;
  /** Deeds by kind. */
  readonly deeds: Record<string, number> = {};
  /** Errors that nothing excuses. */
  readonly findings: string[] = [];
  readonly #ground: Ground;
  readonly #jobs: Job[] = [];
  readonly #finished: Job[] = [];
  /** Nodes whose daemons are dead or stopped. */
  readonly #afflicted = new Set<string>();
  readonly #say: (line: string) => void;
  #moves = 0;
  #refused = 0;
  #stopped = false;

  constructor(ground: Ground, random: Random, say: (line: string) => void = () => undefined) {
    this.#ground = ground;
    this.random = random;
    this.#say = say;
  }

  /** For so long; then trouble ends, and it waits for the programs. Throws when one does not end, or not well. */
  async run(seconds: number): Promise<void> {
    const nodes = await this.#ground.nodeNames();
    const actors = [this.#programs(), this.#moverActor(), this.#daemons(nodes), this.#hangs(nodes), this.#cables(nodes), this.#drains(nodes), this.#balances()];
    const over = pause(seconds * 1000).then(() => (this.#stopped = true));
    try {
      await Promise.all(actors);
    } finally {
      this.#stopped = true;
      await Promise.allSettled(actors);
      await over;
    }
    await this.#calm(nodes);
    await until('the end of all programs', () => this.#settle(), { timeoutMs: 120_000, everyMs: 100 }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\nnot finished: ${this.#jobs.map((job) => `${job.name} seed ${job.seed}: ${this.#ground.verdicts.of(job.seed).join(', ') || 'no word'}`).join('; ')}\ntasks: ${JSON.stringify(await this.#ground.tasks())}`);
    });
    await until('no task is left', async () => (await this.#ground.tasks()).length === 0, { timeoutMs: 20_000 });
  }

  summary(): string {
    const deeds = Object.entries(this.deeds).map(([kind, times]) => `${times} ${kind}`).join(', ');
    return `${this.#finished.length} programs (${this.#finished.reduce((sum, { tasks }) => sum + tasks, 0)} tasks) ended well (${this.#refused} were not started) under ${this.#moves} moves, ${deeds}; seed ${this.random.seed}`;
  }

  // ------------------------------------------------------------ programs

  async #programs(): Promise<void> {
    const random = this.#generator(1);
    while (!this.#stopped) {
      this.#settle();
      if (this.#jobs.length < atOnce) await this.#begin(random);
      await pause(100);
    }
  }

  async #begin(random: Random): Promise<void> {
    const seed = 1 + random.below(1_000_000_000);
    const { name, args, tasks } = random.pick(programs)(random, seed);
    const node = random.pick(await this.#nodesThatTake());
    const job: Job = { name, seed, tasks, begun: performance.now() };
    await this.#attempt('programs started', async () => {
      const { tids } = await this.#ground.control.spawn({ program: program(name), argv: args.map(String), count: 1, node, directory: this.#ground.directory });
      // A node that is just being drained takes none; of one that has just died nobody knows, so it is not asked again.
      if ((tids[0] ?? 0) <= 0) throw new MpvmError('NODE_UNREACHABLE', { peer: node, detail: 'nothing started there' });
      this.#jobs.push(job);
    });
  }

  async #nodesThatTake(): Promise<string[]> {
    const { nodes } = await this.#ground.control.nodes({}).catch(() => ({ nodes: [] as mpvm.node.INodeInfo[] }));
    const open = nodes.filter(({ cordoned }) => !cordoned).map(({ name }) => name ?? '');
    return open.length > 0 ? open : [''];
  }

  /** Takes note of programs that have ended; true when all have. */
  #settle(): boolean {
    const { failures } = this.#ground.verdicts;
    if (failures.length > 0) throw new Error(failures.join('\n'));
    for (const job of [...this.#jobs]) {
      const words = this.#ground.verdicts.of(job.seed);
      const tids = new Set(words.map((line) => line.split(' ')[0]));
      if (tids.size !== words.length) throw new Error(`a task ended twice:\n${words.join('\n')}`);
      // Where a daemon died just then, the program was told that not all of it could be started, and ends.
      const refused = words.some((line) => line.includes('not started'));
      if (words.length < job.tasks && !refused) continue;
      this.#jobs.splice(this.#jobs.indexOf(job), 1);
      if (refused) this.#refused++;
      else this.#finished.push(job);
      this.#say(`${job.name} ended after ${((performance.now() - job.begun) / 1000).toFixed(1)} s`);
    }
    return this.#jobs.length === 0;
  }

  // ------------------------------------------------------------ trouble

  async #moverActor(): Promise<void> {
    const ground = this.#ground;
    const patient: Movable = { nodeNames: () => ground.nodeNames(), tasks: () => ground.tasks().catch(() => []), migrate: (tid, to) => ground.migrate(tid, to) };
    const mover = new Mover(patient, { everyMs: 150, random: this.#generator(2) }).start();
    await until('the end of the trouble', () => this.#stopped, { timeoutMs: 86_400_000, everyMs: 50 });
    await mover.stop();
    this.#moves += mover.moves.length;
  }

  async #daemons(nodes: string[]): Promise<void> {
    const random = this.#generator(3);
    await this.#again(random, 1500, async () => {
      const node = random.pick(nodes);
      const after = random.below(800);
      await this.#alone(node, 'daemons killed', async () => {
        await this.#ground.kill(node);
        await pause(after);
        await this.#ground.start(node);
      });
    });
  }

  async #hangs(nodes: string[]): Promise<void> {
    const random = this.#generator(4);
    await this.#again(random, 3000, async () => {
      const node = random.pick(nodes);
      const time = random.below(700);
      await this.#alone(node, 'daemons stopped for a while', async () => {
        await this.#ground.signal(node, 'SIGSTOP');
        await pause(time);
        await this.#ground.signal(node, 'SIGCONT');
      });
    });
  }

  async #cables(nodes: string[]): Promise<void> {
    if (!this.#ground.cable) return;
    const random = this.#generator(5);
    await this.#again(random, 1200, async () => {
      const node = random.pick(nodes);
      const time = random.below(2500);
      await this.#attempt('cables cut', async () => {
        this.#ground.cable?.(node, false);
        await pause(time);
        this.#ground.cable?.(node, true);
      });
    });
  }

  async #drains(nodes: string[]): Promise<void> {
    const random = this.#generator(6);
    await this.#again(random, 2500, async () => {
      const node = random.pick(nodes);
      await this.#attempt('drains', async () => {
        for await (const { failed } of this.#ground.control.drain({ nodes: [node], deadlineS: 3, reason: 'chaos' })) expectOk(failed);
      });
      await this.#open(node);
    });
  }

  async #balances(): Promise<void> {
    const random = this.#generator(7);
    await this.#again(random, 2500, async () => {
      const policy = random.pick(['rotate', 'greedy', 'comm', 'refine']);
      await this.#attempt('balancings', async () => {
        for await (const { failed } of this.#ground.control.balance({ policy, restS: 0, gainFactor: 0, windowMs: 200 })) expectOk(failed);
      });
    });
  }

  /** All nodes up, open and reachable. */
  async #calm(nodes: string[]): Promise<void> {
    const { NodeState } = mpvm.node;
    for (const node of nodes) await this.#open(node);
    await until('all nodes up', async () => (await this.#ground.control.nodes({})).nodes.every(({ state }) => (state ?? NodeState.UP) === NodeState.UP), { timeoutMs: 30_000 });
  }

  /** Until it has worked: a node that stays closed would keep out all that follows. */
  async #open(node: string): Promise<void> {
    await until(`${node} is open`, async () => {
      await this.#ground.control.cordon({ node, cordoned: false });
      return true;
    }, { timeoutMs: 60_000, everyMs: 200 });
  }

  async #again(random: Random, everyMs: number, deed: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      const next = performance.now() + random.below(2 * everyMs);
      while (performance.now() < next && !this.#stopped) await pause(20);
      if (!this.#stopped) await deed();
    }
  }

  /** To a daemon that nothing is done to: a dead one cannot be stopped. */
  async #alone(node: string, kind: string, deed: () => Promise<void>): Promise<void> {
    if (this.#afflicted.has(node)) return;
    this.#afflicted.add(node);
    await this.#attempt(kind, deed);
    this.#afflicted.delete(node);
  }

  async #attempt(kind: string, deed: () => Promise<void>): Promise<void> {
    try {
      await deed();
      this.deeds[kind] = (this.deeds[kind] ?? 0) + 1;
    } catch (thrown) {
      const { code, message } = asMpvmError(thrown);
      this.#say(`${kind}: ${code} ${message}`);
      if (!excusable.has(code)) this.findings.push(`${kind}: ${code} ${message}`);
    }
  }

  #generator(which: number): Random {
    return new Random(this.random.seed * 8 + which);
  }
}
