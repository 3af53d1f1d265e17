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
const usualWindowMs = 1000;

/** Who has a goal looks often enough to meet it. */
function period(withinSeconds: number): number {
  return withinSeconds > 0 ? Math.min(defaultPeriodSeconds, Math.max(1, withinSeconds / 4)) : defaultPeriodSeconds;
}

/** Of a goal that is near not much is spent on measuring. */
function window(withinSeconds: number): number {
  return withinSeconds > 0 ? Math.min(usualWindowMs, Math.max(100, withinSeconds * 50)) : usualWindowMs;
}

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
  const reclaim = [...new Set(request.reclaim ?? [])];
  const withinSeconds = request.withinS ?? 0;
  if (!(withinSeconds >= 0)) throw bad('--within must be a number of seconds');
  if (reclaim.length > 0 && request.watch) throw bad('--reclaim is done once; a watch sees by itself whose owner is at work (MPVM_OWNER_HOOK)');
  if ((reclaim.length > 0 || withinSeconds > 0 || request.linger) && ['manual', 'rotate'].includes(policy)) throw bad(`the policy ${policy} does not give nodes back`);
  if (request.detach && !request.watch) throw bad('--detach goes with --watch');
  return {
    options: { policy, tolerance, gainFactor, restSeconds: request.restS ?? defaultOptions.restSeconds, mostMoves: request.mostMoves ?? 0, moves, ...(reclaim.length > 0 ? { reclaim } : {}), ...(withinSeconds > 0 ? { withinSeconds } : {}), ...(request.linger ? { linger: true } : {}) },
    dryRun: request.dryRun ?? false,
    watch: request.watch ?? false,
    detach: request.detach ?? false,
    periodMs: (request.periodS || period(withinSeconds)) * 1000,
    windowMs: request.windowMs || window(reclaim.length > 0 ? withinSeconds : 0),
    concurrency: Math.min(mostConcurrency, request.concurrency || 2),
    user: request.user || 'unknown',
  };
}
