/** The side of the machine that joins: from a token to the node's identity. */
import { createHash, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { errnoOf, MpvmError } from '../errors.js';
import { mpvm } from '../rpc/messages.js';
import { acceptIdentity, requestIdentity } from '../rpc/certificates.js';
import { frameOf, readFrame } from './frame.js';
import type { JoinToken } from './token.js';

export interface Admission {
  node: string;
  /** That the node is to listen at: the one asked for, else the one this machine reaches the registry from. */
  address: string;
  /** address:port of the registry. */
  registry: string;
  settings: mpvm.node.IHostSettings;
}

export const joiningProtocol = 1;
const connectMs = 10_000;
/** The other end gives up earlier. */
const answerMs = 15_000;

/**
 * Asks to be admitted as `node`; what comes back is written into `directory` (tls/ of the node). Throws what the
 * other side says, or JOIN_UNREACHABLE, AUTHORITY_MISMATCH, TOKEN_EXPIRED, JOIN_BROKEN: only after that
 * one may the token have been used, by the key that is kept in the directory.
 */
export async function askToJoin(token: JoinToken, options: { node: string; address?: string; directory: string }): Promise<Admission> {
  const where = `${token.address}:${token.port}`;
  const socket = await open(token, where);
  const late = setTimeout(() => socket.destroy(new Error(`no answer for ${answerMs / 1000} s`)), answerMs);
  try {
    checkAuthority(socket, token, where);
    const address = options.address ?? socket.localAddress ?? '';
    const { key, request } = await requestIdentity(options.directory, options.node);
    const question = mpvm.node.JoinQuestion.encode({ protocol: joiningProtocol, id: token.id, secret: token.secret, node: options.node, address, request });
    const answer = await ask(socket, question.finish(), where);
    if (answer.code !== '') throw refusal(token, answer);
    keep(options.directory, key, token, answer, where);
    return { node: answer.node, address, registry: answer.registry, settings: answer.settings ?? {} };
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

function open(token: JoinToken, where: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // Who it is says the fingerprint, below: until then nothing is sent.
    const socket = connect({ host: token.address, port: token.port, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
    const late = setTimeout(() => socket.destroy(new Error(`no connection within ${connectMs / 1000} s`)), connectMs);
    socket.once('error', (error: Error) => {
      clearTimeout(late);
      // The port is closed when the last token has expired.
      if (token.expiresMs <= Date.now()) reject(expired(token));
      else reject(new MpvmError('JOIN_UNREACHABLE', { address: where, detail: errnoOf(error) ?? error.message }));
    });
    socket.once('secureConnect', () => {
      clearTimeout(late);
      socket.removeAllListeners('error').on('error', () => undefined);
      resolve(socket);
    });
  });
}

/** The chain that the other side has shown must end in the authority of the token. */
function checkAuthority(socket: TLSSocket, token: JoinToken, where: string): void {
  const mismatch = (): MpvmError => new MpvmError('AUTHORITY_MISMATCH', { address: where });
  const shown = socket.getPeerCertificate(true);
  const issuer = shown.issuerCertificate as { raw?: Buffer } | undefined;
  if (!Buffer.isBuffer(shown.raw) || !Buffer.isBuffer(issuer?.raw)) throw mismatch();
  if (!isAuthority(issuer.raw, token)) throw mismatch();
  if (!isIssuedBy(new X509Certificate(shown.raw), new X509Certificate(issuer.raw))) throw mismatch();
}

function isAuthority(der: Uint8Array, token: JoinToken): boolean {
  return createHash('sha256').update(der).digest().equals(Buffer.from(token.authority));
}
function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey) && Date.parse(certificate.validTo) > Date.now();
}

async function ask(socket: TLSSocket, question: Uint8Array, where: string): Promise<mpvm.node.JoinAnswer> {
  const answer = readFrame(socket);
  socket.write(frameOf(question));
  try {
    return mpvm.node.JoinAnswer.decode(await answer);
  } catch (error) {
    throw new MpvmError('JOIN_BROKEN', { address: where, detail: (error as Error).message });
  }
}

function refusal(token: JoinToken, { code, text, remedy }: mpvm.node.JoinAnswer): MpvmError {
  // A token that has been cleared away after its time is unknown there.
  if (code === 'TOKEN_UNKNOWN' && token.expiresMs <= Date.now()) return expired(token);
  return MpvmError.received(code, text, remedy);
}
function expired(token: JoinToken): MpvmError {
  return new MpvmError('TOKEN_EXPIRED', { when: new Date(token.expiresMs).toISOString() });
}

function keep(directory: string, key: string, token: JoinToken, answer: mpvm.node.JoinAnswer, where: string): void {
  try {
    if (!isAuthority(answer.authority, token)) throw new Error('another authority');
    const certificate = new X509Certificate(answer.certificate);
    const authority = new X509Certificate(answer.authority);
    if (!isIssuedBy(certificate, authority) || certificate.subject !== `CN=${answer.node}`) throw new Error('not a certificate of this VM');
    acceptIdentity(directory, { authority: authority.toString(), certificate: certificate.toString(), key });
  } catch (error) {
    throw new MpvmError('JOIN_BROKEN', { address: where, detail: `what it answered is not valid (${(error as Error).message})` });
  }
}
