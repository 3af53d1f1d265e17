/**
 * From the name that pvm_spawn was given to a file, a directory and an environment: PVM's rules
 * (PVM_PATH, names with a slash, $HOME), over an environment that is handed in.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { architecture } from './codes.js';

export type Environment = Record<string, string | undefined>;

const defaultRoot = '/usr/lib/pvm3';
const defaultPath = '$HOME/pvm3/bin/$PVM_ARCH:$PVM_ROOT/bin/$PVM_ARCH';

/** The full path of a program, or undefined when there is no such executable file. */
export function findProgram(name: string, directory: string, environment: Environment): string | undefined {
  if (name === '') return undefined;
  if (name.includes('/')) return executable(resolve(directory, name));
  for (const folder of searchPath(environment)) {
    const found = executable(join(folder, name));
    if (found !== undefined) return found;
  }
  return undefined;
}

export function searchPath(environment: Environment): string[] {
  const home = homeOf(environment);
  return (environment['PVM_PATH'] || defaultPath)
    .split(':')
    .map((entry) => expand(entry, environment))
    .filter((entry) => entry !== '')
    .map((entry) => (isAbsolute(entry) ? entry : join(home, entry)));
}

/** Where a task starts: what the spawn says, else what the hostfile says of this node (wd=), else $HOME; relative to the next of these. */
export function startDirectory(wanted: string, environment: Environment): string {
  return resolve(homeOf(environment), expand(environment['MPVM_WD'] ?? '', environment), expand(wanted, environment));
}

/** A directory that is not there is no reason for a program not to start: PVM starts it in /. */
export function usableDirectory(directory: string): string {
  try {
    if (statSync(directory).isDirectory()) {
      accessSync(directory, constants.X_OK);
      return directory;
    }
  } catch {
    // not there, or closed to us
  }
  return '/';
}

const homeOf = (environment: Environment): string => environment['HOME'] || '/';

function expand(text: string, environment: Environment): string {
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => {
    const name = braced ?? plain ?? '';
    return environment[name] ?? (name === 'PVM_ARCH' ? architecture : name === 'PVM_ROOT' ? defaultRoot : '');
  });
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The environment of a task: the daemon's, what its parent exports, and what tells it who it is. */
export function taskEnvironment(base: Environment, exported: readonly string[], own: Environment, libraryDirectory: string | undefined): Environment {
  const environment: Environment = { ...base };
  for (const assignment of exported) {
    const at = assignment.indexOf('=');
    if (at > 0) environment[assignment.slice(0, at)] = assignment.slice(at + 1);
  }
  Object.assign(environment, own);
  environment['PVM_ARCH'] ??= architecture;
  // So that a program finds this libpvm although it was linked elsewhere, with Debian's for example.
  if (libraryDirectory !== undefined) {
    const there = (environment['LD_LIBRARY_PATH'] ?? '').split(':').filter((entry) => entry !== '');
    if (!there.includes(libraryDirectory)) environment['LD_LIBRARY_PATH'] = [libraryDirectory, ...there].join(':');
  }
  return environment;
}
