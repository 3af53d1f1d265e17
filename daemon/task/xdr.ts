/** The bodies of the messages that daemons make and read: XDR, as PVM packs by default; read also in raw form. */

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

/** A string as pvm_pkstr packs it: its length with the zero byte, then the bytes. */
export function xdrString(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`, 'latin1');
  return Buffer.concat([xdrInts(bytes.length), xdrBytes(bytes)]);
}

/** Numbers and strings one after the other. */
export function xdr(...values: (number | string)[]): Buffer {
  return Buffer.concat(values.map((value) => (typeof value === 'number' ? xdrInts(value) : xdrString(value))));
}

/** The body ends before what is wanted of it, or is none that can be read. */
export class XdrError extends Error {}

const encodings = { xdr: 0x10000000, raw: 0x00408c41 } as const;
const stringLimit = 1 << 20;
const countLimit = 1 << 16;

/** Reads a body from its beginning. */
export class MessageReader {
  readonly #body: Buffer;
  readonly #raw: boolean;
  #at = 0;

  /** Throws XdrError for an encoding that is neither XDR nor this machine's own. */
  constructor(body: Uint8Array, encoding: number) {
    if (encoding !== encodings.xdr && encoding !== encodings.raw) throw new XdrError(`encoding 0x${encoding.toString(16)}`);
    this.#body = Buffer.from(body);
    this.#raw = encoding === encodings.raw;
  }

  get left(): number {
    return this.#body.length - this.#at;
  }
  int(): number {
    const at = this.#take(4);
    return this.#raw ? this.#body.readInt32LE(at) : this.#body.readInt32BE(at);
  }
  uint(): number {
    return this.int() >>> 0;
  }
  ints(count: number): number[] {
    return this.#times(count, () => this.int());
  }
  string(): string {
    const length = this.int();
    if (length < 0 || length > stringLimit) throw new XdrError(`a string of ${length} bytes`);
    const at = this.#take(this.#raw ? length : (length + 3) & ~3);
    const text = this.#body.toString('latin1', at, at + length);
    const end = text.indexOf('\0');
    return end < 0 ? text : text.slice(0, end);
  }
  strings(count: number): string[] {
    return this.#times(count, () => this.string());
  }

  #times<T>(count: number, read: () => T): T[] {
    if (count < 0 || count > countLimit) throw new XdrError(`a count of ${count}`);
    return Array.from({ length: count }, read);
  }
  #take(bytes: number): number {
    if (this.left < bytes) throw new XdrError('the message is too short');
    const at = this.#at;
    this.#at += bytes;
    return at;
  }
}
