/** Commands of the interface whose functions do not exist yet: they say so. */
import { MpvmError } from '../errors.js';

export function notBuilt(usage: string): () => Promise<number> {
  const name = usage.split(' ')[0] ?? usage;
  return () => Promise.reject(new MpvmError('NOT_BUILT', { what: `mpvm ${name}` }));
}
