/** Opening the daemon's two gRPC ports: one for other nodes (TLS), one for this machine's users (unix socket). */
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { errnoOf, MpvmError } from '../errors.js';

export function createGrpcServer(): Server {
  return new Server({
    'grpc.max_receive_message_length': 64 << 20,
    'grpc.keepalive_time_ms': 5000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.max_concurrent_streams': 65_536,
    'grpc.enable_channelz': 0, // nobody asks for its counts
  });
}

/** Returns the port. Throws PORT_IN_USE, ADDRESS_NOT_LOCAL. */
export async function listenTcp(server: Server, address: string, port: number, credentials: ServerCredentials): Promise<number> {
  await tryBind(address, port);
  return await bind(server, `${address}:${port}`, credentials);
}

export async function listenUnix(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true }); // of a daemon that was killed; the lock says that none lives
  await bind(server, `unix:${path}`, ServerCredentials.createInsecure());
}

function bind(server: Server, target: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => server.bindAsync(target, credentials, (error, port) => (error ? reject(error) : resolve(port))));
}

/** grpc-js does not say why it cannot bind; the kernel does. */
function tryBind(address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => {
      const errno = errnoOf(error);
      if (errno === 'EADDRINUSE') reject(new MpvmError('PORT_IN_USE', { address, port }));
      else if (errno === 'EADDRNOTAVAIL') reject(new MpvmError('ADDRESS_NOT_LOCAL', { address }));
      else reject(new MpvmError('INTERNAL', { detail: `cannot listen at ${address}:${port}: ${errno ?? error.message}` }));
    });
    probe.listen({ host: address, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** Lets calls under way end for a moment, then ends them. */
export async function stopServer(server: Server, patienceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const late = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, patienceMs);
    server.tryShutdown(() => {
      clearTimeout(late);
      resolve();
    });
  });
}
