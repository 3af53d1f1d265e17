/** The two state machines of a move: what the tables allow is done, everything else is refused. */
import assert from 'node:assert/strict';
import { noLog } from '../../daemon/log.js';
import { arrivalTable, IllegalTransition, Machine, moveTable, stateNumber } from '../../daemon/migration/state.js';
import { mpvm } from '../../daemon/rpc/messages.js';

type Table = Readonly<Record<string, readonly string[]>>;

function everyPair(name: string, table: Table): void {
  describe(name, () => {
    for (const from of Object.keys(table)) {
      for (const to of Object.keys(table)) {
        const allowed = table[from]!.includes(to);
        it(`${from} -> ${to} is ${allowed ? 'done' : 'refused'}`, () => {
          const machine = new Machine<string>(table, from, noLog);
          if (!allowed) assert.throws(() => machine.advance(to), IllegalTransition);
          else machine.advance(to);
          assert.equal(machine.state, allowed ? to : from);
        });
      }
    }
  });
}

function reachable(table: Table, start: string): Set<string> {
  const seen = new Set([start]);
  for (const state of seen) for (const next of table[state]!) seen.add(next);
  return seen;
}

describe('the states of a move', () => {
  everyPair('at its source', moveTable);
  everyPair('at its destination', arrivalTable);

  it('are those of the protocol, by name', () => {
    const numbers = Object.keys(moveTable).map((state) => stateNumber(state as keyof typeof moveTable));
    assert.deepEqual(numbers.sort((a, b) => a - b), Object.values(mpvm.node.MigrationState).filter((value) => typeof value === 'number'));
  });

  it('can all be reached, and every one of them ends', () => {
    for (const [table, start, ends] of [[moveTable, 'PLANNED', ['RESUMED', 'ABORTED']], [arrivalTable, 'JUDGING', ['RESUMED', 'GONE']]] as const) {
      assert.deepEqual([...reachable(table, start)].sort(), Object.keys(table).sort());
      for (const state of Object.keys(table)) assert.ok(ends.some((end) => reachable(table, state).has(end)), `${state} leads nowhere`);
    }
  });

  it('allow no other way back, once the directory has spoken, than the handing back of a task that never ran', () => {
    assert.deepEqual([...reachable(moveTable, 'COMMITTED')].sort(), ['ABORTED', 'COMMITTED', 'RESUMED']);
    assert.deepEqual(moveTable.RESUMED, []);
    assert.deepEqual(moveTable.ABORTED, []);
  });
});
