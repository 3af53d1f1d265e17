/** `pvm`: the console under PVM's name, with the options that PVM's console takes. */
import { exitWith, reportAndExit } from '../cli/exit.js';
import { Session } from '../cli/session.js';
import { runConsole } from './console.js';

const session = new Session({});
try {
  exitWith(await runConsole(session, process.argv.slice(2)));
} catch (error) {
  reportAndExit(error, false);
}
