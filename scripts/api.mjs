/**
 * docs/API.md, from the comments in proto/. `node scripts/api.mjs` writes it; a test compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import protobuf from 'protobufjs';
import { root as project } from './shell.mjs';

const path = join(project, 'docs/API.md');

const intro = `# The API of a virtual machine

What \`mpvm\` does, other programs can do: it speaks gRPC to a daemon, and any daemon of a VM answers for the whole VM.
This page is made from \`proto/\` (\`node scripts/api.mjs\`); the files there are the definition.

*Where.* The unix socket \`\${MPVM_DIR:-/tmp/mpvm-UID}/VM/local/control.sock\`, in a directory of mode 0700: who may open it (the VM's
user, or root) may do everything. Plaintext HTTP/2 on that socket.

*TypeScript and JavaScript.* The package exports the client that the command itself uses:

\`\`\`ts
import { connect, hasCode } from 'mpvm';
const vm = await connect({ name: 'default' });
const { nodes } = await vm.nodes({});
for await (const { migration } of vm.migrate({ tid: 0x40002, to: 'n3' })) console.log(migration?.state);
vm.close();
\`\`\`

*Other languages.* Generate from \`proto/control.proto\`, or ask: a daemon that was started with \`mpvmd --reflection\` (or \`MPVM_REFLECTION=1\`
in its environment) tells its services to grpcurl and the like.

\`\`\`
S=unix:/tmp/mpvm-$(id -u)/default/local/control.sock
grpcurl -plaintext $S describe mpvm.control.Control
grpcurl -plaintext -d '{"nodes": ["n3"], "reason": "new disk"}' $S mpvm.control.Control/Drain
\`\`\`

*Errors.* A call that fails ends with status ABORTED; the metadata has \`mpvm-code\` (stable, of \`daemon/errors.ts\`), \`mpvm-cause-bin\` and
\`mpvm-remedy-bin\` (texts for people). A \`StatusReply\` with a negative status says the same inside a reply or stream.

*Streams* of work (\`Migrate\`, \`Drain\`, \`Balance\`) tell what happens; cancelling them stops watching, not the work. \`Run\` is the exception. Fields that
are not set have proto3's defaults; unknown fields and events must be passed over: later versions add some.
`;

export function apiPage() {
  const root = new protobuf.Root();
  for (const name of ['task', 'node', 'control']) protobuf.parse(readFileSync(join(project, `proto/${name}.proto`), 'utf8'), root, { keepCase: true, alternateCommentMode: true });
  root.resolveAll();
  const service = root.lookupService('mpvm.control.Control');
  const lines = [intro, '## service mpvm.control.Control', '', '| rpc | request | reply | |', '|---|---|---|---|'];
  const seen = new Set();
  for (const method of service.methodsArray) {
    method.resolve();
    const reply = `${method.responseStream ? 'stream of ' : ''}${link(method.resolvedResponseType)}`;
    lines.push(`| **${method.name}** | ${link(method.resolvedRequestType)} | ${reply} | ${cell(method.comment)} |`);
    for (const type of [method.resolvedRequestType, method.resolvedResponseType]) collect(type, seen);
  }
  lines.push('', '## Messages', '');
  for (const type of [...seen].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) lines.push(...describe(type));
  return `${lines.join('\n').trimEnd()}\n`;
}

function collect(type, seen) {
  if (!type || seen.has(type)) return;
  seen.add(type);
  for (const field of type.fieldsArray ?? []) collect(field.resolve().resolvedType, seen);
}

function describe(type) {
  const lines = [`### ${nameOf(type)}`, ''];
  if (type.comment) lines.push(cell(type.comment), '');
  if (type.values) {
    lines.push('| value | | |', '|---|---|---|');
    for (const [name, number] of Object.entries(type.values)) lines.push(`| ${name} | ${number} | ${cell(type.comments?.[name])} |`);
  } else if (type.fieldsArray.length > 0) {
    lines.push('| field | type | |', '|---|---|---|');
    for (const field of type.fieldsArray) lines.push(`| ${field.name} | ${field.repeated ? 'repeated ' : ''}${field.resolvedType ? link(field.resolvedType) : field.type}${field.partOf && !field.options?.proto3_optional ? ` (${field.partOf.name})` : ''} | ${cell(field.comment)} |`);
  } else lines.push('No fields.');
  return [...lines, ''];
}

const nameOf = (type) => type.fullName.replace(/^\.mpvm\./, '').replace(/^control\./, '');
const link = (type) => `[${nameOf(type)}](#${nameOf(type).toLowerCase().replaceAll('.', '')})`;
const cell = (text) => (text ?? '').replaceAll('\n', ' ').replaceAll('|', '\\|').trim();

if (import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(path, apiPage());
