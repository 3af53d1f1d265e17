/** All commands, by name. */
import type { Command } from '../context.js';
import { hostCommands } from './hosts.js';
import { mailboxCommands } from './mailbox.js';
import { moveCommands } from './moves.js';
import { shellCommands } from './shell.js';
import { spawnCommands } from './spawn.js';
import { taskCommands } from './tasks.js';

export const commands: readonly Command[] = [...hostCommands, ...mailboxCommands, ...moveCommands, ...shellCommands, ...spawnCommands, ...taskCommands].sort((a, b) =>
  a.name < b.name ? -1 : 1,
);
