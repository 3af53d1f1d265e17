/** The bodies of the messages that daemons make: XDR, as their receivers unpack them. */

/** A list of ints. */
export function xdrInts(...values: number[]): Buffer {
  const body = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => body.writeInt32BE(value | 0, index * 4));
  return body;
}

/** Bytes as pvm_pkbyte packs them: filled up to a multiple of four. */
export function xdrBytes(bytes: Uint8Array): Buffer {
  const body = Buffer.alloc((bytes.length + 3) & ~3);
  body.set(bytes);
  return body;
}
