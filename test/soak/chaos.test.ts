/**
 * Everything at once: see chaos.ts. A quarter of a minute for each ground; MPVM_SOAK=1 makes it ten minutes each, MPVM_CHAOS_S
 * any number of seconds. MPVM_TEST_SEED=… gives the same deeds again.
 */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { useLab } from '../lab/lab.js';
import type { Lab } from '../lab/lab.js';
import { useNamespaces } from '../lab/namespaces.js';
import type { NamespaceLab } from '../lab/namespaces.js';
import { Random } from '../lab/random.js';
import { skip } from '../lab/skip.js';
import { Verdicts } from '../lab/verdicts.js';
import { until } from '../lab/wait.js';
import { Chaos } from './chaos.js';
import type { Ground } from './chaos.js';

const seconds = Number(process.env.MPVM_CHAOS_S ?? (Number(process.env.MPVM_SOAK ?? 0) > 0 ? 600 : 12));
/** Nobody stays away for so long: to be declared dead would be right, and the end of its tasks. */
const patient = { MPVM_GRACE_MS: '60000' };

function groundOf(lab: Lab): Ground {
  return {
    get control() { return lab.control; },
    directory: lab.directory,
    verdicts: new Verdicts(lab.directory),
    nodeNames: () => lab.nodeNames(),
    tasks: () => lab.tasks(),
    migrate: (tid, to, options) => lab.migrate(tid, to, options),
    kill: (node) => lab.killDaemon(node),
    start: (node) => lab.restart(node),
    signal: (node, signal) => lab.killDaemon(node, signal),
  };
}

function groundOver(lab: NamespaceLab): Ground {
  // The node of the first machine is called as mpvm up calls it.
  const machine = (node: string) => (node === 'n1' ? lab.machines[0]! : lab.machine(node));
  return {
    get control() { return lab.control; },
    directory: lab.directory,
    verdicts: new Verdicts(lab.directory),
    nodeNames: () => lab.nodeNames(),
    tasks: () => lab.tasks(),
    migrate: (tid, to, options) => lab.migrate(tid, to, options),
    kill: async (node) => {
      const pid = machine(node).daemonPid(node);
      await machine(node).signal(pid, 'SIGKILL');
      await until(`the end of the daemon of ${node}`, () => !machine(node).lives(pid));
    },
    start: async (node) => {
      await machine(node).mpvm('up');
    },
    signal: (node, signal) => machine(node).signal(machine(node).daemonPid(node), signal),
    cable: (node, plugged) => (plugged ? machine(node).mend() : machine(node).cut()),
  };
}

async function chaos(ground: Ground): Promise<void> {
  const random = new Random();
  console.log(`      seed ${random.seed}`);
  const log = process.env.MPVM_CHAOS_LOG;
  const began = performance.now();
  const trouble = new Chaos(ground, random, (line) => log && appendFileSync(log, `${((performance.now() - began) / 1000).toFixed(2)} ${line}\n`));
  try {
    await trouble.run(seconds);
  } finally {
    console.log(`      ${trouble.summary()}`);
  }
  assert.deepEqual(trouble.findings, []);
}

describe('no message and no task is lost, doubled or spoilt, whatever happens', function () {
  this.timeout(seconds * 1000 + 240_000);
  before(function () {
    if (!process.env.MPVM_SOAK && !process.env.MPVM_TEST_SEED && !process.env.MPVM_CHAOS_S)
      skip(this, 'chaos: still finds what is not mended (seed 886877491 hangs); run it with MPVM_SOAK=1, MPVM_CHAOS_S or MPVM_TEST_SEED');
  });

  describe('to nodes of one machine: daemons killed and stopped, drains, balancing, moves', () => {
    const lab = useLab({ nodes: 4, env: patient });
    it('at once', () => chaos(groundOf(lab())));
  });

  describe('to machines of their own: cables cut as well', () => {
    const lab = useNamespaces(3);
    before(async () => {
      Object.assign(lab().env, patient);
      const [first, ...others] = lab().machines;
      await first!.mpvm('up', '--address', first!.address);
      const token = (await first!.mpvm('token', '--reusable')).trim();
      for (const other of others) await other.mpvm('join', token);
    });
    it('at once', () => chaos(groundOver(lab())));
    it('and nothing is left of it', async () => {
      await lab().machines[0]!.mpvm('down');
      assert.deepEqual(await lab().leftovers(), []);
    });
  });
});
