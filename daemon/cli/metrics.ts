/** mpvm metrics: where the figures of this node are, for Prometheus. */
import { done } from './exit.js';
import type { Session } from './session.js';
import { printJson } from './table.js';

/** `metrics` and `dashboard` are at one port: opened once, it stays open until the VM goes down. */
export async function metrics(session: Session, options: { address?: string; port?: number }): Promise<number> {
  const { url, token, node } = await (await session.control()).openHttp({ address: options.address ?? '', port: options.port ?? 0 });
  const target = new URL(url);
  if (session.json) printJson({ node, url: `${url}/metrics`, token });
  else
    process.stdout.write(`# ${node} serves its figures at ${url}/metrics; for prometheus.yml:
- job_name: mpvm
  scheme: ${target.protocol.replace(':', '')}
  authorization: { credentials: ${token} }
  static_configs: [{ targets: ["${target.host}"] }]
`);
  return done;
}
