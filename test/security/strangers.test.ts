/** Who is not, or is not any more, part of the VM: other users of the machine, and nodes that have been deleted. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { hasCode } from '../../daemon/errors.js';
import { clientCredentials, readIdentity } from '../../daemon/rpc/certificates.js';
import { createNodeClient, createRegistryClient } from '../../daemon/rpc/clients.js';
import type { NodeClient } from '../../daemon/rpc/clients.js';
import { useDaemons } from '../vm/daemons.js';

describe('a VM', function () {
  this.timeout(120_000);
  const vm = useDaemons();

  it('knows a node no more that has been deleted, although that kept its key', async () => {
    await vm().up('n1', 'n2', 'n3');
    const stolen = `${vm().directory}-stolen`;
    cpSync(vm().path('n2', 'tls'), stolen, { recursive: true });
    const identity = readIdentity(stolen)!;
    const at = (node: string): string => `${vm().file(node).address}:${vm().file(node).port}`;
    const asN2 = (node: string): NodeClient => createNodeClient({ target: at(node), peer: node, unreachable: 'NODE_UNREACHABLE', credentials: clientCredentials(identity, node) });
    const isRefused = async (node: string): Promise<void> => {
      const client = asN2(node);
      await assert.rejects(client.ping({}), (error) => hasCode(error, 'CERTIFICATE_REVOKED'), node);
      client.close();
    };
    const before = asN2('n3');
    assert.equal((await before.ping({})).name, 'n3');
    for await (const { result } of vm().control('n1').deleteHosts({ hosts: ['n2'] })) if (result) assert.equal(result.status, 0, JSON.stringify(result));
    await vm().sees('n3', { n1: 'UP', n2: 'LEFT', n3: 'UP' });
    await isRefused('n1');
    await isRefused('n3');
    await assert.rejects(before.ping({}), (error) => hasCode(error, 'CERTIFICATE_REVOKED'), 'over a connection from before');
    before.close();
    const registry = createRegistryClient({ target: at('n1'), peer: 'n1', unreachable: 'REGISTRY_UNREACHABLE', credentials: clientCredentials(identity, 'n1') });
    await assert.rejects((async () => {
      for await (const event of registry.join({ name: 'n2', address: vm().address('n2'), port: 1, instance: 'again' })) assert.fail(JSON.stringify(event));
    })(), (error) => hasCode(error, 'CERTIFICATE_REVOKED'));
    registry.close();
    // The list outlives the registry's daemon, and a node of that name may come back with a new key.
    await vm().kill('n1');
    await vm().start('n1');
    await isRefused('n1');
    await vm().start('n2');
    await vm().sees('n1', { n1: 'UP', n2: 'UP', n3: 'UP' });
  });

  it('is closed to other users of the machine, even where its directory is not hidden', async function () {
    if (process.getuid?.() !== 0) return this.skip(); // needs root to become another user
    await vm().up('n1');
    chmodSync(dirname(vm().directory), 0o755);
    chmodSync(vm().directory, 0o755);
    const script = `
      const { connect } = require('node:net'); const { readFileSync, readdirSync } = require('node:fs');
      process.setgid(65534); process.setuid(65534);
      const tries = process.argv.slice(1).map((path) => new Promise((done) => connect(path).on('connect', () => done('connected')).on('error', (error) => done(error.code))));
      const read = (what) => { try { what(); return 'read'; } catch (error) { return error.code; } };
      Promise.all(tries).then((found) => { console.log([...found, read(() => readdirSync(process.argv[3])), read(() => readFileSync(process.argv[3] + '/tls/node-key.pem'))].join(' ')); process.exit(); });`;
    const output = execFileSync(process.execPath, ['-e', script, vm().path('n1', 'control.sock'), vm().path('n1', 'task.sock'), vm().path('n1')], { encoding: 'utf8' });
    assert.equal(output.trim(), 'EACCES EACCES EACCES EACCES EACCES');
  });
});
