/**
 * The daemon's HTTP listener: the dashboard, and figures for Prometheus. It is closed until somebody asks for it,
 * and then open to this machine alone; at any other address it speaks TLS with the node's certificate.
 *
 * Each request must show the token as `Authorization: Bearer TOKEN`; only routes that are marked open (files that
 * say nothing about the VM) are answered without. There is no cookie: a page of another origin, even of another
 * port of this machine, has nothing that a browser would send along for it.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isIPv4 } from 'node:net';
import { asMpvmError, errnoOf, MpvmError } from '../errors.js';
import { isLoopback } from '../hosts/resolve.js';
import type { Logger } from '../log.js';
import type { Identity } from '../rpc/certificates.js';

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** The body of a POST. Throws BAD_REQUEST when it is no JSON object, or too long. */
  body: () => Promise<Record<string, unknown>>;
}
export interface Route {
  readonly method: 'GET' | 'POST';
  /** The whole path, or with "/" at its end all below it; the longest that fits is taken. */
  readonly path: string;
  /** Answered without the token. */
  readonly open?: boolean;
  /** What it throws is answered as the error catalogue has it. */
  handle(call: Call): Promise<void> | void;
}
export interface HttpOptions {
  /** Of this node. */
  address: string;
  identity: Identity;
  /** Where address, port and token are kept for the daemon after this one. */
  file: string;
  /** A request must be complete after so long (default 30 s), its headers after a third of that. */
  requestMs?: number;
  log: Logger;
}
export interface HttpAddress {
  /** http://ADDRESS:PORT, or https:// */
  url: string;
  token: string;
}
interface Kept {
  address: string;
  port: number;
  token: string;
}

const connectionLimit = 128;
const defaultRequestMs = 30_000;
const headerBytes = 8192;
const bodyBytes = 65_536;

/** Nothing from elsewhere is loaded, nobody may frame it, nothing is kept by caches. */
const securityHeaders = {
  'Content-Security-Policy': "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

export class HttpServer {
  readonly #options: HttpOptions;
  readonly #log: Logger;
  readonly #routes: Route[] = [];
  #server: Server | undefined;
  #kept: Kept | undefined;
  #opening: Promise<HttpAddress> | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#log = options.log;
  }

  add(...routes: Route[]): void {
    this.#routes.push(...routes);
    this.#routes.sort((a, b) => b.path.length - a.path.length);
  }

  /** Opens it, if it is not open; `address` and `port` empty: this machine alone, any port. Throws PORT_IN_USE, ADDRESS_NOT_LOCAL, HTTP_ELSEWHERE. */
  async open(wanted: { address: string; port: number }): Promise<HttpAddress> {
    const before = readKept(this.#options.file);
    const address = wanted.address || (before?.address ?? (isLoopback(this.#options.address) ? this.#options.address : '127.0.0.1'));
    if (!isIPv4(address)) throw new MpvmError('BAD_REQUEST', { detail: `${address} is no IPv4 address` });
    const port = wanted.port || (before?.port ?? 0);
    this.#opening ??= this.#open({ address, port, token: before?.token ?? randomBytes(24).toString('base64url') }).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    const opened = await this.#opening;
    if (address !== this.#kept?.address || (wanted.port !== 0 && wanted.port !== this.#kept.port)) throw new MpvmError('HTTP_ELSEWHERE', { url: opened.url });
    return opened;
  }

  /** As it was before this daemon: whoever had asked for it goes on. */
  async resume(): Promise<void> {
    if (readKept(this.#options.file) === undefined) return;
    await this.open({ address: '', port: 0 }).catch((error: unknown) => this.#log.warn({ cause: asMpvmError(error).message }, 'the HTTP port from before cannot be opened'));
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async #open(wanted: Kept): Promise<HttpAddress> {
    const { address } = wanted;
    const secure = !isLoopback(address);
    const { requestMs = defaultRequestMs, identity: { key, certificate } } = this.#options;
    const headersMs = requestMs / 3;
    const limits = { maxHeaderSize: headerBytes, headersTimeout: headersMs, requestTimeout: requestMs, keepAliveTimeout: 5000, connectionsCheckingInterval: headersMs / 4 };
    const answer = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    const server = secure ? createTlsServer({ ...limits, key, cert: certificate, minVersion: 'TLSv1.3', handshakeTimeout: headersMs }, answer) : createServer(limits, answer);
    server.maxConnections = connectionLimit;
    server.maxHeadersCount = 64;
    server.on('upgrade', (_request, socket) => socket.destroy());
    const port = await listen(server, address, wanted.port);
    this.#server = server;
    this.#kept = { ...wanted, port };
    writeFileSync(this.#options.file, JSON.stringify(this.#kept), { mode: 0o600 });
    const url = `${secure ? 'https' : 'http'}://${address}:${port}`;
    this.#log.info({ url }, 'HTTP port open');
    return { url, token: wanted.token };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    try {
      const url = this.#place(request);
      const route = this.#route(request.method ?? '', url.pathname);
      if (!route?.open && !this.#shows(request.headers.authorization)) refuse(response, 401, 'say who you are: Authorization: Bearer TOKEN (mpvm dashboard and mpvm metrics print it)');
      else if (!route) refuse(response, 404, 'there is nothing here');
      else await route.handle({ request, response, url, body: () => readBody(request) });
    } catch (thrown) {
      const error = asMpvmError(thrown);
      if (error.code === 'INTERNAL') this.#log.error({ err: error.cause ?? error, path: request.url }, 'an HTTP request failed');
      if (response.headersSent) response.destroy();
      else sendJson(response, { error: { code: error.code, text: error.message, remedy: error.remedy } }, error.code === 'INTERNAL' ? 500 : 400);
    }
  }

  /** Under another name than ours somebody's page has been led here (DNS rebinding). */
  #place(request: IncomingMessage): URL {
    const { address = '', port = 0 } = this.#kept ?? {};
    const host = request.headers.host ?? '';
    const names = [`${address}:${port}`, `localhost:${port}`, `127.0.0.1:${port}`];
    const url = names.includes(host) ? urlOf(request.url ?? '', host) : undefined;
    if (!url) throw new MpvmError('BAD_REQUEST', { detail: `this is ${address}:${port}` });
    const { origin } = request.headers;
    if (origin !== undefined && !names.some((name) => origin === `http://${name}` || origin === `https://${name}`)) throw new MpvmError('BAD_REQUEST', { detail: 'this is not for pages from elsewhere' });
    return url;
  }

  #route(method: string, path: string): Route | undefined {
    const wanted = method === 'HEAD' ? 'GET' : method;
    return this.#routes.find((route) => route.method === wanted && (route.path === path || (route.path.endsWith('/') && path.startsWith(route.path))));
  }

  #shows(authorization: string | undefined): boolean {
    const shown = Buffer.from(/^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? '');
    const token = Buffer.from(this.#kept?.token ?? '');
    return token.length > 0 && shown.length === token.length && timingSafeEqual(shown, token);
  }
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(`${JSON.stringify(value)}\n`);
}

function refuse(response: ServerResponse, status: number, text: string): void {
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' }).end(`${text}\n`);
}

function urlOf(path: string, host: string): URL | undefined {
  try {
    return new URL(path, `http://${host}`);
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) throw new MpvmError('BAD_REQUEST', { detail: 'the body must be application/json' });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytes) throw new MpvmError('BAD_REQUEST', { detail: `the body has more than ${bodyBytes} bytes` });
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new MpvmError('BAD_REQUEST', { detail: 'the body is no JSON object' });
}

function listen(server: Server, address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const errno = errnoOf(error);
      if (errno === 'EADDRINUSE') reject(new MpvmError('PORT_IN_USE', { address, port }));
      else if (errno === 'EADDRNOTAVAIL') reject(new MpvmError('ADDRESS_NOT_LOCAL', { address }));
      else reject(new MpvmError('INTERNAL', { detail: `cannot listen at ${address}:${port}: ${errno ?? error.message}` }));
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

function readKept(file: string): Kept | undefined {
  try {
    const { address, port, token } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept>;
    if (typeof address === 'string' && isIPv4(address) && typeof port === 'number' && typeof token === 'string' && token.length >= 16) return { address, port, token };
  } catch {
    // not there, or not whole: a new one is made
  }
  rmSync(file, { force: true });
  return undefined;
}
