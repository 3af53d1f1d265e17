/**
 * Fault points of the daemons: one between any two steps of a move, on each side. The task's own
 * (AGENT_…) and the restorer's (RESTORER_…) are listed by native/checkpoint and passed on.
 * Only daemons started with --faults obey; tests name one point and one action in a MigrateRequest.
 */
import { MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { mpvm } from '../rpc/messages.js';

export const sourceFaults = [
  'SOURCE_BEFORE_INVENTORY',
  'SOURCE_BEFORE_INBOUND',
  'SOURCE_AFTER_READY', // the destination listens, the agent has not been asked
  'SOURCE_AFTER_START', // the agent has been asked
  'SOURCE_DURING_PRECOPY', // at the first progress of the copying
  'SOURCE_BEFORE_GRANT', // the agent asks for the freeze
  'SOURCE_AFTER_GRANT', // it has it
  'SOURCE_AFTER_IMAGE', // the agent has sent all; the record has not been handed over
  'SOURCE_AFTER_HANDOVER',
  'SOURCE_AFTER_ARRIVED',
  'SOURCE_BEFORE_DESTROY', // committed, and the agent has not been told
  'SOURCE_AFTER_DESTROY',
] as const;

export const destinationFaults = [
  'DEST_BEFORE_JUDGE',
  'DEST_BEFORE_RESTORER',
  'DEST_AFTER_READY', // it listens, the source knows; there is no restorer yet
  'DEST_AFTER_HELLO',
  'DEST_AFTER_ARRIVED', // the restorer holds the process; the record may be missing
  'DEST_AFTER_HANDOVER', // the record is here; the process may be missing
  'DEST_BEFORE_COMMIT', // both
  'DEST_AFTER_COMMIT', // the directory has said yes; the restorer has not been told
  'DEST_AFTER_GO', // it has; the source has not been told
] as const;

/** In moves with criu: what its engine does at the source and at the destination. KILL is for criu itself there. */
export const captureFaults = [
  'CRIU_BEFORE_DUMP', // the task has let go of everything; criu has not been started
  'CRIU_DUMP', // in the middle of it
  'CRIU_AFTER_DUMP', // all pages are with the destination, not the rest
] as const;
export const receiverFaults = [
  'CRIU_RESTORE', // in the middle of it
] as const;
export const criuDestinationFaults = [
  'DEST_BEFORE_RESTORE', // the whole image is here
  'DEST_AFTER_RESTORE', // criu has ended; the copy does not know where it is
] as const;

export type SourceFault = (typeof sourceFaults)[number];
export type DestinationFault = (typeof destinationFaults)[number] | (typeof criuDestinationFaults)[number];
export type EngineFault = (typeof captureFaults)[number] | (typeof receiverFaults)[number];
export type FaultPoint = SourceFault | DestinationFault | EngineFault;
type FaultRequest = mpvm.node.IFaultRequest | mpvm.task.IFault;

const { Action } = mpvm.task.Fault;

/** Who is to obey a fault: told by the first word of its point. Throws FAULT_UNKNOWN. */
export function faultOwner(point: string): 'source' | 'destination' | 'agent' | 'restorer' | 'capture' | 'receiver' {
  if ((sourceFaults as readonly string[]).includes(point)) return 'source';
  if ((destinationFaults as readonly string[]).includes(point) || (criuDestinationFaults as readonly string[]).includes(point)) return 'destination';
  if ((captureFaults as readonly string[]).includes(point)) return 'capture';
  if ((receiverFaults as readonly string[]).includes(point)) return 'receiver';
  if (point.startsWith('AGENT_') || point.startsWith('CRIU_AGENT_')) return 'agent';
  if (point.startsWith('RESTORER_')) return 'restorer';
  throw new MpvmError('FAULT_UNKNOWN', { point });
}

/** Refuses faults where they are not allowed; an empty request is none. */
export function checkFault(fault: FaultRequest | null | undefined, allowed: boolean): FaultRequest | undefined {
  if (!fault?.point) return undefined;
  if (!allowed) throw new MpvmError('FAULTS_OFF');
  faultOwner(fault.point);
  return fault;
}

/** The fault of one move, at one of its ends. `cut` breaks the connection to the other end. */
export class Faults {
  readonly #fault: FaultRequest | undefined;
  readonly #cut: () => void;
  readonly #log: Logger;

  constructor(fault: FaultRequest | undefined, cut: () => void, log: Logger) {
    this.#fault = fault;
    this.#cut = cut;
    this.#log = log;
  }

  /** Does what was asked for this point, nothing otherwise. FAIL throws FAULT_INJECTED. */
  at(point: FaultPoint): void {
    if (this.#fault?.point !== point) return;
    this.#log.warn({ point, action: this.#fault.action }, 'fault injected');
    switch (this.#fault.action) {
      case Action.KILL:
        process.kill(process.pid, 'SIGKILL');
        return;
      case Action.STOP:
        process.kill(process.pid, 'SIGSTOP');
        return;
      case Action.CUT:
        this.#cut();
        return;
      case Action.FAIL:
        throw new MpvmError('FAULT_INJECTED', { point });
    }
  }
}
