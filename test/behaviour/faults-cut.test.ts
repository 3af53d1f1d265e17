/** The connection of a party to a move breaks, at each point between two steps. */
import { destinationFaults } from '../../daemon/migration/faults.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import { agentPoints, restorerPoints, useFaults } from '../lab/faults.js';

const { Action } = mpvm.task.Fault;

describe('a connection breaks during a move: the task lives exactly once', function () {
  this.timeout(60_000);
  const { survives } = useFaults();
  for (const point of [...destinationFaults, ...agentPoints, ...restorerPoints]) it(point, () => survives(point, Action.CUT));
});
