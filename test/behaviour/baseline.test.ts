/** A VM of unequal processors: what a task may depend on decides where it can go. */
import assert from 'node:assert/strict';
import { bindTo, commonFeatures, lacking } from '../../daemon/schedule/baseline.js';
import { Lab } from '../lab/lab.js';
import { program } from '../lab/programs.js';

describe('a VM whose processors differ', function () {
  this.timeout(120_000);
  const hidden = ['avx2', 'fma'];
  let lab: Lab;

  before(async () => {
    lab = await Lab.start({ nodes: 1 });
    const added = await lab.cli(['up', '--nodes', '2'], { env: { MPVM_CPU_WITHOUT: hidden.join(' ') } });
    assert.equal(added.code, 0, added.stderr);
  });
  after(() => lab.stop());

  const spawn = async (...options: string[]): Promise<string> => {
    const { stdout, stderr } = await lab.cli(['spawn', '--node', 'n1', ...options, program('sleeper')]);
    assert.match(stdout, /^t/, stderr);
    return stdout.trim();
  };

  it('names what the destination lacks before it touches a task', async function () {
    if (!(await lab.nodes()).some(({ cpuFeatures }) => cpuFeatures?.includes('avx2'))) this.skip();
    const explained = await lab.cli(['explain', await spawn(), '--to', 'n2']);
    assert.match(explained.stdout, /n2 lacks avx2 fma/);
  });

  it('moves a task that was started with what all have in common', async () => {
    const tid = await spawn('--cpu-baseline');
    const moved = await lab.cli(['migrate', tid, '--to', 'n2']);
    assert.equal(moved.code, 0, moved.stderr + moved.stdout);
  });
});

describe('the baseline of a VM', () => {
  const nodes = [{ name: 'a', cpuFeatures: ['avx', 'avx2', 'pni'] }, { name: 'b', cpuFeatures: ['avx', 'pni'] }, { name: 'silent', cpuFeatures: [] }];

  it('is what all nodes that have told can do', () => {
    assert.deepEqual(commonFeatures(nodes), ['avx', 'pni']);
    assert.deepEqual(lacking(nodes), [{ node: 'b', lacks: ['avx2'] }]);
    assert.deepEqual(commonFeatures([]), []);
  });

  it('switches off what glibc, OpenBLAS and MKL would take beyond it, and keeps what the user has set', () => {
    const bound = bindTo({ GLIBC_TUNABLES: 'glibc.malloc.check=1', OPENBLAS_CORETYPE: 'Zen' }, ['avx', 'pni'], ['abm', 'avx', 'avx2', 'fsgsbase', 'pni']);
    assert.deepEqual(bound, {
      GLIBC_TUNABLES: 'glibc.malloc.check=1:glibc.cpu.hwcaps=-LZCNT,-AVX2', OPENBLAS_CORETYPE: 'Zen', MKL_ENABLE_INSTRUCTIONS: 'AVX', MPVM_CPU_FEATURES: 'avx pni',
    });
    assert.deepEqual(bindTo({}, ['avx'], ['avx']), { MPVM_CPU_FEATURES: 'avx' });
  });
});
