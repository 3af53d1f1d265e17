/** A drain as it stands in the registry's store: enough for another daemon to go on with it. */
import { MpvmError } from '../errors.js';
import { mpvm } from '../rpc/messages.js';

export const Then = mpvm.node.DrainRequest.Then;

export interface DrainRecord {
  id: string;
  nodes: string[];
  /** As it was given; may be empty. */
  reason: string;
  user: string;
  startedMs: number;
  /** 0: none. */
  deadlineMs: number;
  then: mpvm.node.DrainRequest.Then;
  /** Moves at once; 0: two, or with a deadline as many as it needs. */
  concurrency: number;
  /** Tasks that it has moved so far. */
  moved: number;
}

export const prefix = 'drain/';
export const keyOf = (id: string): string => `${prefix}${id}`;

const mostConcurrency = 64;

/** Throws BAD_REQUEST. */
export function recordOf(request: mpvm.node.IDrainRequest, id: string): DrainRecord {
  const nodes = [...new Set(request.nodes ?? [])];
  const then = request.then ?? Then.FAIL;
  if (nodes.length === 0) throw new MpvmError('BAD_REQUEST', { detail: 'name the nodes to drain' });
  if (Then[then] === undefined) throw new MpvmError('BAD_REQUEST', { detail: `there is no "then" number ${then}` });
  if (then === Then.KILL && !request.deadlineS) throw new MpvmError('BAD_REQUEST', { detail: 'to end what is left takes a deadline' });
  const startedMs = Date.now();
  return {
    id, nodes, then, startedMs, reason: request.reason ?? '', user: request.user ?? '', moved: 0,
    deadlineMs: request.deadlineS ? startedMs + request.deadlineS * 1000 : 0,
    concurrency: Math.min(mostConcurrency, request.concurrency ?? 0),
  };
}
