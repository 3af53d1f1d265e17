/** Joining with tokens, as users and as strangers do it; leaving. All on this machine, each joiner with a directory of its own. */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { frameLimit, frameOf, readFrame } from '../../daemon/hosts/frame.js';
import { connectionLimit } from '../../daemon/hosts/joining-port.js';
import { formatToken, parseToken } from '../../daemon/hosts/token.js';
import { mpvm } from '../../daemon/rpc/messages.js';
import { useLab } from '../lab/lab.js';
import type { Result } from '../lab/process.js';
import { until, within } from '../lab/wait.js';

interface Failure { error: { code: string; text: string; remedy: string } }
interface TokenRow { token: string; id: string; address: string; used: number }

describe('joining a VM', function () {
  this.timeout(240_000);
  const lab = useLab({ nodes: 1 });
  const place = (name: string): string => join(lab().directory, name);
  const on = (name: string, ...args: string[]): Promise<Result> => lab().cli(args, { env: { MPVM_DIR: place(name) }, timeoutMs: 60_000 });
  const newToken = async (...args: string[]): Promise<TokenRow> => lab().json<TokenRow>(['token', ...args]);
  const states = async (): Promise<Record<string, number>> => Object.fromEntries((await lab().nodes()).map(({ name, state }) => [name ?? '', state ?? 0]));
  const refusal = ({ code, stderr }: Result): [number | null, string] => [code, (JSON.parse(stderr) as Failure).error.code];
  const { LEFT, DEAD, UP } = mpvm.node.NodeState;

  it('takes a token and nothing else; what joined runs tasks, and leaves with its files', async () => {
    const { token } = await newToken();
    const joined = await on('a', 'join', token, '--node', 'a', '-o', 'json');
    equal(joined.code, 0, joined.stderr);
    deepEqual(Object.keys(JSON.parse(joined.stdout) as object), ['vm', 'node', 'address', 'port', 'host', 'registry']);
    equal((await states())['a'], UP);
    ok(!existsSync(join(place('a'), lab().name, 'ca')), 'the key of the authority has left its node');
    const [tid] = await lab().spawn('sleeper', ['nanosleep', '60000', '1'], 'a');
    const left = await on('a', 'leave');
    equal(left.code, 0, left.stderr);
    match(left.stdout, /1 task moved away/);
    deepEqual(readdirSync(place('a')), []);
    equal((await states())['a'], LEFT);
    equal((await lab().task(tid!))?.node, 'n1');
    await lab().control.signal({ tid: tid!, signum: 9 });
  });

  it('has one clear error for each token that is no good, and leaves nothing behind', async () => {
    const { token, id } = await newToken('--node', 'b');
    const parsed = parseToken(token);
    const with_ = (change: object): string => formatToken({ ...parsed, ...change });
    deepEqual(refusal(await on('b', 'join', 'nonsense', '-o', 'json')), [2, 'TOKEN_MALFORMED']);
    deepEqual(refusal(await on('b', 'join', token.slice(0, -3), '-o', 'json')), [2, 'TOKEN_MALFORMED']);
    deepEqual(refusal(await on('b', 'join', token, '--node', 'c', '-o', 'json')), [2, 'TOKEN_OTHER_NODE']);
    deepEqual(refusal(await on('b', 'join', with_({ secret: new Uint8Array(18) }), '-o', 'json')), [1, 'TOKEN_UNKNOWN']);
    deepEqual(refusal(await on('b', 'join', with_({ authority: new Uint8Array(32) }), '-o', 'json')), [1, 'AUTHORITY_MISMATCH']);
    deepEqual(refusal(await on('b', 'join', with_({ port: 1 }), '-o', 'json')), [1, 'JOIN_UNREACHABLE']);
    deepEqual(refusal(await on('b', 'join', with_({ port: 1, expiresMs: 1000 }), '-o', 'json')), [1, 'TOKEN_EXPIRED']);
    deepEqual(refusal(await on('b', 'join', token, '--address', '198.51.100.1', '-o', 'json')), [2, 'ADDRESS_NOT_LOCAL']);
    equal((await lab().json<TokenRow[]>(['token', '--list'])).find((row) => row.id === id)?.used, 0);
    deepEqual(existsSync(place('b')) ? readdirSync(place('b')) : [], []);

    equal((await on('b', 'join', token)).code, 0);
    deepEqual(refusal(await on('c', 'join', token, '-o', 'json')), [1, 'TOKEN_USED']);
    deepEqual(readdirSync(place('c')), []);
    const another = await newToken();
    deepEqual(refusal(await on('c', 'join', another.token, '--node', 'b', '-o', 'json')), [1, 'NODE_NAME_TAKEN']);
    await lab().cli(['token', '--revoke', another.id]);
    deepEqual(refusal(await on('c', 'join', another.token, '--node', 'c', '-o', 'json')), [1, 'TOKEN_UNKNOWN']);
    const short = await newToken('--ttl', '1');
    await until('its end', () => Date.now() > parseToken(short.token).expiresMs);
    deepEqual(refusal(await on('c', 'join', short.token, '--node', 'c', '-o', 'json')), [1, 'TOKEN_EXPIRED']);
    equal((await on('b', 'leave')).code, 0);
  });

  it('answers the same machine again when the first answer was lost', async () => {
    const { token } = await newToken();
    const parsed = parseToken(token);
    equal((await on('d', 'join', token, '--node', 'd')).code, 0);
    // As if it had not heard: it has its key, and no certificate.
    equal((await on('d', 'leave')).code, 0);
    const tls = join(place('d'), lab().name, 'd/tls');
    const { requestIdentity } = await import('../../daemon/rpc/certificates.js');
    mkdirSync(join(tls, '..'), { recursive: true, mode: 0o700 });
    const fresh = await newToken();
    const { request } = await requestIdentity(tls, 'd');
    const { id, secret } = parseToken(fresh.token);
    const first = await asking(parsed, { protocol: 1, id, secret, node: 'd', address: '127.0.0.1', request });
    equal(first.code, '');
    equal((await on('d', 'join', fresh.token, '--node', 'd')).code, 0);
    ok(!existsSync(join(tls, 'joining-key.pem')));
    equal((await on('d', 'leave')).code, 0);
  });

  it('keeps its tokens and their port when the daemon of the registry is killed', async () => {
    const { token, id, address } = await newToken('--reusable');
    await lab().killDaemon('n1');
    await lab().restart('n1');
    const kept = (await lab().json<TokenRow[]>(['token', '--list'])).find((row) => row.id === id);
    deepEqual([kept?.used, kept?.address], [0, address]);
    equal((await on('e', 'join', token, '--node', 'e')).code, 0);

    // And the node that joined is started again by hand, without its token.
    const file = join(place('e'), lab().name, 'e/node.json');
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    await until('its end', () => !existsSync(`/proc/${pid}`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')));
    const again = await on('e', 'up');
    equal(again.code, 0, again.stderr);
    await until('e is up', async () => (await states())['e'] === UP);
    const elsewhere = await on('e', 'up', '--nodes', '9', '-o', 'json');
    deepEqual(refusal(elsewhere), [1, 'VM_ELSEWHERE']);
    equal((await on('e', 'leave')).code, 0);
  });

  it('refuses to join two VMs of one name in one directory', async () => {
    const other = place('other-vm');
    const up = await lab().cli(['up'], { env: { MPVM_DIR: other, MPVM_NAME: lab().name } });
    // Their addresses are the same: so is the loopback address of the first node.
    equal(up.code, 0, up.stderr);
    const { token } = await newToken();
    deepEqual(refusal(await on('other-vm', 'join', token, '--node', 'f', '-o', 'json')), [1, 'VM_NAME_CLASH']);
    equal((await lab().cli(['down'], { env: { MPVM_DIR: other } })).code, 0);
  });

  it('lets a node go whose VM is gone, when it is told so', async () => {
    const name = `${lab().name}-2`;
    const env = { MPVM_NAME: name };
    equal((await lab().cli(['up'], { env })).code, 0);
    const { stdout } = await lab().cli(['token'], { env });
    equal((await on('g', 'join', stdout.trim(), '--node', 'g')).code, 0);
    const file = join(lab().directory, name, 'n1/node.json');
    process.kill((JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid, 'SIGKILL');
    const leaving = await lab().cli(['leave', '-o', 'json'], { env: { MPVM_DIR: place('g'), MPVM_NAME: name }, timeoutMs: 60_000 });
    deepEqual(refusal(leaving), [1, 'REGISTRY_UNREACHABLE']);
    const forced = await lab().cli(['leave', '--force'], { env: { MPVM_DIR: place('g'), MPVM_NAME: name }, timeoutMs: 60_000 });
    equal(forced.code, 0, forced.stderr);
    deepEqual(readdirSync(place('g')), []);
    equal((await lab().cli(['down'], { env })).code, 0);
  });

  it('does not let the registry leave, and takes dead nodes off the list', async () => {
    deepEqual(refusalOf(await lab().cli(['delete', 'n1', '-o', 'json'])), [1, 'REGISTRY_STAYS']);
    deepEqual(refusalOf(await lab().cli(['delete', 'nobody', '-o', 'json'])), [1, 'NODE_UNKNOWN']);
    const { token } = await newToken();
    equal((await on('h', 'join', token, '--node', 'h')).code, 0);
    const { pid } = JSON.parse(readFileSync(join(place('h'), lab().name, 'h/node.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    await until('h is dead', async () => (await states())['h'] === DEAD, { timeoutMs: 30_000 });
    equal((await lab().cli(['delete', 'h'])).code, 0);
    equal((await states())['h'], LEFT);
    rmSync(place('h'), { recursive: true });
  });

  // ------------------------------------------------------------ strangers

  it('closes the port with the last token', async () => {
    const tokens = await lab().json<TokenRow[]>(['token', '--list']);
    for (const { id } of tokens) await lab().cli(['token', '--revoke', id]);
    const { token, id } = await newToken();
    const { address, port } = parseToken(token);
    (await greeting(address, port)).destroy();
    await lab().cli(['token', '--revoke', id]);
    await until('a closed port', () => new Promise((resolve) => {
      const socket = connectPlain(port, address).once('connect', () => resolve(socket.destroy() && false)).once('error', () => resolve(true));
    }));
  });

  it('holds few strangers, none for long, and lets machines with a token in meanwhile', async () => {
    const { token } = await newToken();
    const { address, port } = parseToken(token);
    let closed = 0;
    const strangers = Array.from({ length: connectionLimit * 4 }, () => connectPlain(port, address).on('close', () => closed++).on('error', () => undefined));
    await until('the oldest are put out', () => closed >= connectionLimit * 3, { timeoutMs: 10_000 });
    equal((await on('i', 'join', token, '--node', 'i')).code, 0);
    await within('the rest are put out', 20_000, until('no stranger', () => closed === strangers.length, { timeoutMs: 19_000 }));
    equal((await on('i', 'leave')).code, 0);
  });

  it('answers rubbish with an error or not at all, and stays up', async () => {
    const { token } = await newToken();
    const parsed = parseToken(token);
    const rubbish = [Buffer.alloc(0), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(4, 0xff), frameOf(Buffer.alloc(frameLimit, 0x5a)), frameOf(Buffer.alloc(64, 0xff)), Buffer.concat([frameOf(Buffer.alloc(3)), Buffer.alloc(100)])];
    for (const bytes of rubbish) {
      const socket = await greeting(parsed.address, parsed.port);
      socket.end(bytes);
      await within('the end of the connection', 15_000, new Promise((resolve) => socket.resume().once('close', resolve)));
    }
    const plain = connectPlain(parsed.port, parsed.address);
    plain.on('error', () => undefined).end('not a handshake at all\r\n\r\n');
    await within('the end of the connection', 15_000, new Promise((resolve) => plain.resume().once('close', resolve)));
    const { id, secret } = parsed;
    const base = { protocol: 1, id, secret, node: 'j', address: '127.0.0.1', request: new Uint8Array(200) };
    equal((await asking(parsed, { ...base, protocol: 7 })).code, 'JOIN_VERSION');
    equal((await asking(parsed, { ...base, node: '../etc' })).code, 'BAD_NAME');
    equal((await asking(parsed, { ...base, secret: new Uint8Array(18) })).code, 'TOKEN_UNKNOWN');
    equal((await asking(parsed, base)).code, 'BAD_REQUEST');
    equal((await lab().json<TokenRow[]>(['token', '--list'])).find((row) => row.id === id)?.used, 0);
    equal((await states())['n1'], UP);
  });

  it('is not fooled by who took the place of the VM', async () => {
    const { token } = await newToken();
    const honest = parseToken(token);
    // Another VM at the same place: a real one, with an authority of its own.
    const env = { MPVM_NAME: `${lab().name}-3` };
    equal((await lab().cli(['up'], { env })).code, 0);
    const impostor = parseToken((await lab().cli(['token'], { env })).stdout);
    const misled = formatToken({ ...honest, address: impostor.address, port: impostor.port });
    deepEqual(refusal(await on('k', 'join', misled, '--node', 'k', '-o', 'json')), [1, 'AUTHORITY_MISMATCH']);
    equal((await lab().cli(['down'], { env })).code, 0);
  });

  after(() => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'g', 'i', 'k', 'other-vm']) rmSync(place(name), { recursive: true, force: true });
  });
});

/** Of one host that failed: its own code. */
function refusalOf({ code, stdout }: Result): [number | null, string] {
  return [code, (JSON.parse(stdout) as { code: string }[])[0]?.code ?? ''];
}

function greeting(address: string, port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, rejectUnauthorized: false });
    socket.once('secureConnect', () => resolve(socket)).on('error', reject);
  });
}

async function asking({ address, port }: { address: string; port: number }, question: mpvm.node.IJoinQuestion): Promise<mpvm.node.JoinAnswer> {
  const socket = await greeting(address, port);
  const answer = readFrame(socket);
  socket.write(frameOf(mpvm.node.JoinQuestion.encode(question).finish()));
  return mpvm.node.JoinAnswer.decode(await answer);
}
