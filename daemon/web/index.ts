/** The face of daemon/web: the page, what it is told, and what it can have done (docs/protocols/dashboard.md). */
import { join } from 'node:path';
import { projectRoot } from '../native/index.js';
import type { Route } from '../http/server.js';
import type { Logger } from '../log.js';
import type { ControlClient } from '../rpc/clients.js';
import { actionRoutes } from './actions.js';
import { assetRoute } from './assets.js';
import { Hub } from './hub.js';
import { EventStream } from './stream.js';

export interface DashboardOptions {
  /** Of this very daemon. */
  client: ControlClient;
  node: string;
  log: Logger;
}

export function dashboardRoutes({ client, node, log }: DashboardOptions): Route[] {
  const hub = new Hub(client, node, log);
  const events: Route = {
    method: 'GET',
    path: '/api/events',
    handle: async ({ response }) => {
      const stream = new EventStream(response);
      stream.onCaughtUp = () => stream.send(hub.snapshot());
      const leave = hub.read((news) => stream.send(news));
      await stream.closed;
      leave();
    },
  };
  return [assetRoute(join(projectRoot(), 'build/web')), events, ...actionRoutes(client)];
}
