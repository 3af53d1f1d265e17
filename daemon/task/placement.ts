/**
 * Which hosts the tasks of one pvm_spawn go to: PVM's rules over a snapshot of the VM. Pure.
 */
import { architecture, pvm, spawnFlag } from './codes.js';

export interface Candidate {
  readonly name: string;
  readonly host: number;
  readonly cordoned: boolean;
  readonly architecture: string;
}
export interface PlacementRequest {
  readonly flags: number;
  readonly where: string;
  readonly count: number;
  /** The node that asks: "." in `where`. */
  readonly local: string;
  /** Host part of the host before the one that is next: served last, or the local one at first. */
  readonly after: number;
}
export interface Placement {
  /** Consecutive tasks of the spawn, host by host. */
  readonly blocks: { readonly node: string; readonly host: number; readonly count: number }[];
  /** From "host:directory", "architecture:directory" or ":directory", or empty. */
  readonly directory: string;
}
export type Refused = { readonly code: number; readonly detail: string };

export function place(candidates: readonly Candidate[], request: PlacementRequest): Placement | Refused {
  const { where, directory } = splitWhere(request);
  const named = eligible(candidates, request, where);
  if (named.length === 0) return { code: pvm.NoHost, detail: explainNone(request, where) };
  const open = named.filter((candidate) => !candidate.cordoned);
  if (open.length === 0) {
    return { code: pvm.NoHost, detail: `${named.map((candidate) => candidate.name).join(', ')}: cordoned, takes no new tasks` };
  }
  return { blocks: blocksOf(rotate(open, request), request.count), directory };
}

/** A directory may be given with any flags, or none. */
function splitWhere({ where }: PlacementRequest): { where: string; directory: string } {
  const colon = where.indexOf(':');
  return colon < 0 ? { where, directory: '' } : { where: where.slice(0, colon), directory: where.slice(colon + 1) };
}

function eligible(candidates: readonly Candidate[], request: PlacementRequest, where: string): Candidate[] {
  const { flags, local } = request;
  const wanted = (candidate: Candidate): boolean => {
    if (flags & spawnFlag.Host) return candidate.name === (where === '.' ? local : where);
    if (flags & spawnFlag.Arch) return (candidate.architecture || architecture) === where;
    return true;
  };
  const complement = (flags & spawnFlag.HostComplement) !== 0 && (flags & (spawnFlag.Host | spawnFlag.Arch)) !== 0;
  return candidates
    .filter((candidate) => wanted(candidate) !== complement)
    .sort((a, b) => a.host - b.host);
}

function explainNone({ flags }: PlacementRequest, where: string): string {
  if (flags & spawnFlag.HostComplement) return `no host but ${where}`;
  if (flags & spawnFlag.Host) return `no host ${where === '' ? '(empty name)' : where}`;
  if (flags & spawnFlag.Arch) return `no host of architecture ${where}`;
  return 'no host';
}

function rotate(open: Candidate[], request: PlacementRequest): Candidate[] {
  const first = open.findIndex((candidate) => candidate.host > request.after);
  return first <= 0 ? open : [...open.slice(first), ...open.slice(0, first)];
}

function blocksOf(open: Candidate[], count: number): Placement['blocks'] {
  const least = Math.floor(count / open.length);
  const more = count % open.length;
  return open
    .map((candidate, index) => ({ node: candidate.name, host: candidate.host, count: least + (index < more ? 1 : 0) }))
    .filter((block) => block.count > 0);
}
