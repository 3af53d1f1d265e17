/** mpvm cancel: stop a move that is under way; the task runs on where it is. */
import type { Session } from './session.js';
import { expectOk } from './status.js';
import { printJson, printLines } from './table.js';
import { findMigration } from './migrations.js';

export async function cancel(session: Session, id: string): Promise<number> {
  const client = await session.control();
  const migration = await findMigration(session, id);
  expectOk(await client.cancelMigration({ id: migration.id }));
  if (session.json) printJson({ id: migration.id, cancelled: true });
  else printLines([`${migration.id} cancelled: ${migration.tid} runs on at ${migration.from}`]);
  return 0;
}
