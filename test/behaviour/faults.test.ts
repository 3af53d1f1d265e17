/**
 * A move in which one party dies, hangs, is cut off or fails at each point between two steps: the
 * task lives exactly once afterwards, with every message accounted for, and can move again.
 */
import assert from 'node:assert/strict';
import { destinationFaults, sourceFaults } from '../../daemon/migration/faults.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import { useLab } from '../lab/lab.js';
import { until } from '../lab/wait.js';

const { Action } = mpvm.task.Fault;
/** After these the directory has spoken for the destination: the task runs there. */
const afterCommit = new Set(['DEST_AFTER_COMMIT', 'DEST_AFTER_GO', 'SOURCE_BEFORE_DESTROY', 'SOURCE_AFTER_DESTROY']);
/** Either may happen, by who is faster. */
const either = new Set(['SOURCE_AFTER_IMAGE', 'SOURCE_AFTER_ARRIVED', 'DEST_BEFORE_COMMIT']);

describe('a fault at any point of a move: the task lives exactly once', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 3, faults: true });

  async function survives(point: string, action: mpvm.task.Fault.Action): Promise<void> {
    const nodes = await lab().nodeNames();
    const run = await lab().run('ring', ['3', '6000', '9', '65536'], nodes[2]);
    await run.printed('ring started');
    const member = await until('a member away from the master', async () => (await lab().tasks()).find((row) => row.tid !== run.tid && row.program?.endsWith('ring') && row.node !== nodes[0]));
    const from = member.node ?? '';
    const to = nodes.find((name) => name !== from && name !== nodes[0]) ?? nodes[0]!;
    const move = await lab().migrate(member.tid ?? 0, to, { fault: { point, action } }).catch((error: unknown) => String(error));
    const outcome = typeof move === 'string' ? move : `${move.outcome} ${move.code}`;
    assert.doesNotMatch(outcome, /FAULTS_OFF|FAULT_UNKNOWN/);
    await until(`the task runs once (${outcome})`, async () => {
      if (run.over) return true;
      const rows = (await lab().tasks()).filter((row) => row.tid === member.tid);
      return rows.length === 1 && rows[0]!.state === 'running';
    });
    if (!run.over) {
      const where = (await lab().task(member.tid ?? 0))?.node;
      if (where !== undefined && !either.has(point)) assert.equal(where, afterCommit.has(point) ? to : from, outcome);
    }
    assert.match(await run.success(), /ring ok/);
  }

  for (const point of [...sourceFaults, ...destinationFaults]) {
    it(`${point} fails`, () => survives(point, Action.FAIL));
  }
  for (const point of destinationFaults) {
    it(`${point}: the connection between the daemons is cut`, () => survives(point, Action.CUT));
  }
});
