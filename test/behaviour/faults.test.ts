/** A step of a move fails, at each point between two steps: the task lives exactly once, and can move again. */
import { destinationFaults, sourceFaults } from '../../daemon/migration/faults.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import { agentPoints, restorerPoints, useFaults } from '../lab/faults.js';

const { Action } = mpvm.task.Fault;

describe('a step of a move fails: the task lives exactly once', function () {
  this.timeout(60_000);
  const { survives } = useFaults();
  for (const point of [...sourceFaults, ...destinationFaults, ...agentPoints, ...restorerPoints]) it(point, () => survives(point, Action.FAIL));
});
