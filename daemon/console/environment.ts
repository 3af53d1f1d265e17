/** PVM_EXPORT: the variables that the tasks of this console are given, names with colons between. Pure. */

export type Environment = Record<string, string | undefined>;
export const exportVariable = 'PVM_EXPORT';

export function exportedNames(environment: Environment): string[] {
  return (environment[exportVariable] ?? '').split(':').filter((name) => name !== '');
}
export function withExports(environment: Environment, names: readonly string[]): string {
  return [...new Set([...exportedNames(environment), ...names])].join(':');
}
export function withoutExports(environment: Environment, names: readonly string[]): string {
  return exportedNames(environment).filter((name) => !names.includes(name)).join(':');
}

/** NAME=value of those that are set, and the list itself, so that tasks pass it on. */
export function exportedEnvironment(environment: Environment): string[] {
  const names = exportedNames(environment);
  if (names.length === 0) return [];
  const values = names.flatMap((name) => (environment[name] === undefined ? [] : [`${name}=${environment[name]}`]));
  return [`${exportVariable}=${names.join(':')}`, ...values];
}
