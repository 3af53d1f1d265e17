/** What a hostfile says of a node (ep=, wd=, bp=, sp=) and what `mpvm limit` has set, kept in the node's directory for every daemon that serves it. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { NodePaths } from '../paths.js';
import { privateDirectory } from '../paths.js';
import type { mpvm } from '../rpc/messages.js';

type Settings = mpvm.node.IHostSettings;

export function writeSettings(paths: NodePaths, settings: Settings): void {
  privateDirectory(paths.vm);
  privateDirectory(paths.node);
  const { executionPath, directory, debugger: program, speed, bandwidth, cpuBaseline } = settings;
  writeFileSync(paths.settings, `${JSON.stringify({ executionPath, directory, debugger: program, speed, bandwidth, cpuBaseline })}\n`, { mode: 0o600 });
}

export function readSettings(paths: NodePaths): Settings {
  try {
    return JSON.parse(readFileSync(paths.settings, 'utf8')) as Settings;
  } catch {
    return {}; // most nodes have none
  }
}

/** For the tasks that this daemon will start. */
export function applySettings({ executionPath, directory, debugger: program }: Settings, environment: NodeJS.ProcessEnv): void {
  if (executionPath) environment['PVM_PATH'] = executionPath;
  if (directory) environment['MPVM_WD'] = directory;
  if (program) environment['PVM_DEBUGGER'] = program;
}
