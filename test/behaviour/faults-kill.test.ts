/** A party to a move is killed with kill -9, at each point between two steps. */
import { destinationFaults, sourceFaults } from '../../daemon/migration/faults.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import { restorerPoints, useFaults } from '../lab/faults.js';

const { Action } = mpvm.task.Fault;

describe('a party to a move is killed: the task lives exactly once', function () {
  this.timeout(60_000);
  const { lab, survives } = useFaults();

  describe('the restorer', () => {
    // Its daemon commits as soon as it hears that all has arrived: who kills it then kills the task.
    for (const point of restorerPoints.slice(0, restorerPoints.indexOf('RESTORER_ARRIVED'))) it(point, () => survives(point, Action.KILL));
  });
  describe('the daemon of the destination', () => {
    for (const point of destinationFaults) it(point, () => survives(point, Action.KILL, (_, to) => lab().restartWhenDead(to)));
  });
  describe('the daemon of the source', () => {
    for (const point of sourceFaults) it(point, () => survives(point, Action.KILL, (from) => lab().restartWhenDead(from)));
  });
});
