/** Control.Drain: the registry's node empties nodes; whoever watches from another node outlasts a restart of its daemon. */
import { setTimeout as delay } from 'node:timers/promises';
import type { VirtualMachine } from '../contracts.js';
import { hasCode, MpvmError } from '../errors.js';
import type { mpvm } from './messages.js';

type Event = mpvm.node.IDrainEvent;

const againMs = 200;
/** As long as others give a registry that has gone. */
const patienceMs = 30_000;

export async function* watchDrain(vm: VirtualMachine, request: mpvm.node.IDrainRequest, signal: AbortSignal): AsyncGenerator<Event, void> {
  let id = '';
  for (let broken = 0; ; ) {
    try {
      // Watched again, a drain tells all from its beginning, as its new daemon knows it.
      for await (const event of vm.registry().drain(id === '' ? request : { id }, { signal })) {
        if (event.plan) id = event.plan.id ?? '';
        broken = 0;
        yield event;
      }
      return;
    } catch (error) {
      const lost = hasCode(error, 'REGISTRY_UNREACHABLE') || hasCode(error, 'SHUTTING_DOWN');
      broken ||= Date.now();
      if (id !== '' && hasCode(error, 'DRAIN_UNKNOWN')) throw new MpvmError('DRAIN_UNSEEN');
      if (id === '' || !lost || signal.aborted || Date.now() - broken > patienceMs) throw error;
    }
    await delay(againMs, undefined, { signal }).catch(() => undefined);
  }
}
