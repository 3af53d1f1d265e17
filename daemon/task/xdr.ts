/** The bodies of the messages that daemons make: XDR, as their receivers unpack them. */

/** A list of ints. */
export function xdrInts(...values: number[]): Buffer {
  const body = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => body.writeInt32BE(value | 0, index * 4));
  return body;
}

/** A string as pvm_pkstr packs it: its length with the closing NUL, then that. */
export function xdrString(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  return Buffer.concat([xdrInts(bytes.length), xdrBytes(bytes)]);
}

/** Bytes as pvm_pkbyte packs them: filled up to a multiple of four. */
export function xdrBytes(bytes: Uint8Array): Buffer {
  const body = Buffer.alloc((bytes.length + 3) & ~3);
  body.set(bytes);
  return body;
}
