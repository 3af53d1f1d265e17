/**
 * Certificates of nodes that have been deleted, by their SHA-256 as TLS tells it ("AB:CD:…"). The registry keeps the
 * list and tells every node; whoever shows one of them is neither answered nor spoken to.
 */
export class RevokedCertificates {
  readonly #fingerprints = new Set<string>();

  add(fingerprint: string): void {
    this.#fingerprints.add(fingerprint);
  }
  has(fingerprint: string | undefined): boolean {
    return fingerprint !== undefined && this.#fingerprints.has(fingerprint);
  }
  get list(): string[] {
    return [...this.#fingerprints];
  }
}
