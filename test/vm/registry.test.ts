/** The registry without a network: what tasks and nodes may rely on. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { hasCode, MpvmError } from '../../daemon/errors.js';
import { noLog } from '../../daemon/log.js';
import { RevokedCertificates } from '../../daemon/rpc/revoked.js';
import { createLocalClient } from '../../daemon/rpc/local-client.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import type { ImplementationOf } from '../../daemon/rpc/server.js';
import { registryService } from '../../daemon/rpc/services.js';
import type { RegistryClient } from '../../daemon/rpc/clients.js';
import { EmbeddedStore } from '../../daemon/vm/embedded-store.js';
import { JudgeClock } from '../../daemon/vm/judge-clock.js';
import { GroupPages } from '../../daemon/vm/group-pages.js';
import { Registry } from '../../daemon/vm/registry.js';
import { until } from '../lab/wait.js';
import { scratch } from './scratch.js';

const Verb = mpvm.task.Group.Verb;
const State = mpvm.node.NodeState;
const host = (number: number): number => number << 18;

/** A registry over a journal, and clients of it as nodes would be. */
class Bench {
  readonly path: string;
  time = 0;
  clock = new JudgeClock(() => this.time);
  store: EmbeddedStore;
  registry!: Registry;
  alive = new Set<string>();
  readonly cut = new Set<string>();
  readonly pageCalls: ({ node: string } & mpvm.node.IGroupPageRequest)[] = [];

  constructor(path: string) {
    this.path = path;
    this.store = new EmbeddedStore(path, noLog, this.clock);
  }
  static async open(path: string): Promise<Bench> {
    const bench = new Bench(path);
    await bench.#open();
    return bench;
  }
  async #open(): Promise<void> {
    const timing = { suspectMs: 2000, graceMs: 5000, judgeMs: 5 };
    this.registry = await Registry.open({ store: this.store, vm: 'bench', node: 'n1', log: noLog, timing, lastCall: ({ name }) => Promise.resolve(this.alive.has(name ?? '')), peer: (node) => this.pages(node), revoked: new RevokedCertificates() });
  }
  close(): void {
    this.registry.close();
    this.store.close();
  }
  /** Where each node keeps its pages. */
  directoryOf(node: string): string {
    return `${this.path}-${node}`;
  }
  /** Pages as real nodes keep them; a node in `cut` does not answer. */
  pages(node: string): { groupPage: (request: mpvm.node.IGroupPageRequest) => Promise<mpvm.node.GroupPageReply> } {
    const pages = new GroupPages(this.directoryOf(node));
    return {
      groupPage: (request) => {
        this.pageCalls.push({ node, ...request });
        if (this.cut.has(node)) return Promise.reject(new MpvmError('NODE_UNREACHABLE', { peer: node, detail: 'cut' }));
        return Promise.resolve(new mpvm.node.GroupPageReply(pages.handle(new mpvm.node.GroupPageRequest(request))));
      },
    };
  }
  /** As kill -9 and a new daemon: only the journal remains. */
  async restart(): Promise<void> {
    this.close();
    this.clock = new JudgeClock(() => this.time);
    this.store = new EmbeddedStore(this.path, noLog, this.clock);
    await this.#open();
  }
  client(node: string): RegistryClient {
    // What concerns hosts has its own tests (test/hosts).
    return createLocalClient(registryService, this.registry.implementation() as ImplementationOf<typeof registryService>, node);
  }
  /** Joins and keeps its events. */
  join(name: string, options: { instance?: string; host?: number; port?: number } = {}): Joined {
    return new Joined(this.client(name), { name, address: '127.0.0.1', port: options.port ?? 1, instance: options.instance ?? `${name}-1`, host: options.host ?? 0, memoryBytes: 1 << 30 });
  }
  /** Time passes while the judge watches, or while it does not run at all. */
  pass(ms: number, awake = true): void {
    const end = this.time + ms;
    while (awake && this.time < end) {
      this.time += 100;
      this.clock.tick();
    }
    this.time = end;
    this.clock.tick();
  }
}

class Joined {
  readonly client: RegistryClient;
  readonly request: mpvm.node.IJoinRequest;
  readonly events: mpvm.node.IVmEvent[] = [];
  readonly #abort = new AbortController();
  readonly first: Promise<mpvm.node.IVmSnapshot>;
  constructor(client: RegistryClient, request: mpvm.node.IJoinRequest) {
    this.client = client;
    this.request = request;
    this.first = new Promise((resolve, reject) => {
      void (async () => {
        try {
          for await (const event of client.join(request, { signal: this.#abort.signal })) {
            if (event.snapshot) resolve(event.snapshot);
            else this.events.push(event);
          }
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      })();
    });
    this.first.catch(() => undefined);
  }
  beat(): Promise<mpvm.node.IHeartbeatReply> {
    return this.client.heartbeat({ name: this.request.name, instance: this.request.instance, lastLocal: 7 });
  }
  states(name: string): (number | null | undefined)[] {
    return this.events.flatMap(({ node }) => (node?.name === name ? [node.state] : []));
  }
  breakLink(): void {
    this.#abort.abort();
  }
}

describe('the registry', () => {
  const directory = scratch();
  let count = 0;
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.open(join(directory, `registry${++count}`));
  });
  afterEach(() => bench.close());

  const group = async (client: RegistryClient, tid: number, verb: mpvm.task.Group.Verb, more: Partial<mpvm.task.IGroup> = {}, sending: { id?: string; again?: boolean } = {}) => {
    const { status, reply } = await client.group({ tid, group: { verb, name: 'g', ...more }, ...sending }, { timeoutMs: 60_000 });
    return status < 0 ? status : (reply?.value ?? 0);
  };

  describe('membership', () => {
    it('gives each node a host number for life, and the same secret to all', async () => {
      const [a, b] = [bench.join('n1'), bench.join('n2')];
      const [first, second] = [await a.first, await b.first];
      assert.equal(first.yourHost, host(1));
      assert.equal(second.yourHost, host(2));
      assert.deepEqual(first.secret, second.secret);
      await bench.restart();
      const again = await bench.join('n2', { instance: 'n2-2', host: host(2) }).first;
      assert.equal(again.yourHost, host(2));
      assert.deepEqual(again.secret, first.secret);
      assert.equal(again.tasksLost, false, 'a restart of the registry costs no task');
    });

    it('tells of a death once, and the one who comes back that its tasks are gone', async () => {
      const n1 = bench.join('n1');
      const n2 = bench.join('n2');
      await Promise.all([n1.first, n2.first]);
      n2.breakLink();
      bench.pass(10_000);
      await until('n2 is declared dead', () => n1.states('n2').includes(State.DEAD));
      bench.pass(10_000);
      assert.equal(n1.states('n2').filter((state) => state === State.DEAD).length, 1);
      assert.equal((await n2.beat()).known, false);
      const back = bench.join('n2', { instance: 'n2-2', host: host(2) });
      const snapshot = await back.first;
      assert.equal(snapshot.yourHost, host(2));
      assert.equal(snapshot.tasksLost, true);
      await back.beat();
      back.breakLink();
      assert.equal((await bench.join('n2', { instance: 'n2-2' }).first).tasksLost, false, 'it has been told');
    });

    it('does not declare a node dead that answers a last call', async () => {
      const n1 = bench.join('n1');
      await Promise.all([n1.first, bench.join('n2').first]);
      bench.alive.add('n2');
      bench.pass(60_000);
      await until('n2 was suspect', () => n1.states('n2').includes(State.SUSPECT));
      bench.pass(60_000);
      assert.ok(!n1.states('n2').includes(State.DEAD));
    });

    it('does not blame others for time in which it did not run itself', async () => {
      const n1 = bench.join('n1');
      await Promise.all([n1.first, bench.join('n2').first]);
      for (let pause = 0; pause < 10; pause++) bench.pass(3_600_000, false);
      assert.deepEqual(n1.states('n2').filter((state) => state === State.DEAD), []);
    });

    it('refuses a second node of a name while the first one is connected', async () => {
      await bench.join('n2').first;
      await assert.rejects(bench.join('n2', { instance: 'other', port: 2 }).first, (error: unknown) => hasCode(error, 'JOIN_REFUSED'));
    });

    it('takes a daemon back that was killed with its cable cut: its port is free again, whatever its old connection looks like', async () => {
      const old = bench.join('n2');
      await old.first;
      const again = await bench.join('n2', { instance: 'n2-2' }).first;
      assert.equal(again.nodes?.filter(({ name }) => name === 'n2').length, 1);
      old.breakLink();
      const { nodes } = await bench.join('n2', { instance: 'n2-2' }).first;
      assert.equal(nodes?.find(({ name }) => name === 'n2')?.state ?? 0, mpvm.node.NodeState.UP);
    });

    it('lets a node speak for itself only', async () => {
      await bench.join('n2').first;
      await assert.rejects(bench.client('n2').leave({ name: 'n3' }), (error: unknown) => hasCode(error, 'JOIN_REFUSED'));
    });

    it('never gives a node without memory the local part of a tid twice', async () => {
      const n2 = bench.join('n2');
      await n2.first;
      await n2.client.leave({ name: 'n2', lastLocal: 4711 });
      n2.breakLink();
      const back = await bench.join('n2', { instance: 'n2-2' }).first;
      assert.ok((back.firstLocal ?? 0) > 4711);
    });

    it('keeps a cordon with its reason over a restart', async () => {
      await bench.join('n2').first;
      await bench.client('n1').setCordon({ node: 'n2', cordoned: true, reason: 'disk', user: 'op' });
      await bench.restart();
      const node = bench.registry.nodes().find(({ name }) => name === 'n2');
      assert.deepEqual([node?.cordoned, node?.cordonReason, node?.cordonUser], [true, 'disk', 'op']);
      await assert.rejects(bench.client('n1').setCordon({ node: 'n9', cordoned: true }), (error: unknown) => hasCode(error, 'NODE_UNKNOWN'));
    });
  });

  describe('the directory', () => {
    const tid = host(1) | 5;
    beforeEach(async () => {
      for (const name of ['n1', 'n2', 'n3']) await bench.join(name).first;
    });

    it('lets exactly one of any competing commits win', async () => {
      const nodes = ['n1', 'n2', 'n3'];
      const attempt = fc.record({ from: fc.constantFrom(...nodes), to: fc.constantFrom(...nodes), epoch: fc.nat(6), migration: fc.nat(1000).map(String) });
      let local = 10; // every run has a task of its own: one that has ended does not come back
      await fc.assert(fc.asyncProperty(fc.array(attempt, { maxLength: 40 }), async (attempts) => {
        const about = host(1) | local++;
        let model = { node: 'n1', epoch: 0, migration: '' };
        for (const { from, to, epoch, migration } of attempts) {
          const { committed, now } = await bench.client('n1').commitMove({ tid: about, from, to, epoch, migration });
          const repeated = model.migration === migration && model.epoch === epoch + 1 && model.node === to;
          const expected = repeated || (model.node === from && model.epoch === epoch);
          assert.equal(committed, expected);
          if (expected && !repeated) model = { node: to, epoch: epoch + 1, migration };
          assert.deepEqual([now?.node, now?.epoch], [model.node, model.epoch]);
        }
        await bench.client('n1').forget({ tid: about, epoch: model.epoch });
      }), { numRuns: 50 });
    });

    it('decides a fence and a commit at once the same way for all, also after a restart', async () => {
      const move = { tid, epoch: 0, from: 'n1', migration: 'm' };
      const [commit, fence] = await Promise.all([bench.client('n2').commitMove({ ...move, to: 'n2' }), bench.client('n1').commitMove({ ...move, to: 'n1' })]);
      assert.equal(Number(commit.committed) + Number(fence.committed), 1);
      const before = await bench.client('n3').locate({ tid });
      await bench.restart();
      assert.deepEqual(await bench.client('n3').locate({ tid }), before);
      assert.equal((await bench.client('n2').commitMove({ ...move, to: 'n2' })).committed, commit.committed, 'asked again, the same answer');
    });

    it('moves nothing to or from a node that is dead, and forgets what was on it', async () => {
      const n1 = bench.join('n1');
      await bench.client('n1').commitMove({ tid, epoch: 0, from: 'n1', to: 'n3', migration: 'm' });
      await bench.client('n3').leave({ name: 'n3' });
      await until('the entry is gone', async () => !(await bench.client('n1').locate({ tid })).moved);
      assert.equal((await bench.client('n1').commitMove({ tid: tid + 1, epoch: 0, from: 'n1', to: 'n3', migration: 'm' })).committed, false);
      n1.breakLink();
    });

    it('shows every change to every node, in order', async () => {
      const watcher = bench.join('n1');
      await watcher.first;
      for (let epoch = 0; epoch < 20; epoch++) await bench.client('n1').commitMove({ tid, epoch, from: epoch % 2 ? 'n2' : 'n1', to: epoch % 2 ? 'n1' : 'n2', migration: String(epoch) });
      await bench.client('n1').forget({ tid, epoch: 20 });
      await until('the last event', () => watcher.events.some(({ forgotten }) => forgotten === tid));
      assert.deepEqual(watcher.events.flatMap(({ moved }) => (moved ? [moved.epoch] : [])), Array.from({ length: 20 }, (_, index) => index + 1));
    });
  });

  describe('groups', () => {
    const tid = (local: number): number => host(1) | local;

    it('give out the lowest free instance', async () => {
      await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), fc.nat(6))), async (steps) => {
        const client = bench.client('n1');
        const model: number[] = [];
        for (const [joins, which] of steps) {
          const member = tid(which + 1);
          const at = model.indexOf(member);
          if (joins) {
            const free = model.includes(0) ? model.indexOf(0) : model.length;
            assert.equal(await group(client, member, Verb.JOIN), at >= 0 ? -18 : free);
            if (at < 0) model[free] = member;
          } else {
            assert.equal(await group(client, member, Verb.LEAVE), at >= 0 ? 0 : model.length ? -20 : -19);
            if (at >= 0) model[at] = 0;
            while (model.at(-1) === 0) model.pop();
          }
          const size = model.filter(Boolean).length;
          assert.equal(await group(client, member, Verb.SIZE), size || -19);
        }
        for (const member of model.filter(Boolean)) await group(client, member, Verb.LEAVE);
      }), { numRuns: 50 });
    });

    it('answer as PVM does when something is wrong', async () => {
      const client = bench.client('n1');
      assert.equal(await group(client, tid(1), Verb.JOIN, { name: '' }), -17);
      assert.equal(await group(client, tid(1), Verb.BARRIER, { number: 2 }), -19);
      await group(client, tid(1), Verb.JOIN);
      assert.equal(await group(client, tid(2), Verb.BARRIER, { number: 2 }), -20);
      assert.equal(await group(client, tid(1), Verb.BARRIER, { number: 0 }), -2);
      assert.equal(await group(client, tid(1), Verb.TID, { number: 5 }), -21);
      assert.equal(await group(client, tid(1), Verb.INSTANCE, { tid: tid(9) }), -20);
      assert.equal(await group(client, tid(1), Verb.TID, { number: 0 }), tid(1));
    });

    it('let a barrier go when the last one comes, again and again', async () => {
      const members = [1, 2, 3, 4].map(tid);
      for (const member of members) await group(bench.client('n1'), member, Verb.JOIN);
      for (let round = 0; round < 20; round++) {
        let open = 0;
        const waits = members.slice(1).map((member) => group(bench.client('n1'), member, Verb.BARRIER, { number: 4 }).then((status) => (open++, status)));
        await group(bench.client('n1'), members[0]!, Verb.SIZE);
        assert.equal(open, 0);
        assert.equal(await group(bench.client('n1'), members[0]!, Verb.BARRIER, { number: round % 2 ? 4 : -1 }), 0);
        assert.deepEqual(await Promise.all(waits), [0, 0, 0]);
      }
    });

    it('refuse another count, and are not let go by a death', async () => {
      const client = bench.client('n1');
      for (const member of [1, 2, 3].map(tid)) await group(client, member, Verb.JOIN);
      let passed = false;
      const first = group(client, tid(1), Verb.BARRIER, { number: 3 }).then((status) => ((passed = true), status));
      assert.equal(await group(client, tid(2), Verb.BARRIER, { number: 2 }), -3);
      await client.forget({ tid: tid(3), epoch: 0 });
      const second = group(client, tid(2), Verb.BARRIER, { number: 3 });
      assert.equal(await group(client, tid(1), Verb.SIZE), 2);
      assert.equal(passed, false);
      assert.equal(await group(client, tid(4), Verb.JOIN), 2, 'the free instance');
      assert.equal(await group(client, tid(4), Verb.BARRIER, { number: 3 }), 0);
      assert.deepEqual(await Promise.all([first, second]), [0, 0]);
    });

    it('count a barrier call that is sent again after a restart once, whether or not it had been let go', async () => {
      for (const member of [1, 2, 3].map(tid)) await group(bench.client('n1'), member, Verb.JOIN);
      // Let go, but the answers were lost with the registry.
      const lost = [1, 2, 3].map((local) => group(bench.client('n1'), tid(local), Verb.BARRIER, { number: 3 }, { id: `a${local}` }));
      await Promise.all(lost);
      await bench.restart();
      assert.deepEqual(await Promise.all([1, 2].map((local) => group(bench.client('n1'), tid(local), Verb.BARRIER, { number: 3 }, { id: `a${local}`, again: true }))), [0, 0]);
      // Waiting when the registry died: not let go before all have come again.
      void group(bench.client('n1'), tid(1), Verb.BARRIER, { number: 3 }, { id: 'b1' }).catch(() => undefined);
      await group(bench.client('n1'), tid(1), Verb.SIZE);
      await bench.restart();
      let passed = 0;
      const waits = [1, 2].map((local) => group(bench.client('n1'), tid(local), Verb.BARRIER, { number: 3 }, { id: `b${local}`, again: true }).then(() => passed++));
      await group(bench.client('n1'), tid(1), Verb.SIZE);
      assert.equal(passed, 0);
      await group(bench.client('n1'), tid(3), Verb.BARRIER, { number: 3 }, { id: 'b3' });
      await Promise.all(waits);
    });

    it('keep the arrival of one that dies in a barrier, as PVM does, also over a restart; of one that dies in a freeze they do not', async () => {
      const client = (): RegistryClient => bench.client('n1');
      for (const member of [1, 2, 3, 4].map(tid)) await group(client(), member, Verb.JOIN);
      const dead = group(client(), tid(1), Verb.BARRIER, { number: 3 });
      await client().forget({ tid: tid(1), epoch: 0 });
      assert.equal(await dead, -14);
      assert.equal(await group(client(), tid(2), Verb.BARRIER, { number: 2 }), -3);
      await bench.restart();
      assert.equal(await group(client(), tid(2), Verb.BARRIER, { number: 2 }), -3);
      assert.deepEqual(await Promise.all([2, 3].map((local) => group(client(), tid(local), Verb.BARRIER, { number: 3 }))), [0, 0]);

      void group(client(), tid(4), Verb.FREEZE, { number: 3 });
      await group(client(), tid(2), Verb.SIZE);
      await client().forget({ tid: tid(4), epoch: 0 });
      assert.equal(await group(client(), tid(2), Verb.SIZE), 2);
      assert.deepEqual(await Promise.all([2, 3].map((local) => group(client(), tid(local), Verb.BARRIER, { number: 2 }))), [0, 0]);
    });

    it('freeze together, and wait no more for each other when a member of a frozen group has left', async () => {
      const client = bench.client('n1');
      for (const member of [1, 2].map(tid)) await group(client, member, Verb.JOIN);
      assert.deepEqual(await Promise.all([1, 2].map((local) => group(client, tid(local), Verb.FREEZE, { number: 2 }))), [2, 2]);
      assert.equal(await group(client, tid(1), Verb.FREEZE, { number: 2 }), -18);
      const wait = group(client, tid(1), Verb.BARRIER, { number: 2 });
      await group(client, tid(2), Verb.LEAVE);
      assert.equal(await wait, -19);
      assert.equal(await group(client, tid(1), Verb.BARRIER, { number: 1 }), -19);
      assert.equal(await group(client, tid(1), Verb.SIZE), 1);
      assert.equal(await group(client, tid(2), Verb.LEAVE), -20);
      assert.equal(await group(client, tid(1), Verb.LEAVE), 0);
      assert.equal(await group(client, tid(1), Verb.SIZE), -19);
    });
  });

  describe('pages of groups', () => {
    const members = [1, 2, 3].map((local) => host(1) | local);
    const far = host(2) | 1;
    type Reply = mpvm.node.IGroupResponse;
    const ask = (tid: number, verb: mpvm.task.Group.Verb, more: Partial<mpvm.task.IGroup> = {}): Promise<Reply> =>
      bench.client('n1').group({ tid, group: { verb, name: 'p', ...more } }, { timeoutMs: 60_000 });
    const file = (node: string, page: number | null | undefined): string => join(bench.directoryOf(node), `g${(page ?? 0).toString(16)}`);
    const all = (count = -1): Promise<Reply[]> => Promise.all(members.map((tid) => ask(tid, Verb.BARRIER, { number: count })));

    /** Two nodes, three members on the first, and barriers until they count on a page. */
    const counting = async (): Promise<number> => {
      for (const name of ['n1', 'n2']) await bench.join(name).first;
      for (const tid of members) await ask(tid, Verb.JOIN);
      assert.deepEqual((await all()).map(({ reply }) => reply?.page), [0, 0, 0], 'the first barrier: no page yet');
      const pages = (await all()).map(({ reply }) => reply?.page ?? 0);
      assert.ok(pages[0]! > 0 && pages.every((page) => page === pages[0]), String(pages));
      assert.deepEqual((await all()).map(({ reply }) => [reply?.page, reply?.enter]), pages.map((page) => [page, true]), 'barriers are counted on the page');
      return pages[0]!;
    };
    /** As the library does it: the member has come on the page, and waits. */
    const comeOnPage = (page: number, instance: number, needed: number, arrived: number): void => {
      const bytes = readFileSync(file('n1', page));
      bytes.writeUInt32LE(needed * 65_536 + arrived, 64);
      bytes.writeUInt32LE(bytes.readUInt32LE(68), 128 + 8 * instance + 4);
      writeFileSync(file('n1', page), bytes);
    };

    it('count barriers when all members are on one node, and are withdrawn before the group changes', async () => {
      const page = await counting();
      assert.ok(existsSync(file('n1', page)));
      assert.equal((await ask(host(1) | 9, Verb.JOIN)).reply?.value, 3);
      await until('the page is gone', () => !existsSync(file('n1', page)));
      const calls = bench.pageCalls.map(({ verb }) => verb);
      assert.deepEqual(calls, [0, 1, 2], 'open, withdraw, drop');
    });

    it('answer questions on any node, and are withdrawn from all of them', async () => {
      for (const name of ['n1', 'n2']) await bench.join(name).first;
      for (const tid of [...members, far]) await ask(tid, Verb.JOIN);
      const page = async (tid: number): Promise<number> => (await ask(tid, Verb.SIZE)).reply?.page ?? 0;
      assert.equal(await page(far), 0);
      const there = await page(far);
      assert.ok(there > 0);
      assert.equal(await page(members[0]!), 0);
      assert.equal(await page(members[0]!), there, 'the same page on another node');
      assert.equal((await ask(host(1) | 9, Verb.SIZE)).reply?.page, 0, 'not for one that is no member');
      await ask(members[2]!, Verb.LEAVE);
      for (const node of ['n1', 'n2']) await until('the page is gone', () => !existsSync(file(node, there)));
      assert.equal(await page(far), 0);
    });

    it('hand over who waits: the one who comes is counted once, the dead one too, and who was let go is told so', async () => {
      const page = await counting();
      comeOnPage(page, 0, 3, 1);
      await ask(host(1) | 9, Verb.JOIN); // withdraws it
      assert.equal((await ask(members[1]!, Verb.BARRIER, { number: 2 })).status, -3, 'the barrier that had begun has a count');
      const second = ask(members[1]!, Verb.BARRIER, { number: 3 });
      let open = false;
      void second.then(() => (open = true));
      const third = ask(members[2]!, Verb.BARRIER, { number: 3 });
      await ask(members[1]!, Verb.SIZE);
      assert.equal(open, false, 'the first has not come here yet');
      const first = ask(members[0]!, Verb.BARRIER, { number: 3, page });
      assert.deepEqual((await Promise.all([first, second, third])).map(({ status }) => status), [0, 0, 0]);
      assert.equal((await ask(members[0]!, Verb.BARRIER, { number: 3, page })).status, 0, 'it is not waiting there any more');

      // Again, and the one that waits on the page dies.
      await ask(host(1) | 9, Verb.LEAVE);
      await all();
      const next = (await all()).map(({ reply }) => reply?.page ?? 0)[0]!;
      comeOnPage(next, 0, 3, 1);
      await bench.client('n1').forget({ tid: members[0], epoch: 0 });
      const rest = members.slice(1).map((tid) => ask(tid, Verb.BARRIER, { number: 3 }));
      assert.deepEqual((await Promise.all(rest)).map(({ status }) => status), [0, 0]);
    });

    it('are known after a restart of the registry, with who waits on them', async () => {
      const page = await counting();
      await bench.restart();
      for (const name of ['n1', 'n2']) await bench.join(name, { host: host(Number(name[1])), instance: `${name}-2` }).first;
      assert.deepEqual((await all()).map(({ reply }) => [reply?.page, reply?.enter]), members.map(() => [page, true]));
      comeOnPage(page, 1, 2, 1);
      await ask(host(1) | 9, Verb.JOIN);
      await bench.restart();
      const waits = ask(members[1]!, Verb.BARRIER, { number: 2, page });
      await ask(members[0]!, Verb.SIZE);
      assert.equal((await ask(members[0]!, Verb.BARRIER, { number: 2 })).status, 0);
      assert.equal((await waits).status, 0);
    });

    it('that a task cannot use, or that it has left behind in a move, count no more', async () => {
      const page = await counting();
      const waits = ask(members[0]!, Verb.BARRIER, { number: 2, unusable: page });
      assert.equal((await ask(members[1]!, Verb.BARRIER, { number: 2 })).status, 0);
      assert.equal((await waits).status, 0);

      await all();
      const next = (await all()).map(({ reply }) => reply?.page ?? 0)[0]!;
      comeOnPage(next, 2, 3, 1);
      const move = { tid: members[2], epoch: 0, from: 'n1', to: 'n2', migration: 'm1' };
      assert.equal((await bench.client('n1').commitMove(move)).committed, true);
      const moved = ask(members[2]!, Verb.BARRIER, { number: 3, page: next });
      const rest = members.slice(0, 2).map((tid) => ask(tid, Verb.BARRIER, { number: 3 }));
      assert.deepEqual((await Promise.all([moved, ...rest])).map(({ status }) => status), [0, 0, 0]);
      assert.deepEqual([...(await all()), ...(await all())].map(({ reply }) => reply?.enter), members.flatMap(() => [false, false]), 'never on a page while one is elsewhere');
    });

    it('hold up a change of the group until their node answers', async () => {
      await counting();
      bench.cut.add('n1');
      let joined = false;
      const join = ask(host(1) | 9, Verb.JOIN).then(() => (joined = true));
      await ask(members[0]!, Verb.SIZE);
      assert.equal(joined, false);
      bench.cut.clear();
      await join;
      assert.equal((await ask(members[0]!, Verb.SIZE)).reply?.value, 4);
    });
  });

  describe('the mailbox', () => {
    const [me, other] = [host(1) | 2, host(2) | 3];
    const body = (text: string): Buffer => Buffer.from(text);
    const put = async (tid: number, name: string, flags: number, more: Partial<mpvm.task.IMailboxPut> = {}) => (await bench.client('n1').mailbox({ tid, put: { name, flags, body: body(name), ...more } })).status;
    const get = (tid: number, name: string, index: number, flags: number) => bench.client('n1').mailbox({ tid, get: { name, index, flags } }, { timeoutMs: 60_000 });
    const remove = async (tid: number, name: string, index: number) => (await bench.client('n1').mailbox({ tid, delete: { name, index } })).status;

    it('follows PVM step by step', async () => {
      assert.equal(await put(me, 'cls', 0), 0);
      assert.equal(await put(me, 'cls', 0), 0);
      assert.equal(await put(other, 'cls', 0), -8);
      assert.equal(await put(me, 'multi', 2), 0);
      assert.equal(await put(me, 'multi', 2), 1);
      assert.equal(await put(me, 'pers', 1 | 4), 0);
      assert.equal(await put(me, '', 0), -2);
      const found = await get(other, 'cls', 0, 0);
      assert.equal(Buffer.from(found.entry?.body ?? []).toString(), 'cls');
      assert.equal(found.entry?.owner, me);
      assert.equal((await get(me, 'cls', 1, 0)).status, -32);
      assert.equal((await get(me, 'cls', 1, 8)).status, -32);
      assert.equal((await get(me, 'multi', 1, 8)).status, 1);
      assert.equal(await remove(other, 'multi', 1), -8);
      assert.equal(await remove(me, 'multi', 1), 1);
      assert.equal(await remove(me, 'multi', 1), -32);
      assert.equal(await put(me, 'ins', 2), 0);
      assert.equal(await put(me, 'ins', 2, { exact: true, index: 0 }), -8);
      assert.equal(await put(me, 'ins', 2, { exact: true, index: 7 }), 7);
      const { classes } = await bench.client('n1').mailbox({ tid: me, list: { pattern: '*' } });
      assert.deepEqual(classes?.classes?.map(({ name, indices }) => [name, indices]), [['cls', [0]], ['multi', [0]], ['pers', [0]], ['ins', [0, 7]]]);
    });

    it('lets a reader wait, and a reader that deletes only where it may', async () => {
      const waiting = get(other, 'later', 0, 32);
      await put(me, 'later', 0);
      assert.equal((await waiting).status, 0);
      assert.equal((await get(other, 'later', 0, 16)).status, -8);
      assert.equal((await get(me, 'later', 0, 16)).status, 0);
      assert.equal((await get(me, 'later', 0, 0)).status, -32);
    });

    it('drops the entries of a task that has ended, but for persistent ones; over a restart too', async () => {
      await put(me, 'gone', 0);
      await put(me, 'stays', 1);
      await bench.client('n1').forget({ tid: me, epoch: 0 });
      await bench.restart();
      assert.equal((await get(other, 'gone', 0, 0)).status, -32);
      assert.equal((await get(other, 'stays', 0, 0)).entry?.owner, 0);
    });

    it('puts once what is sent again', async () => {
      const request = { tid: me, put: { name: 'twice', flags: 2, body: body('x') }, id: 'one' };
      assert.equal((await bench.client('n1').mailbox(request)).status, 0);
      await bench.restart();
      assert.equal((await bench.client('n1').mailbox({ ...request, again: true })).status, 0);
      assert.equal((await bench.client('n1').mailbox({ ...request, id: 'two' })).status, 1);
    });

    it('lists by patterns as PVM does: a part of the name, "*" for any characters, nothing else is special', async () => {
      for (const name of ['abc', 'abd', 'xabc', 'q', 'a.c']) await put(me, name, 0);
      const listed = async (pattern: string): Promise<string[]> => {
        const { classes } = await bench.client('n1').mailbox({ tid: me, list: { pattern } });
        return (classes?.classes ?? []).map(({ name }) => name ?? '').filter((name) => ['abc', 'abd', 'xabc', 'q', 'a.c'].includes(name));
      };
      const cases = { abc: 'abc xabc', 'ab*': 'abc abd xabc', 'a.c': 'a.c', 'ab[cd]': '', '^a': '', 'a*c': 'abc xabc a.c', '*bc': 'abc xabc', '**': 'abc abd xabc q a.c', '.*': 'a.c', 'c*a': '', '(': '' };
      for (const [pattern, names] of Object.entries(cases)) assert.equal((await listed(pattern)).join(' '), names, pattern);
      assert.equal((await bench.client('n1').mailbox({ tid: me, list: { pattern: 'x'.repeat(300) } })).status, -2);
    });
  });

  it('gives out contexts once, and takes each back once', async () => {
    const client = bench.client('n1');
    const { status: first } = await client.newContext({ tid: host(1) | 2 });
    assert.equal(first, 0x40001);
    await bench.restart();
    assert.equal((await bench.client('n1').newContext({ tid: host(1) | 2 })).status, 0x40002);
    assert.equal((await bench.client('n1').freeContext({ context: first })).status, 0);
    assert.equal((await bench.client('n1').freeContext({ context: first })).status, -32);
  });
});
