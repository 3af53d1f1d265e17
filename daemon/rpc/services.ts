/**
 * The services of proto/ as values: for each rpc its path, its codecs and whether it streams.
 * Clients (clients.ts) and servers (server.ts) are derived from these tables, types included.
 */
import { mpvm } from './messages.js';
import type { Writer } from 'protobufjs';

/** What protobufjs generates for a message: In is the plain-object form, Out what decode makes of it. */
export interface Codec<In, Out> {
  encode(message: In): Writer;
  decode(bytes: Uint8Array): Out;
}
/** One rpc. Request/Reply are what one hands in; Received* is what the other side gets. */
export interface Method<Request, ReceivedRequest, Reply, ReceivedReply, Streams extends boolean> {
  readonly path: string;
  readonly request: Codec<Request, ReceivedRequest>;
  readonly reply: Codec<Reply, ReceivedReply>;
  readonly streams: Streams;
}
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a table of methods of any messages
export type AnyMethod = Method<any, any, any, any, boolean>;
export type Service = Record<string, AnyMethod>;

function describe(service: string) {
  const method = <A, B, C, D, S extends boolean>(name: string, request: Codec<A, B>, reply: Codec<C, D>, streams: S): Method<A, B, C, D, S> =>
    ({ path: `/${service}/${name}`, request, reply, streams });
  return {
    unary: <A, B, C, D>(name: string, request: Codec<A, B>, reply: Codec<C, D>) => method(name, request, reply, false),
    stream: <A, B, C, D>(name: string, request: Codec<A, B>, reply: Codec<C, D>) => method(name, request, reply, true),
  };
}

const n = mpvm.node;
const c = mpvm.control;

const registry = describe('mpvm.node.Registry');
export const registryService = {
  join: registry.stream('Join', n.JoinRequest, n.VmEvent),
  leave: registry.unary('Leave', n.LeaveRequest, n.Empty),
  heartbeat: registry.unary('Heartbeat', n.HeartbeatRequest, n.HeartbeatReply),
  setCordon: registry.unary('SetCordon', n.CordonRequest, n.Empty),
  commitMove: registry.unary('CommitMove', n.CommitMoveRequest, n.CommitMoveReply),
  locate: registry.unary('Locate', n.LocateRequest, n.LocateReply),
  forget: registry.unary('Forget', n.ForgetRequest, n.Empty),
  group: registry.unary('Group', n.GroupRequest, n.GroupResponse),
  mailbox: registry.unary('Mailbox', n.MailboxRequest, n.MailboxResponse),
  newContext: registry.unary('NewContext', n.ContextRequest, n.ContextReply),
  freeContext: registry.unary('FreeContext', n.ContextRequest, n.ContextReply),
  register: registry.unary('Register', n.RegisterRequest, n.RegisterReply),
  shutdown: registry.unary('Shutdown', n.ShutdownRequest, n.Empty),
  addHosts: registry.stream('AddHosts', n.AddHostsRequest, n.HostEvent),
  deleteHosts: registry.stream('DeleteHosts', n.DeleteHostsRequest, n.HostEvent),
  drain: registry.stream('Drain', n.DrainRequest, n.DrainEvent),
  cancelDrain: registry.unary('CancelDrain', n.CancelDrainRequest, n.CancelDrainReply),
  drains: registry.unary('Drains', n.Empty, n.DrainsReply),
  createToken: registry.unary('CreateToken', n.CreateTokenRequest, n.CreateTokenReply),
  listTokens: registry.unary('ListTokens', n.Empty, n.ListTokensReply),
  revokeToken: registry.unary('RevokeToken', n.RevokeTokenRequest, n.Empty),
};

const node = describe('mpvm.node.Node');
export const nodeService = {
  ping: node.unary('Ping', n.Empty, n.PingReply),
  spawn: node.unary('Spawn', n.SpawnRequest, n.SpawnReply),
  introduce: node.unary('Introduce', n.IntroduceRequest, n.Empty),
  signal: node.unary('Signal', n.SignalRequest, n.StatusReply),
  listTasks: node.unary('ListTasks', n.ListTasksRequest, n.ListTasksReply),
  resolve: node.unary('Resolve', n.ResolveRequest, n.ResolveReply),
  watch: node.unary('Watch', n.WatchTaskRequest, n.Empty),
  taskEnded: node.unary('TaskEnded', n.TaskEndedNotice, n.Empty),
  deliver: node.unary('Deliver', n.DeliverRequest, n.Empty),
  output: node.unary('Output', n.OutputRequest, n.Empty),
  groupPage: node.unary('GroupPage', n.GroupPageRequest, n.GroupPageReply),
  explain: node.unary('Explain', n.InboundRequest, n.ExplainReply),
  inbound: node.stream('Inbound', n.InboundRequest, n.InboundEvent),
  handover: node.unary('Handover', n.HandoverRequest, n.Empty),
  putImage: node.unary('PutImage', n.ImagePart, n.Empty),
  migrate: node.stream('Migrate', n.MigrateRequest, n.MigrationEvent),
  cancelMigration: node.unary('CancelMigration', n.CancelRequest, n.StatusReply),
  listMigrations: node.unary('ListMigrations', n.Empty, n.ListMigrationsReply),
  explainTask: node.unary('ExplainTask', n.ExplainTaskRequest, n.ExplainReply),
  limit: node.unary('Limit', n.LimitRequest, n.LimitReply),
  sample: node.unary('Sample', n.SampleRequest, n.SampleReply),
  linger: node.unary('Linger', n.LingerRequest, n.Empty),
  follow: node.stream('Follow', n.FollowRequest, n.FollowEvent),
  balance: node.stream('Balance', n.BalanceRequest, n.BalanceEvent),
  balanceStatus: node.unary('BalanceStatus', n.Empty, n.BalanceStatusReply),
  stopBalance: node.unary('StopBalance', n.Empty, n.StatusReply),
  retire: node.unary('Retire', n.RetireRequest, n.Empty),
};

const control = describe('mpvm.control.Control');
export const controlService = {
  nodes: control.unary('Nodes', c.Empty, c.NodesReply),
  tasks: control.unary('Tasks', c.Empty, c.TasksReply),
  spawn: control.unary('Spawn', c.SpawnRequest, c.SpawnReply),
  run: control.stream('Run', c.SpawnRequest, c.RunEvent),
  signal: control.unary('Signal', c.SignalRequest, n.StatusReply),
  migrate: control.stream('Migrate', n.MigrateRequest, n.MigrationEvent),
  cancelMigration: control.unary('CancelMigration', n.CancelRequest, n.StatusReply),
  migrations: control.unary('Migrations', c.Empty, n.ListMigrationsReply),
  explain: control.unary('Explain', n.ExplainTaskRequest, n.ExplainReply),
  limit: control.unary('Limit', n.LimitRequest, n.LimitReply),
  cordon: control.unary('Cordon', c.CordonRequest, n.StatusReply),
  drain: control.stream('Drain', n.DrainRequest, n.DrainEvent),
  cancelDrain: control.unary('CancelDrain', n.CancelDrainRequest, n.CancelDrainReply),
  drains: control.unary('Drains', c.Empty, n.DrainsReply),
  balance: control.stream('Balance', n.BalanceRequest, n.BalanceEvent),
  balanceStatus: control.unary('BalanceStatus', c.Empty, n.BalanceStatusReply),
  stopBalance: control.unary('StopBalance', c.Empty, n.StatusReply),
  watch: control.stream('Watch', c.WatchRequest, c.WatchEvent),
  down: control.unary('Down', c.Empty, n.StatusReply),
  openHttp: control.unary('OpenHttp', c.OpenHttpRequest, c.OpenHttpReply),
  addHosts: control.stream('AddHosts', c.AddHostsRequest, n.HostEvent),
  deleteHosts: control.stream('DeleteHosts', c.DeleteHostsRequest, n.HostEvent),
  createToken: control.unary('CreateToken', c.TokenRequest, c.TokenReply),
  listTokens: control.unary('ListTokens', c.Empty, c.ListTokensReply),
  revokeToken: control.unary('RevokeToken', c.RevokeTokenRequest, n.StatusReply),
};
