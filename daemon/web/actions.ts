/** What a page can have done: a plan first, then the same thing for good. Each is a call of the API that the command uses. */
import { userName } from '../cli/cordon.js';
import { blockerShape, leftShape, plannedShape } from '../cli/shapes.js';
import { parseTid } from '../cli/tid.js';
import { asMpvmError, MpvmError } from '../errors.js';
import type { Call, Route } from '../http/server.js';
import { sendJson } from '../http/server.js';
import type { ControlClient } from '../rpc/clients.js';
import type { mpvm } from '../rpc/messages.js';
import type { StreamEvent } from '../shared/event-stream.js';
import type { DrainNews, Explanation, Failure, MoveNews } from '../shared/wire.js';
import { moveOf } from './hub.js';
import { EventStream } from './stream.js';

const reasonLength = 200;

export function actionRoutes(client: ControlClient): Route[] {
  return [
    post('/api/explain', async ({ tid, to }, call) => {
      const reply = await client.explain({ tid: parseTid(text(tid, 'tid')), to: text(to, 'to'), engine: '' }, { timeoutMs: 30_000 });
      expectGood(reply.status);
      sendJson(call.response, explanation(reply));
    }),
    post('/api/migrate', ({ tid, to }, call) =>
      stream(call, moveNews(client.migrate({ tid: parseTid(text(tid, 'tid')), to: text(to, 'to'), reason: 'dashboard' })))),
    post('/api/cancel', async ({ id }, call) => {
      expectGood(await client.cancelMigration({ id: text(id, 'id') }));
      sendJson(call.response, {});
    }),
    post('/api/cordon', async ({ node, cordoned, reason }, call) => {
      const name = text(node, 'node');
      const { nodes } = await client.nodes({});
      if (!nodes.some((one) => one.name === name)) throw new MpvmError('NODE_UNKNOWN', { node: name });
      expectGood(await client.cordon({ node: name, cordoned: cordoned === true, reason: words(reason), user: userName() }));
      sendJson(call.response, {});
    }),
    post('/api/cancel-drain', async ({ node }, call) => {
      await client.cancelDrain({ nodes: [text(node, 'node')], user: userName() });
      sendJson(call.response, {});
    }),
    post('/api/drain', ({ node, dryRun, reason }, call) =>
      stream(call, drainNews(client.drain({ nodes: [text(node, 'node')], dryRun: dryRun === true, reason: words(reason), user: userName() })))),
  ];
}

function post(path: string, work: (body: Record<string, unknown>, call: Call) => Promise<void>): Route {
  return { method: 'POST', path, handle: async (call) => work(await call.body(), call) };
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '' || value.length > 256) throw new MpvmError('BAD_REQUEST', { detail: `"${name}" must be a string` });
  return value;
}
const words = (value: unknown): string => (typeof value === 'string' ? value.slice(0, reasonLength) : '');

function expectGood(status: mpvm.node.IStatusReply | null | undefined): void {
  if (status?.code) throw MpvmError.received(status.code, status.text ?? '');
}

function explanation(reply: mpvm.node.IExplainReply): Explanation {
  const blockers = (reply.blockers ?? []).map(blockerShape);
  return {
    movable: blockers.every(({ warning }) => warning),
    predictedBytes: reply.predictedBytes ?? 0,
    predictedMs: (reply.predictedUs ?? 0) / 1000,
    predictedDowntimeMs: (reply.predictedDowntimeUs ?? 0) / 1000,
    blockers,
  };
}

/** Who stops reading stops watching, not the work: the events are taken to their end. */
async function stream(call: Call, events: AsyncIterable<StreamEvent>): Promise<void> {
  let out: EventStream | undefined;
  try {
    for await (const event of events) {
      out ??= new EventStream(call.response);
      out.send(event);
    }
    out ??= new EventStream(call.response);
  } catch (thrown) {
    if (!out) throw thrown; // refused at once: an answer like any other
    const { code, message, remedy } = asMpvmError(thrown);
    out.send({ event: 'failed', data: { code, text: message, remedy } satisfies Failure });
  }
  out.end();
}

async function* moveNews(events: AsyncIterable<mpvm.node.IMigrationEvent>): AsyncGenerator<MoveNews> {
  for await (const { migration } of events) if (migration) yield { event: 'move', data: moveOf(migration) };
}

async function* drainNews(events: ReturnType<ControlClient['drain']>): AsyncGenerator<DrainNews> {
  for await (const { plan, migration, left, done, failed, note } of events) {
    if (plan) yield { event: 'plan', data: { moves: (plan.moves ?? []).map(plannedShape), blocked: (plan.blocked ?? []).map(leftShape) } };
    else if (migration) yield { event: 'move', data: moveOf(migration) };
    else if (left) yield { event: 'left', data: leftShape(left) };
    else if (note) yield { event: 'note', data: { text: note.text ?? '' } };
    else if (done) yield { event: 'done', data: { moved: done.moved ?? 0, left: done.left ?? 0, timedOut: done.timedOut ?? false } };
    else if (failed) {
      const { code, message, remedy } = MpvmError.received(failed.code ?? '', failed.text ?? '');
      yield { event: 'failed', data: { code, text: message, remedy } };
    }
  }
}
