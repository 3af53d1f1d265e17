/** For grpcurl and the like: a daemon that tells its services, when it was started with --reflection. */
import { join } from 'node:path';
import type { Server } from '@grpc/grpc-js';
import { projectRoot } from '../native/index.js';

/** Only who asks for it pays for loading it. */
export async function addReflection(server: Server): Promise<void> {
  const { loadSync } = await import('@grpc/proto-loader');
  const { ReflectionService } = await import('@grpc/reflection');
  const directory = join(projectRoot(), 'proto');
  const definition = loadSync('control.proto', { includeDirs: [directory] });
  new ReflectionService(definition, { services: ['mpvm.control.Control'] }).addToServer(server);
}
