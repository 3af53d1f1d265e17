/** Running commands for the scripts of this folder: plain Node, since they run before anything is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { styleText } from 'node:util';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
export const paint = (style, text) => (colour ? styleText(style, text) : text);

/** A reason to stop that the user can do something about: printed as one line, without a stack. */
export class Stop extends Error {}

/** Output of a short command, or undefined when it failed or does not exist. */
export function capture(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 ? stdout : undefined;
}

/**
 * Runs a command to its end; resolves to {code, signal, output, timedOut}. Its output is passed on when
 * `show`, and kept either way. A command past its time limit is ended with its whole process group.
 */
export function run(command, args, { cwd = root, env = process.env, show = false, limitSeconds = 0, onData } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const chunks = [];
    let timedOut = false;
    const take = (chunk) => {
      chunks.push(chunk);
      if (show) process.stdout.write(chunk);
      onData?.(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const endGroup = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has ended.
      }
    };
    const timer =
      limitSeconds > 0 &&
      setTimeout(() => {
        timedOut = true;
        endGroup('SIGTERM');
        setTimeout(() => endGroup('SIGKILL'), 5000).unref();
      }, limitSeconds * 1000);
    // Children have their own group so that a hanging suite can be ended; Ctrl-C must still reach them.
    const pass = (signal) => {
      endGroup(signal);
      process.exit(130);
    };
    process.once('SIGINT', pass);
    process.once('SIGTERM', pass);
    child.on('error', reject);
    // A daemon that a test left behind may hold the pipes open: what counts is the exit, after a moment for the rest.
    let ended = false;
    const finish = (code, signal) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      process.off('SIGINT', pass);
      process.off('SIGTERM', pass);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ code, signal, timedOut, output: Buffer.concat(chunks).toString('utf8') });
    };
    child.on('close', finish);
    child.on('exit', (code, signal) => setTimeout(() => finish(code, signal), 2000).unref());
  });
}
