/** grpc.health.v1.Health: for load balancers, container health checks and `grpc_health_probe`. Two messages, written by hand. */
import { Reader, Writer } from 'protobufjs/minimal.js';
import type { ImplementationOf } from './server.js';
import type { Codec, Method } from './services.js';

interface HealthRequest { service: string }
interface HealthReply { status: number }
/** HealthCheckResponse.ServingStatus */
const serving = { yes: 1, no: 2, unknownService: 3 } as const;

const request: Codec<Partial<HealthRequest>, HealthRequest> = {
  encode: ({ service = '' }) => Writer.create().uint32(10).string(service),
  decode: (bytes) => {
    const reader = Reader.create(bytes);
    const message = { service: '' };
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 10) message.service = reader.string();
      else reader.skipType(tag & 7);
    }
    return message;
  },
};
const reply: Codec<HealthReply, HealthReply> = {
  encode: ({ status }) => Writer.create().uint32(8).int32(status),
  decode: (bytes) => {
    const reader = Reader.create(bytes);
    const message = { status: 0 };
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 8) message.status = reader.int32();
      else reader.skipType(tag & 7);
    }
    return message;
  },
};
const path = (name: string): string => `/grpc.health.v1.Health/${name}`;

export const healthService = {
  check: { path: path('Check'), request, reply, streams: false } as Method<Partial<HealthRequest>, HealthRequest, HealthReply, HealthReply, false>,
  watch: { path: path('Watch'), request, reply, streams: true } as Method<Partial<HealthRequest>, HealthRequest, HealthReply, HealthReply, true>,
};

/** `ready`: whether this daemon serves; `services`: the names it knows beside "". */
export function health(ready: () => boolean, services: readonly string[]): ImplementationOf<typeof healthService> {
  const statusOf = ({ service }: HealthRequest): HealthReply =>
    service !== '' && !services.includes(service) ? { status: serving.unknownService } : { status: ready() ? serving.yes : serving.no };
  return {
    check: statusOf,
    async *watch(asked, { signal }) {
      for (let last = -1; !signal.aborted; ) {
        const now = statusOf(asked);
        if (now.status !== last) yield now;
        last = now.status;
        await new Promise((resolve) => setTimeout(resolve, 1000).unref());
      }
    },
  };
}
