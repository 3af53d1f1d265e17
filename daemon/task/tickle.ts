/**
 * pvm_tickle: PVM's verbs for whoever looks for faults in its daemon. What they print goes to the
 * log of this node, as under PVM. The debug mask is kept, and changes how much is logged: any
 * bit of it turns on this daemon's debug messages.
 */
import { mpvm } from '../rpc/messages.js';
import { hostOf, tidText } from './codes.js';
import type { Core } from './core.js';
import type { TaskEntry } from './entry.js';

const verb = { heap: 0, hosts: 1, tasks: 2, waits: 3, mailbox: 4, getMask: 5, setMask: 6, packets: 7, failHost: 8, statistics: 9 } as const;

let mask = 0;
let quietLevel: string | undefined;

/** What the verb answers. */
export function tickle(core: Core, entry: TaskEntry, [what = -1, argument = 0]: number[]): number[] {
  const { log } = core;
  const by = tidText(entry.tid);
  switch (what) {
    case verb.hosts:
      log.info({ by, hosts: core.vm.nodes().map(({ name, host, address, state }) => ({ name, host: tidText(host ?? 0), address, state: mpvm.node.NodeState[state ?? 0] })) }, 'tickle: hosts');
      return [];
    case verb.tasks:
      log.info({ by, tasks: [...core.table.values()].map(({ tid, pid, state, program, epoch }) => ({ tid: tidText(tid), pid, state, program, epoch })) }, 'tickle: tasks');
      return [];
    case verb.getMask:
      return [mask];
    case verb.setMask:
      mask = argument;
      quietLevel ??= log.level;
      log.level = mask === 0 ? quietLevel : 'debug';
      log.info({ by, mask: mask.toString(16) }, 'tickle: debug mask');
      return [];
    case verb.failHost:
      log.warn({ by, host: tidText(hostOf(argument)) }, 'tickle: no host is given up because a task says so: use mpvm drain');
      return [0];
    default:
      log.info({ by, verb: what }, 'tickle: nothing is known of this here');
      return [];
  }
}
