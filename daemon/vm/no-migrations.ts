/** What a daemon without daemon/migration answers. */
import type { Migrations } from '../contracts.js';
import { MpvmError } from '../errors.js';

export function noMigrations(): Migrations {
  const refuse = (): never => {
    throw new MpvmError('NOT_BUILT', { what: 'moving tasks' });
  };
  return { migrate: refuse, cancel: refuse, list: () => [], explain: refuse, explainInbound: refuse, inbound: refuse, handover: refuse, drain: refuse, settle: () => Promise.resolve(true), on: () => undefined };
}
