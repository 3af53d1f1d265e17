/** A decision as it is logged: all that it was made from, so that it can be made again off line. */
import { planBalance } from './balance.js';
import type { BalanceOptions, BalancePlan } from './policy.js';
import type { Snapshot } from './snapshot.js';

export interface DecisionRecord {
  v: 1;
  id: string;
  /** ISO 8601. */
  time: string;
  vm: string;
  user: string;
  dryRun: boolean;
  options: BalanceOptions;
  snapshot: Snapshot;
  plan: BalancePlan;
}
/** What became of the moves of a decision. */
export interface OutcomeRecord {
  v: 1;
  id: string;
  time: string;
  outcomes: { tid: number; from: string; to: string; migration: string; outcome: string; code: string; ms: number; predictedMs: number; bytes: number }[];
}

export interface Replayed {
  decision: DecisionRecord;
  plan: BalancePlan;
  /** The same moves, for the same reasons, were planned then. */
  same: boolean;
}

/** A log, or one decision. Throws an Error that names the line. Outcomes are passed over. */
export function readDecisions(text: string): DecisionRecord[] {
  const decisions: DecisionRecord[] = [];
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    const record = parse(line, index + 1);
    if ('snapshot' in record) decisions.push(record);
  });
  return decisions;
}

function parse(line: string, number: number): DecisionRecord | OutcomeRecord {
  let record: Partial<DecisionRecord & OutcomeRecord> | null;
  try {
    record = JSON.parse(line) as typeof record;
  } catch {
    throw new Error(`line ${number} is not JSON`);
  }
  if (record?.v !== 1) throw new Error(`line ${number} is no decision of a version that this program knows`);
  const whole = Array.isArray(record.snapshot?.nodes) && Array.isArray(record.snapshot.tasks) && Array.isArray(record.plan?.moves) && typeof record.options === 'object';
  if (!whole && !Array.isArray(record.outcomes)) throw new Error(`line ${number} lacks what a decision is made from`);
  return record as DecisionRecord | OutcomeRecord;
}

/** With other options than then, to see what another policy would have done. */
export function replay(decision: DecisionRecord, change: Partial<BalanceOptions> = {}): Replayed {
  const plan = planBalance(decision.snapshot, { ...decision.options, ...change });
  return { decision, plan, same: JSON.stringify(plan) === JSON.stringify(decision.plan) };
}
