/** Which hosts the tasks of one pvm_spawn go to. */
import assert from 'node:assert/strict';
import { pvm, spawnFlag } from '../../daemon/task/codes.js';
import { place, type Candidate, type PlacementRequest } from '../../daemon/task/placement.js';

const host = (index: number, more: Partial<Candidate> = {}): Candidate => ({ name: `n${index}`, host: index << 18, cordoned: false, architecture: 'LINUX64', ...more });
const three = [host(1), host(2), host(3)];

function outcome(candidates: readonly Candidate[], request: Partial<PlacementRequest>): string {
  const plan = place(candidates, { flags: 0, where: '', count: 1, local: 'n1', after: 1 << 18, ...request });
  if ('code' in plan) return String(plan.code);
  const where = plan.blocks.map((block) => `${block.node}:${block.count}`).join(' ');
  return plan.directory ? `${where} in ${plan.directory}` : where;
}

describe('placing the tasks of a spawn', () => {
  const table: [string, Partial<PlacementRequest>, string][] = [
    ['the first task goes to the host after the local one', {}, 'n2:1'],
    ['tasks go to all hosts in blocks, the first hosts take the rest', { count: 8 }, 'n2:3 n3:3 n1:2'],
    ['the round robin goes on where the last spawn ended', { count: 2, after: 2 << 18 }, 'n3:1 n1:1'],
    ['it starts again after the last host', { after: 3 << 18 }, 'n1:1'],
    ['a named host takes all', { flags: spawnFlag.Host, where: 'n3', count: 5 }, 'n3:5'],
    ['"." is the local host', { flags: spawnFlag.Host, where: '.', count: 2 }, 'n1:2'],
    ['what follows a colon is a directory', { flags: spawnFlag.Host, where: 'n2:/tmp/x:y' }, 'n2:1 in /tmp/x:y'],
    ['a host that is not there is PvmNoHost', { flags: spawnFlag.Host, where: 'n9' }, String(pvm.NoHost)],
    ['names are compared exactly', { flags: spawnFlag.Host, where: 'N2' }, String(pvm.NoHost)],
    ['no name is no host', { flags: spawnFlag.Host, where: '' }, String(pvm.NoHost)],
    ['the complement of a host is all others', { flags: spawnFlag.Host | spawnFlag.HostComplement, where: 'n2', count: 4 }, 'n3:2 n1:2'],
    ['an architecture is compared', { flags: spawnFlag.Arch, where: 'LINUX64', count: 3 }, 'n2:1 n3:1 n1:1'],
    ['an architecture that is not there is PvmNoHost', { flags: spawnFlag.Arch, where: 'CRAY' }, String(pvm.NoHost)],
    ['the complement of an architecture that all have is nothing', { flags: spawnFlag.Arch | spawnFlag.HostComplement, where: 'LINUX64' }, String(pvm.NoHost)],
    ['a place without a flag says nothing', { where: 'n9', count: 3 }, 'n2:1 n3:1 n1:1'],
    ['the complement alone says nothing', { flags: spawnFlag.HostComplement, where: 'n2' }, 'n2:1'],
    ['tasks without a parent go anywhere', { flags: spawnFlag.NoSpawnParent, count: 3 }, 'n2:1 n3:1 n1:1'],
    ['the front end is everywhere', { flags: spawnFlag.MppFront }, 'n2:1'],
  ];
  for (const [what, request, expected] of table) it(what, () => assert.equal(outcome(three, request), expected));

  it('cordoned hosts take none', () => {
    const some = [host(1), host(2, { cordoned: true }), host(3)];
    assert.equal(outcome(some, { count: 4 }), 'n3:2 n1:2');
    assert.equal(outcome(some, { flags: spawnFlag.Host, where: 'n2' }), String(pvm.NoHost));
    const plan = place([host(2, { cordoned: true })], { flags: 0, where: '', count: 1, local: 'n1', after: 0 });
    assert.ok('code' in plan && plan.detail.includes('cordoned'));
  });

  it('a cordoned local host does not change where the round robin starts', () => {
    assert.equal(outcome([host(1), host(2, { cordoned: true }), host(3)], { local: 'n2', after: 2 << 18 }), 'n3:1');
  });
});
