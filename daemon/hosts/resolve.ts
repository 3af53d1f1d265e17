/** Names of hosts to addresses, and whether an address is one of this machine. */
import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { MpvmError } from '../errors.js';

/** IPv4; rejects when there is none. */
export async function addressOf(host: string): Promise<string> {
  if (isIPv4(host)) return host;
  return (await lookup(host, { family: 4 })).address;
}

export const isLoopback = (address: string): boolean => address.startsWith('127.');

/** Every address of 127/8 is, whether or not an interface lists it. */
export function isOwn(address: string): boolean {
  if (isLoopback(address)) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address));
}

/** What a user has named as an address of this machine. Throws ADDRESS_NOT_LOCAL. */
export async function ownAddress(host: string): Promise<string> {
  const address = await addressOf(host).catch(() => undefined);
  // 0.0.0.0 can be listened at, but not be reached.
  if (address === undefined || !isOwn(address)) throw new MpvmError('ADDRESS_NOT_LOCAL', { address: host });
  return address;
}
