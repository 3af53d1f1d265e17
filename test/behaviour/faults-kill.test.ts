/** A party to a move is killed with kill -9, at each point between two steps. */
import { destinationFaults, sourceFaults } from '../../daemon/migration/faults.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import { restorerPoints, useFaults } from '../lab/faults.js';

const { Action } = mpvm.task.Fault;

describe('a party to a move is killed: the task lives exactly once', function () {
  this.timeout(60_000);
  const { lab, survives } = useFaults({ restarts: true });

  describe('the restorer', () => {
    for (const point of restorerPoints) it(point, () => survives(point, Action.KILL));
  });
  describe('the daemon of the destination', () => {
    for (const point of destinationFaults) it(point, () => survives(point, Action.KILL, async (_, to) => { await lab().restartWhenDead(to); return undefined; }));
  });
  it('the daemon of the destination when it has committed, and then the restorer that waits for the next one', () =>
    survives('DEST_AFTER_COMMIT', Action.KILL, async (_, to, tid) => {
      await lab().daemonEnded(to);
      const arriving = lab().arrivingPid(to, tid);
      process.kill(arriving, 'SIGKILL');
      await lab().restart(to);
      return 'from';
    }));
  describe('the daemon of the source', () => {
    for (const point of sourceFaults) it(point, () => survives(point, Action.KILL, async (from) => { await lab().restartWhenDead(from); return undefined; }));
  });
});
