/**
 * A move in which one party dies, hangs, is cut off or fails at each point between two steps: the
 * task lives exactly once afterwards, with every message accounted for, and can move again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { mpvm } from '../../daemon/rpc/messages.js';
import { useLab } from './lab.js';
import type { Lab, LabOptions } from './lab.js';
import { root } from './paths.js';
import { until } from './wait.js';

const { Action } = mpvm.task.Fault;
/** The engine's own points, from the one list of them. */
const enginePoints = [...readFileSync(join(root, 'native/checkpoint/image/fault.h'), 'utf8').matchAll(/X\(((?:AGENT|RESTORER)_\w+)\)/g)].map((match) => match[1]!);
export const agentPoints = enginePoints.filter((point) => point.startsWith('AGENT_'));
export const restorerPoints = enginePoints.filter((point) => point.startsWith('RESTORER_'));

/** The restorer holds the whole task. Killed before the first instruction of the task, committed or not, it costs the move only. */
const beforeTakeOff = ['RESTORER_TOLD_AGENT', 'RESTORER_ARRIVED', 'RESTORER_GO', 'RESTORER_JUMP'];
/** After these the directory has spoken for the destination: the task runs there. */
const afterCommit = ['DEST_AFTER_COMMIT', 'DEST_AFTER_GO', 'SOURCE_BEFORE_DESTROY', 'SOURCE_AFTER_DESTROY', 'AGENT_VANISH', 'RESTORER_GO', 'RESTORER_JUMP'];
/** Either may happen, by who is faster. */
const either = ['SOURCE_AFTER_HANDOVER', 'SOURCE_AFTER_IMAGE', 'SOURCE_AFTER_ARRIVED', 'DEST_BEFORE_COMMIT', 'DEST_AFTER_ARRIVED', 'DEST_AFTER_HANDOVER', 'AGENT_SENT', 'AGENT_ARRIVED', 'AGENT_THAW', 'RESTORER_TOLD_AGENT', 'RESTORER_ARRIVED'];
/** The image is complete: a stream that breaks now stops nothing. Or the point was not reached: no pages were left. */
const cutTooLate = ['RESTORER_END', 'RESTORER_BUILT', 'RESTORER_MEMORY', 'AGENT_MEMORY'];

/** Mends what the fault broke; may say where the task must be afterwards. */
type Repair = (from: string, to: string, tid: number) => Promise<'from' | 'to' | undefined>;

/** For a describe block: a lab with faults, and the test of one fault in it. */
export function useFaults(options: LabOptions = {}): { lab: () => Lab; survives: (point: string, action: mpvm.task.Fault.Action, repair?: Repair) => Promise<void> } {
  const lab = useLab({ nodes: 3, faults: true, ...options });

  /** A ring runs; one of its members moves from n2 to n3, and the fault strikes. `after` repairs what it broke. */
  async function survives(point: string, action: mpvm.task.Fault.Action, repair?: Repair): Promise<void> {
    const [registry, from, to] = (await lab().nodeNames()) as [string, string, string];
    const run = await lab().run('ring', ['3', '4000000', '9', '4096'], registry);
    await run.printed('ring started');
    const member = await until('a member on the second node', async () => (await lab().tasks()).find((row) => row.tid !== run.tid && row.program?.endsWith('ring') && row.node === from));
    const tid = member.tid ?? 0;
    const moving = lab().migrate(tid, to, { fault: { point, action } }).catch((error: unknown) => String(error));
    const place = await repair?.(from, to, tid);
    const move = await moving;
    const outcome = typeof move === 'string' ? move : `${move.outcome} ${move.code}`;
    assert.doesNotMatch(outcome, /FAULTS_OFF|FAULT_UNKNOWN/);
    const row = await until(`the task runs once (${outcome})`, async () => {
      if (run.over) throw new Error(`the ring has ended: ${run.output.slice(-1000)}`);
      const rows = (await lab().tasks()).filter((one) => one.tid === tid);
      return rows.length === 1 && rows[0]!.state === 'running' && rows[0];
    });
    const neverRan = action === Action.KILL && beforeTakeOff.includes(point);
    const open = (either.includes(point) && !neverRan) || (action === Action.CUT && cutTooLate.includes(point));
    const expected = place ?? (afterCommit.includes(point) && !neverRan ? 'to' : 'from');
    if (!open || place) assert.equal(row.node, expected === 'to' ? to : from, outcome);
    const again = (await lab().nodeNames()).find((name) => name !== row.node && name !== registry)!;
    // What the broken move left open at either end is let go of in a moment.
    await until(`t${tid.toString(16)} moves again`, () => lab().move(tid, again).then(() => true), { everyMs: 200 });
    assert.equal(run.over, false, run.output);
  }

  // Also after a failure: rings that run on would take the processors from the cases that follow.
  // The members are tasks of their own; as under PVM they outlive who spawned them.
  afterEach(async () => {
    for (const one of await lab().tasks()) await lab().control.signal({ tid: one.tid ?? 0, signum: 9 });
    await until('the ring is gone', async () => (await lab().tasks()).length === 0);
  });
  return { lab, survives };
}
