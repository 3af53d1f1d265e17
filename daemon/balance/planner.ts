/** From measurements to a plan whose moves have been asked about: those that both ends would make. */
import { randomBytes } from 'node:crypto';
import type { VirtualMachine } from '../contracts.js';
import type { Logger } from '../log.js';
import { stopping } from '../migration/blockers.js';
import { planBalance } from '../schedule/balance.js';
import type { DecisionRecord } from '../schedule/replay.js';
import type { PlannedMove, Snapshot, TaskView } from '../schedule/snapshot.js';
import { assemble, takeSamples } from './assemble.js';
import type { Memory } from './assemble.js';
import type { Wanted } from './request.js';

/** A plan is made again when some of its moves turn out to be impossible; after so often the rest is tried. */
const mostPlans = 12;
const questionsAtOnce = 4;

export interface PlannerDeps {
  vm: VirtualMachine;
  log: Logger;
}

export async function decide(deps: PlannerDeps, { options, windowMs, user, dryRun }: Wanted, memory: Memory): Promise<DecisionRecord> {
  const samples = await takeSamples(deps.vm, windowMs, deps.log);
  const now = Date.now();
  let snapshot = assemble(samples, now, memory);
  let plan = planBalance(snapshot, options);
  const asked = new Set<string>();
  for (let round = 1; round < mostPlans; round++) {
    const answers = await askAbout(deps, plan.moves.filter(({ tid, to }) => !asked.has(`${tid} ${to}`)));
    for (const { move } of answers) asked.add(`${move.tid} ${move.to}`);
    const hindered = answers.filter(({ here, there }) => here.length > 0 || there);
    if (hindered.length === 0) break;
    snapshot = withAnswers(snapshot, hindered);
    plan = planBalance(snapshot, options);
  }
  return { v: 1, id: `b${randomBytes(6).toString('hex')}`, time: new Date(now).toISOString(), vm: deps.vm.name, user, dryRun, options, snapshot, plan };
}

interface Answer {
  move: PlannedMove;
  /** Why the task cannot move at all. */
  here: string[];
  /** The destination cannot take it. */
  there: boolean;
}

async function askAbout({ vm, log }: PlannerDeps, moves: readonly PlannedMove[]): Promise<Answer[]> {
  const queue = [...moves];
  const answers: Answer[] = [];
  const worker = async (): Promise<void> => {
    for (let move = queue.shift(); move; move = queue.shift()) answers.push(await ask(move));
  };
  const ask = async (move: PlannedMove): Promise<Answer> => {
    try {
      const reply = await vm.peer(move.from).explainTask({ tid: move.tid, to: move.to, engine: '' });
      const blockers = stopping(reply.blockers);
      const failed = reply.status?.status ? [reply.status.text ?? ''] : [];
      return { move, here: [...failed, ...blockers.filter(({ side }) => side !== 'destination').map(({ cause }) => cause ?? '')], there: blockers.some(({ side }) => side === 'destination') };
    } catch (error) {
      log.info({ ...move, cause: String(error) }, 'nobody says whether a task can move');
      return { move, here: [], there: true };
    }
  };
  await Promise.all(Array.from({ length: questionsAtOnce }, worker));
  return answers;
}

function withAnswers(snapshot: Snapshot, hindered: readonly Answer[]): Snapshot {
  const byTid = new Map(hindered.map((answer) => [answer.move.tid, answer]));
  const change = (task: TaskView): TaskView => {
    const answer = byTid.get(task.tid);
    if (!answer) return task;
    return { ...task, blocked: [...task.blocked, ...answer.here], refusedBy: answer.there ? [...task.refusedBy, answer.move.to] : task.refusedBy };
  };
  return { ...snapshot, tasks: snapshot.tasks.map(change) };
}
