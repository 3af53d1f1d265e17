/** The rows of the benchmark: what each contestant runs for them, and how the table shows them. */
import type { Contestant, Run } from './contestants.js';

export interface Effort {
  quick: boolean;
  /** Seconds for each point. */
  seconds: number;
  repetitions: number;
}

export interface Row {
  name: string;
  title: string;
  /** Fewer would do where a run takes long. */
  repetitions?: number;
  /** What the row's line for a point of ours is called, and the points it is compared with. */
  runs(contestant: Contestant, effort: Effort): Run[];
  /** The point of another contestant that answers to this one of ours. */
  counterpart?(point: string, contestant: Contestant): string;
}

export const cases = ['psend', 'inplace', 'raw', 'xdr'];
const allSizes = [0, 8, 64, 512, 4096, 32768, 262144, 1 << 20, 4 << 20, 16 << 20, 64 << 20];
const quickSizes = [8, 64, 4096, 65536, 1 << 20, 16 << 20];
const teams = [2, 4, 16];

const sizesOf = (effort: Effort): string => (effort.quick ? quickSizes : allSizes).join(',');

/** PVM's cases against the one way MPI and plain C have. */
function sameSize(point: string, contestant: Contestant): string {
  const [row, , size] = point.split(' ');
  if (contestant.kind === 'pvm') return point;
  return `${row} ${contestant.kind === 'mpi' ? 'mpi' : contestant.method ?? 'raw'} ${size}`;
}

function pingpong(contestant: Contestant, effort: Effort): Run[] {
  const sizes = sizesOf(effort), time = String(effort.seconds);
  if (contestant.kind === 'pvm') return cases.map((name) => ({ args: ['pingpong', name, sizes, time], tasks: 2 }));
  if (contestant.kind === 'mpi') return [{ args: ['pingpong', sizes, time], tasks: 2 }];
  return [{ args: ['pingpong', contestant.method ?? '', sizes, time], tasks: 2 }];
}

/** Rows that any number of tasks take part in; the plain programs have none of them. */
function together(name: string, teamsOf: readonly number[]): (contestant: Contestant, effort: Effort) => Run[] {
  return (contestant, effort) => {
    const time = String(effort.seconds * 2);
    if (contestant.kind === 'plain') return [];
    return teamsOf.map((tasks) => ({ args: contestant.kind === 'pvm' ? [name, String(tasks), time] : [name, time], tasks }));
  };
}

function mcast(contestant: Contestant, effort: Effort): Run[] {
  const sizes = effort.quick ? '8,65536' : '8,65536,1048576', time = String(effort.seconds * 2);
  if (contestant.kind === 'plain') return [];
  return teams.map((tasks) => ({ args: contestant.kind === 'pvm' ? ['mcast', String(tasks), sizes, time] : ['mcast', sizes, time], tasks }));
}

export const rows: readonly Row[] = [
  { name: 'pingpong', title: 'half a round trip between two tasks of a node', runs: pingpong, counterpart: sameSize },
  {
    name: 'rate',
    title: 'time a message of 8 bytes in a stream one way',
   
    runs: ({ kind, method }, { seconds }) => (kind === 'plain' && method !== 'spin' ? [] : [{ args: ['rate', String(seconds * 2)], tasks: 2 }]),
  },
  { name: 'mcast', title: 'multicast to the others, each of which answers (case: number of tasks)', runs: mcast },
  { name: 'barrier', title: 'barrier (size: number of tasks)', runs: together('barrier', teams) },
  { name: 'reduce', title: 'reduction of a double to one task, and a barrier (size: number of tasks)', runs: together('reduce', teams) },
  { name: 'ring', title: 'one token round a ring, time a hop (size: number of tasks)', runs: together('ring', [4, 16]) },
  { name: 'pairs', title: '64 bytes from everyone to everyone (size: number of tasks)', runs: together('pairs', [4, 16]) },
  {
    name: 'spawn',
    title: 'start tasks, until all have answered (size: number of tasks)',
    repetitions: 2,
    runs: ({ kind, method }) => (kind === 'mpi' || (kind === 'plain' && method !== 'spin') ? [] : [1, 10, 100].map((tasks) => ({ args: ['spawn', String(tasks), '3'], tasks: 1 }))),
  },
  {
    name: 'pack',
    title: 'pack doubles; memcpy of as much',
   
    runs: ({ kind }, { seconds }) => (kind === 'pvm' ? [{ args: ['pack', '4096,65536,1048576', String(seconds)], tasks: 1 }] : []),
  },
  {
    name: 'compute',
    title: 'a fixed piece of work without a call of the library',
   
    runs: ({ name }, { seconds }) => (['mpvm', 'mpvm, no agent'].includes(name) ? [{ args: ['compute', String(seconds * 4)], tasks: 1 }] : []),
  },
];
