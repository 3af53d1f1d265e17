/** What was asked for, with defaults, checked. */
import { MpvmError } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';
import { defaultOptions, policies } from '../schedule/policy.js';
import type { BalanceOptions, Policy } from '../schedule/policy.js';

export interface Wanted {
  options: BalanceOptions;
  dryRun: boolean;
  watch: boolean;
  detach: boolean;
  periodMs: number;
  windowMs: number;
  concurrency: number;
  user: string;
}

const defaultPeriodSeconds = 10;
const mostConcurrency = 64;

/** Throws BAD_REQUEST. */
export function wanted(request: mpvm.node.IBalanceRequest): Wanted {
  const bad = (detail: string): MpvmError => new MpvmError('BAD_REQUEST', { detail });
  const policy = (request.policy || defaultOptions.policy) as Policy;
  const moves = (request.moves ?? []).map(({ tid, to }) => ({ tid: tid ?? 0, to: to ?? '' }));
  const tolerance = request.tolerance ?? defaultOptions.tolerance;
  const gainFactor = request.gainFactor ?? defaultOptions.gainFactor;
  if (!policies.includes(policy)) throw bad(`there is no policy "${policy}": use ${policies.join(', ')}`);
  if (policy === 'manual' && moves.length === 0) throw bad('the policy manual needs moves: --move TID=NODE, or --plan FILE');
  if (policy !== 'manual' && moves.length > 0) throw bad(`moves are given to the policy manual, not to ${policy}`);
  if (!(tolerance > 0 && tolerance < 1)) throw bad('the tolerance must lie between 0 and 1');
  if (!(gainFactor >= 0)) throw bad('the gain factor must be a number from 0 on');
  if (request.watch && (policy === 'manual' || request.dryRun)) throw bad(`--watch makes no sense with ${request.dryRun ? '--dry-run' : 'the policy manual'}`);
  if (request.detach && !request.watch) throw bad('--detach goes with --watch');
  return {
    options: { policy, tolerance, gainFactor, restSeconds: request.restS ?? defaultOptions.restSeconds, mostMoves: request.mostMoves ?? 0, moves },
    dryRun: request.dryRun ?? false,
    watch: request.watch ?? false,
    detach: request.detach ?? false,
    periodMs: (request.periodS || defaultPeriodSeconds) * 1000,
    windowMs: request.windowMs || 1000,
    concurrency: Math.min(mostConcurrency, request.concurrency || 2),
    user: request.user || 'unknown',
  };
}
