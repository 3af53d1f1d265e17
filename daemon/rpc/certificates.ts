/**
 * Mutual TLS between daemons: a certificate authority made with the VM, and one certificate a
 * node, issued by it. Both sides of every connection must show one; its common name is the node's
 * name, so a node can speak for itself only.
 */
import { createHash, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { MpvmError } from '../errors.js';
import { privateDirectory } from '../paths.js';
import type { RevokedCertificates } from './revoked.js';

/** PEM texts. */
export interface Identity {
  authority: string;
  certificate: string;
  key: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;
const authorityFiles = { certificate: 'ca.pem', key: 'ca-key.pem' };
const nodeFiles = { authority: 'ca.pem', certificate: 'node.pem', key: 'node-key.pem', joining: 'joining-key.pem' };

export function hasAuthority(directory: string): boolean {
  return existsSync(join(directory, authorityFiles.key));
}

/** Makes the authority of a VM in this directory, unless it is there; true when it was made. */
export async function ensureAuthority(directory: string, vm: string): Promise<boolean> {
  if (hasAuthority(directory)) return false;
  privateDirectory(directory);
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=mpvm ${vm}`,
    ...validity(),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  writePrivate(join(directory, authorityFiles.certificate), certificate.toString('pem'));
  writePrivate(join(directory, authorityFiles.key), await pemOf(keys.privateKey)); // last: its presence says that all is there
  return true;
}

/** A certificate for the node, in its own directory; made anew when its address has changed. */
export async function issueIdentity(authority: string, directory: string, node: string, address: string): Promise<void> {
  privateDirectory(directory);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { certificate, authorityPem } = await certify(authority, keys.publicKey, node, address);
  writeIdentity(directory, { authority: authorityPem, certificate: certificate.toString('pem'), key: await pemOf(keys.privateKey) });
}

/**
 * What a machine that joins asks to be certified: a key made here, which never leaves it, and the request that its
 * owner has signed with it. The key is kept in `directory` until the identity is complete, so that the same machine
 * can ask again.
 */
export async function requestIdentity(directory: string, node: string): Promise<{ key: string; request: Uint8Array }> {
  privateDirectory(directory);
  const x509 = await loadX509();
  const path = join(directory, nodeFiles.joining);
  if (!existsSync(path)) {
    const { privateKey } = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    writePrivate(path, await pemOf(privateKey));
  }
  const key = readFileSync(path, 'utf8');
  const privateKey = await webcrypto.subtle.importKey('pkcs8', derOf(key), algorithm, false, ['sign']);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const publicKey = await webcrypto.subtle.importKey('spki', new Uint8Array(spki), algorithm, true, ['verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: `CN=${node}`, keys: { privateKey, publicKey }, signingAlgorithm: algorithm });
  return { key, request: new Uint8Array(request.rawData) };
}

/** What comes back: kept as the node's identity. */
export function acceptIdentity(directory: string, identity: Identity): void {
  writeIdentity(directory, identity);
  rmSync(join(directory, nodeFiles.joining), { force: true });
}

/** Where the authority is: the fingerprint of the key that a request is about. Throws BAD_REQUEST when its signature is not by that key. */
export async function requestedKey(request: Uint8Array): Promise<{ key: webcrypto.CryptoKey; fingerprint: string }> {
  const x509 = await loadX509();
  try {
    const parsed = new x509.Pkcs10CertificateRequest(new Uint8Array(request));
    if (!(await parsed.verify())) throw new Error('its signature is wrong');
    const key = (await parsed.publicKey.export(algorithm, ['verify'])) as webcrypto.CryptoKey;
    const spki = await webcrypto.subtle.exportKey('spki', key);
    return { key, fingerprint: createHash('sha256').update(new Uint8Array(spki)).digest('hex') };
  } catch (error) {
    throw new MpvmError('BAD_REQUEST', { detail: `the request for a certificate is not valid: ${(error as Error).message}` });
  }
}

/** A certificate for that key, and the authority's own, as DER. */
export async function certifyNode(authority: string, key: webcrypto.CryptoKey, node: string, address: string): Promise<{ certificate: Uint8Array; authority: Uint8Array }> {
  const { certificate, issuer } = await certify(authority, key, node, address);
  return { certificate: new Uint8Array(certificate.rawData), authority: new Uint8Array(issuer.rawData) };
}

/** SHA-256 of the certificate, which is how a token names the authority. */
export function fingerprintOf(pem: string): Buffer {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest();
}

async function certify(authority: string, publicKey: webcrypto.CryptoKey, node: string, address: string) {
  const x509 = await loadX509();
  const authorityPem = readFileSync(join(authority, authorityFiles.certificate), 'utf8');
  const issuer = new x509.X509Certificate(authorityPem);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', derOf(readFileSync(join(authority, authorityFiles.key), 'utf8')), algorithm, false, ['sign']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${node}`,
    issuer: issuer.subject,
    ...validity(),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: node }, { type: 'ip', value: address }]),
    ],
  });
  return { certificate, issuer, authorityPem };
}

function writeIdentity(directory: string, { authority, certificate, key }: Identity): void {
  writePrivate(join(directory, nodeFiles.authority), authority);
  writePrivate(join(directory, nodeFiles.certificate), certificate);
  writePrivate(join(directory, nodeFiles.key), key); // last: its presence says that all is there
}

/** What lies in the node's directory; undefined when it is not complete. */
export function readIdentity(directory: string): Identity | undefined {
  const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
  if (!existsSync(join(directory, nodeFiles.key))) return undefined;
  return { authority: read(nodeFiles.authority), certificate: read(nodeFiles.certificate), key: read(nodeFiles.key) };
}

export function serverCredentials(identity: Identity): ServerCredentials {
  const pair = { private_key: Buffer.from(identity.key), cert_chain: Buffer.from(identity.certificate) };
  return ServerCredentials.createSsl(Buffer.from(identity.authority), [pair], true);
}

/** `node`: whom the other side must prove to be; left out, any node of this VM whose certificate is not `revoked`. */
export function clientCredentials(identity: Identity, node?: string, revoked?: RevokedCertificates): ChannelCredentials {
  return credentials.createSsl(Buffer.from(identity.authority), Buffer.from(identity.key), Buffer.from(identity.certificate), {
    checkServerIdentity: (_host, certificate) => {
      if (revoked?.has(certificate.fingerprint256)) return new Error(`the certificate of ${String(certificate.subject.CN)} has been revoked`);
      if (node === undefined || certificate.subject.CN === node) return undefined;
      return new Error(`the daemon there is ${String(certificate.subject.CN)}, not ${node}`);
    },
  });
}

/** Only who issues certificates pays for loading it. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata'); // its container looks for this first
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as never);
  return x509;
}

function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40; // positive, and no leading zero
  return Buffer.from(bytes).toString('hex');
}

/** From yesterday, because clocks differ. */
function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 3650 * dayMs) };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
}
function derOf(pem: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64'));
}

function writePrivate(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The identity of a node: what it has, or a new one if this machine holds the authority. Throws NO_CERTIFICATE. */
export async function takeIdentity(options: { authority: string; directory: string; node: string; address: string }): Promise<Identity> {
  const { authority, directory, node, address } = options;
  const known = readIdentity(directory);
  if (known) return known;
  if (!hasAuthority(authority)) throw new MpvmError('NO_CERTIFICATE', { node, detail: `neither ${directory} nor ${authority} has one` });
  await issueIdentity(authority, directory, node, address);
  return readIdentity(directory)!;
}
