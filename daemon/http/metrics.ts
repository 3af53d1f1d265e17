/** GET /metrics, in the text format of Prometheus. */
import type { Registry } from 'prom-client';
import type { FigureParts } from './figures.js';
import type { Route } from './server.js';

export function metricsRoute(parts: FigureParts): Route {
  // A daemon that nobody scrapes neither loads the library nor counts.
  let figures: Promise<Registry> | undefined;
  return {
    method: 'GET',
    path: '/metrics',
    async handle({ response }) {
      figures ??= import('./figures.js').then(({ figuresOf }) => figuresOf(parts));
      const register = await figures;
      const text = await register.metrics();
      response.writeHead(200, { 'Content-Type': register.contentType }).end(text);
    },
  };
}
