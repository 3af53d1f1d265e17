/** The API for other programs: its page, reflection, the client that the package exports, and figures for Prometheus. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { useLab } from '../lab/lab.js';
import { root } from '../lab/paths.js';
import { until } from '../lab/wait.js';

const run = promisify(execFile);

describe('the API', function () {
  this.timeout(60_000);
  const lab = useLab({ nodes: 2, env: { MPVM_REFLECTION: '1' } });

  it('is described by the page that is made from proto/', async () => {
    const { apiPage } = (await import(join(root, 'scripts/api.mjs'))) as { apiPage: () => string };
    assert.ok(readFileSync(join(root, 'docs/API.md'), 'utf8') === apiPage(), 'docs/API.md is old: node scripts/api.mjs');
  });

  it('tells its services by reflection, when asked to', async () => {
    const directory = join(root, 'node_modules/@grpc/reflection/build/proto');
    const definition = loadSync('grpc/reflection/v1/reflection.proto', { includeDirs: [directory] });
    const { ServerReflection } = (loadPackageDefinition(definition) as unknown as { grpc: { reflection: { v1: { ServerReflection: new (...args: unknown[]) => { ServerReflectionInfo: () => NodeJS.ReadWriteStream & { write(message: unknown): void } } } } } }).grpc.reflection.v1;
    const client = new ServerReflection(`unix:${join(lab().directory, lab().name, 'local/control.sock')}`, credentials.createInsecure());
    const stream = client.ServerReflectionInfo();
    const answer = await new Promise<{ listServicesResponse?: { service: { name: string }[] } }>((resolve, reject) => {
      stream.on('data', resolve).on('error', reject);
      stream.write({ listServices: '' });
    });
    stream.end();
    assert.deepEqual(answer.listServicesResponse?.service.map(({ name }) => name), ['mpvm.control.Control']);
  });

  it('is there for programs that import the package', async () => {
    const script = `
      import { connect, hasCode, mpvm } from 'mpvm';
      const vm = await connect();
      const { nodes } = await vm.nodes({});
      const code = await vm.signal({ tid: 0x7ffff, signum: 0 }).then(() => '', (error) => hasCode(error, 'TASK_UNKNOWN') && error.code);
      console.log(nodes.length, mpvm.node.NodeState[nodes[0].state ?? 0], code);
      vm.close();`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: root, env: lab().env });
    assert.equal(stdout.trim(), '2 UP TASK_UNKNOWN');
  });

  it('has figures for Prometheus, behind a token', async () => {
    const { url, token } = await lab().json<{ url: string; token: string }>(['metrics']);
    const figures = async (): Promise<string> => (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();
    assert.match(await figures(), /^mpvm_nodes\{state="up",.*\} 2$/m);
    assert.equal((await fetch(url)).status, 401);
    const [tid] = await lab().spawn('spinner', ['100000000000'], 'n1');
    await lab().move(tid!, 'n2');
    const text = await until('the move is counted', async () => {
      const now = await figures();
      return /^mpvm_moves_total\{outcome="completed",.*\} 1$/m.test(now) && now;
    });
    assert.match(text, /^mpvm_move_downtime_seconds_count\{.*\} 1$/m);
    assert.match(text, /^mpvm_tasks_started_total\{.*\} 1$/m);
    await lab().control.signal({ tid: tid!, signum: 9 });
    const { stdout } = await lab().cli(['metrics']);
    assert.match(stdout, /job_name: mpvm\n {2}scheme: http\n {2}authorization: \{ credentials: /);
  });
});
