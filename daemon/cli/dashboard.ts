/** mpvm dashboard: where the web page is; the daemon opens its HTTP port for it. */
import { spawn } from 'node:child_process';
import { MpvmError } from '../errors.js';
import { done } from './exit.js';
import type { Session } from './session.js';
import { printJson } from './table.js';

interface Options {
  address?: string;
  port?: number;
  open?: boolean;
}

/** The token stands in the fragment of the address, which browsers send to nobody. */
export async function dashboardUrl(session: Session, options: Options = {}): Promise<string> {
  const { url, token } = await (await session.control()).openHttp({ address: options.address ?? '', port: options.port ?? 0 });
  return `${url}/#token=${token}`;
}

export async function dashboard(session: Session, options: Options): Promise<number> {
  const url = await dashboardUrl(session, options);
  if (session.json) printJson({ url });
  else process.stdout.write(`${url}\n`);
  if (options.open) await openBrowser(url);
  return done;
}

async function openBrowser(url: string): Promise<void> {
  const command = process.env.BROWSER || 'xdg-open';
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, [url], { stdio: 'ignore', detached: true });
    child.once('error', () => reject(new MpvmError('BAD_REQUEST', { detail: `${command} cannot be started; open the address above in a browser` })));
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}
