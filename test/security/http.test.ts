/** The HTTP port: who gets an answer, and what a stranger can make it hold. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { get as getSecurely } from 'node:https';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { hasCode } from '../../daemon/errors.js';
import { HttpServer, sendJson } from '../../daemon/http/server.js';
import type { HttpAddress } from '../../daemon/http/server.js';
import { ensureAuthority, issueIdentity, readIdentity } from '../../daemon/rpc/certificates.js';
import type { Identity } from '../../daemon/rpc/certificates.js';
import { scratch } from '../vm/scratch.js';

interface Answer {
  status: number;
  text: string;
}

describe('the HTTP port', () => {
  const base = scratch();
  const log = pino({ level: 'silent' });
  let identity: Identity;
  let server: HttpServer;
  let at: HttpAddress;
  let count = 0;

  const make = (): HttpServer => {
    const made = new HttpServer({ address: '127.0.0.1', identity, file: join(base, `http-${count}.json`), requestMs: 600, log });
    made.add(
      { method: 'GET', path: '/secret', handle: ({ response }) => sendJson(response, { secret: 42 }) },
      { method: 'GET', path: '/style/', open: true, handle: ({ response, url }) => sendJson(response, url.pathname) },
      { method: 'POST', path: '/do', handle: async (call) => sendJson(call.response, await call.body()) },
      { method: 'GET', path: '/broken', handle: () => Promise.reject(new Error('a secret of ours')) },
    );
    return made;
  };
  before(async () => {
    await ensureAuthority(join(base, 'ca'), 'v');
    await issueIdentity(join(base, 'ca'), join(base, 'tls'), 'n1', '127.0.0.1');
    identity = readIdentity(join(base, 'tls'))!;
  });
  beforeEach(async () => {
    count++;
    server = make();
    at = await server.open({ address: '', port: 0 });
  });
  afterEach(() => server.close());

  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const call = request(`${at.url}${path}`, { method, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      call.on('error', reject).end(body);
    });
  const bearer = (token = at.token): Record<string, string> => ({ authorization: `Bearer ${token}` });

  it('answers who shows the token, and nobody else', async () => {
    assert.deepEqual(await ask('/secret', bearer()), { status: 200, text: '{"secret":42}\n' });
    for (const headers of [{}, bearer('x'), bearer(at.token.slice(1)), bearer(`${at.token}x`), { authorization: `Basic ${at.token}` }, { cookie: `token=${at.token}` }]) {
      assert.equal((await ask('/secret', headers)).status, 401, JSON.stringify(headers));
    }
    assert.equal((await ask(`/secret?token=${at.token}`)).status, 401);
    assert.equal((await ask('/nowhere')).status, 401, 'a stranger does not learn what there is');
    assert.equal((await ask('/nowhere', bearer())).status, 404);
    assert.equal((await ask('/style/a.css')).status, 200);
  });

  it('is nothing for pages of other origins, whatever they know', async () => {
    for (const [name, value] of [['host', 'evil.example'], ['origin', 'http://evil.example'], ['origin', 'null']] as const) {
      assert.equal((await ask('/secret', { ...bearer(), [name]: value })).status, 400, `${name}: ${value}`);
    }
    assert.equal((await ask('/secret', { ...bearer(), origin: at.url })).status, 200);
  });

  it('tells no stranger what went wrong inside', async () => {
    const answer = await ask('/broken');
    assert.equal(answer.status, 401);
    assert.equal((await ask('/broken', bearer())).status, 500);
  });

  it('takes small JSON objects, and no others', async () => {
    const json = { ...bearer(), 'content-type': 'application/json' };
    assert.deepEqual(await ask('/do', json, 'POST', '{"a":1}'), { status: 200, text: '{"a":1}\n' });
    for (const [headers, body] of [[bearer(), '{}'], [json, '[1]'], [json, '{'], [json, `{"a":"${'x'.repeat(100_000)}"}`]] as const) assert.equal((await ask('/do', headers, 'POST', body)).status, 400);
  });

  it('waits for nobody who does not finish, and cuts off headers without end', async () => {
    const { hostname, port } = new URL(at.url);
    const unfinished = ['', 'GET /secret HTTP/1.1\r\nHost', `POST /do HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${at.token}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`];
    await Promise.all(unfinished.map((text) => new Promise<void>((closed) => {
      const socket = connect(Number(port), hostname, () => socket.write(text));
      socket.on('error', () => undefined).on('data', () => undefined).on('close', () => closed());
    })));
    assert.equal((await ask('/secret', bearer())).status, 200);
  });

  it('is at the same place with the same token for the daemon after this one', async () => {
    server.close();
    const file = join(base, `http-${count}.json`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    server = make();
    await server.resume();
    assert.deepEqual(await server.open({ address: '', port: 0 }), at);
    assert.equal((JSON.parse(readFileSync(file, 'utf8')) as { token: string }).token, at.token);
    assert.equal((await ask('/secret', bearer())).status, 200);
    await assert.rejects(server.open({ address: '127.0.0.2', port: 0 }), (error) => hasCode(error, 'HTTP_ELSEWHERE'));
  });

  it('speaks TLS where other machines reach it', async function () {
    const address = Object.values(networkInterfaces()).flat().find((one) => one?.family === 'IPv4' && !one.internal)?.address;
    if (address === undefined) return this.skip(); // this machine has loopback addresses only
    const outside = new HttpServer({ address, identity, file: join(base, 'outside.json'), log });
    const { url } = await outside.open({ address, port: 0 });
    try {
      assert.match(url, /^https:/);
      const status = await new Promise((resolve, reject) => getSecurely(`${url}/secret`, { ca: identity.authority, checkServerIdentity: () => undefined }, (response) => resolve(response.statusCode)).on('error', reject));
      assert.equal(status, 401);
    } finally {
      outside.close();
    }
  });
});
