/**
 * A join token as text: all that another machine needs to become a node. Whoever has it can join until it
 * expires (or has been used), so it is to be handled like a password.
 */
import { MpvmError } from '../errors.js';
import { mpvm } from '../rpc/messages.js';
import { checkName } from '../paths.js';
import { crc32 } from '../vm/crc32.js';

export interface JoinToken {
  vm: string;
  /** Of the joining port. */
  address: string;
  port: number;
  /** SHA-256 of the certificate of the VM's authority. */
  authority: Uint8Array;
  expiresMs: number;
  id: string;
  secret: Uint8Array;
  /** The one name it is for, or empty. */
  node: string;
}

const prefix = 'mpvm1.';
const textLimit = 2048;
export const secretBytes = 18;
const fingerprintBytes = 32;

export function formatToken(token: JoinToken): string {
  const body = Buffer.from(mpvm.node.JoinToken.encode(token).finish());
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(body));
  return prefix + Buffer.concat([body, sum]).toString('base64url');
}

/** Throws TOKEN_MALFORMED. White space around it does no harm. */
export function parseToken(text: string): JoinToken {
  const bad = (detail: string): MpvmError => new MpvmError('TOKEN_MALFORMED', { detail });
  const token = text.trim();
  if (token === '') throw bad('it is empty');
  if (!token.startsWith(prefix)) throw bad(`it does not begin with ${prefix}`);
  const coded = token.slice(prefix.length);
  if (token.length > textLimit || !/^[\w-]+$/.test(coded)) throw bad('it has characters that no token has');
  const bytes = Buffer.from(coded, 'base64url');
  if (bytes.length < 5 || crc32(bytes.subarray(0, -4)) !== bytes.readUInt32LE(bytes.length - 4)) throw bad('it is not complete, or has been changed');
  let decoded: mpvm.node.JoinToken;
  try {
    decoded = mpvm.node.JoinToken.decode(bytes.subarray(0, -4));
  } catch {
    throw bad('its content is of another version');
  }
  const { vm, address, port, authority, expiresMs, id, secret, node } = decoded;
  if (authority.length !== fingerprintBytes || secret.length !== secretBytes || port < 1 || port > 65_535 || address === '' || !/^[\w-]{1,64}$/.test(id)) throw bad('its content is of another version');
  checkName(vm, 'VM');
  if (node !== '') checkName(node, 'node');
  return { vm, address, port, authority, expiresMs, id, secret, node };
}
