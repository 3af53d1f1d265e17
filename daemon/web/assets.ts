/** The files of the page, as `npm run setup` has built them: read once, when they are first asked for; served by name, nothing else. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { MpvmError } from '../errors.js';
import type { Route } from '../http/server.js';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const front = '/web/page/index.html';

/** Stricter than the listener's own: the page makes no markup from text, and the browser sees to it. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/** They say nothing about the VM, so they are shown to everybody. */
export function assetRoute(directory: string): Route {
  let files: Map<string, Buffer> | undefined;
  return {
    method: 'GET',
    path: '/',
    open: true,
    handle: ({ response, url }) => {
      files ??= readFiles(directory);
      const name = url.pathname === '/' ? front : url.pathname;
      const bytes = files.get(name);
      if (bytes) response.writeHead(200, { 'Content-Type': types[extname(name)], 'Content-Length': bytes.length, 'Content-Security-Policy': policy }).end(bytes);
      else response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('there is nothing here\n');
    },
  };
}

/** Throws NOT_PREPARED. */
function readFiles(directory: string): Map<string, Buffer> {
  try {
    const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => extname(name) in types);
    return new Map(names.map((name): [string, Buffer] => [`/${name}`, readFileSync(join(directory, name))]));
  } catch {
    throw new MpvmError('NOT_PREPARED', { what: `the page of the dashboard (${directory})` });
  }
}
