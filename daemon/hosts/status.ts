/** What pvm_addhosts and pvm_delhosts say in their infos, from our codes. */
import { asMpvmError } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';

export const pvmStatus = {
  Ok: 0,
  BadParam: -2,
  NoHost: -6,
  SysErr: -14,
  BadVersion: -26,
  DupHost: -28,
  CantStart: -29,
  Already: -30,
  IPLoopback: -36,
} as const;

const statuses: Partial<Record<string, number>> = {
  HOSTFILE_SYNTAX: pvmStatus.BadParam,
  REGISTRY_STAYS: pvmStatus.BadParam,
  HOST_UNKNOWN: pvmStatus.NoHost,
  NODE_UNKNOWN: pvmStatus.NoHost,
  HOST_DUPLICATE: pvmStatus.DupHost,
  HOST_ADDING: pvmStatus.Already,
  HOST_BUSY: pvmStatus.Already,
  HOST_LOOPBACK: pvmStatus.IPLoopback,
  JOIN_VERSION: pvmStatus.BadVersion,
};

/** The result of a host for which something went wrong; `otherwise` is PVM's code for what it has no code for. */
export function failure(index: number, name: string, thrown: unknown, otherwise: number): mpvm.node.IHostResult {
  const { code, message, remedy } = asMpvmError(thrown);
  return { index, name, status: statuses[code] ?? otherwise, code, text: message, remedy };
}
