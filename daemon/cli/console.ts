/** mpvm console: PVM's own console (see daemon/console). */
import { runConsole } from '../console/console.js';
import type { Session } from './session.js';

export function console(session: Session, words: string[]): Promise<number> {
  return runConsole(session, words);
}
