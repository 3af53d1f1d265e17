/** mpvm token: what another machine needs to join, and which tokens there are. */
import { MpvmError } from '../errors.js';
import type { mpvm } from '../rpc/messages.js';
import { isLoopback } from '../hosts/resolve.js';
import type { Session } from './session.js';
import { expectOk } from './status.js';
import { printJson, printTable } from './table.js';

interface Options {
  ttl?: number;
  reusable?: boolean;
  node?: string;
  list?: boolean;
  revoke?: string;
}

export interface TokenShape {
  id: string;
  vm: string;
  address: string;
  node: string | null;
  expires: string;
  reusable: boolean;
  used: number;
}

function shape(vm: string, info: mpvm.node.ITokenInfo): TokenShape {
  return {
    id: info.id ?? '',
    vm,
    address: info.address ?? '',
    node: info.node || null,
    expires: new Date(info.expiresMs ?? 0).toISOString(),
    reusable: info.reusable ?? false,
    used: info.used ?? 0,
  };
}

export async function token(session: Session, options: Options): Promise<number> {
  if (options.list && options.revoke !== undefined) throw new MpvmError('BAD_REQUEST', { detail: '--list and --revoke exclude each other' });
  if (options.list) return await list(session);
  if (options.revoke !== undefined) return await revoke(session, options.revoke);
  const client = await session.control();
  const reply = await client.createToken({ ttlS: options.ttl, reusable: options.reusable, node: options.node });
  const made = shape(session.name, reply.info ?? {});
  if (session.json) printJson({ token: reply.token, ...made });
  else {
    // The token alone on stdout, so that scripts can pass it on.
    process.stdout.write(`${reply.token}\n`);
    const whose = made.reusable ? 'any number of machines' : made.node ? `the machine that becomes ${made.node}` : 'one machine';
    process.stderr.write(`for ${whose}, until ${made.expires.slice(0, 16).replace('T', ' ')} UTC; on it: mpvm join TOKEN\n`);
    if (isLoopback(made.address)) process.stderr.write(`this VM has a loopback address, which no other machine can reach; for others start it with: mpvm up --address ADDRESS\n`);
  }
  return 0;
}

async function list(session: Session): Promise<number> {
  const { tokens } = await (await session.control()).listTokens({});
  const rows = tokens.map((info) => shape(session.name, info));
  if (session.json) printJson(rows);
  else {
    printTable(
      [
        { title: 'ID', cell: (row) => row.id },
        { title: 'FOR', cell: (row) => row.node ?? (row.reusable ? 'any machines' : 'one machine') },
        { title: 'EXPIRES', cell: (row) => row.expires },
        { title: 'USED', cell: (row) => String(row.used), right: true },
      ],
      rows,
    );
  }
  return 0;
}

async function revoke(session: Session, id: string): Promise<number> {
  expectOk(await (await session.control()).revokeToken({ id }));
  if (session.json) printJson({ id, revoked: true });
  else process.stdout.write(`token/${id} revoked\n`);
  return 0;
}
