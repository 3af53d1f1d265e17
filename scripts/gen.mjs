/** Generates the TypeScript side of proto/, and of other tables of the C side, into build/gen. Called by setup when they have changed. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { Stop, root, run } from './shell.mjs';

const protos = ['task', 'node', 'control'].map((name) => `proto/${name}.proto`);
/** Only what is used: every process loads it, and every check of types reads it. */
const common = ['-t', 'static-module', '-w', 'es6', '--force-number', '-p', 'proto', ...['create', 'verify', 'convert', 'delimited', 'typeurl', 'service'].map((part) => `--no-${part}`)];

async function tool(name, args) {
  const { code, output } = await run(join(root, 'node_modules/.bin', name), args);
  if (code !== 0) throw new Stop(`${name} ${args.join(' ')} failed:\n${output}`);
}

/** The type declarations come from the comments of a first module; the one that runs has none: it loads twice as fast. */
export async function generate() {
  mkdirSync(join(root, 'build/gen'), { recursive: true });
  const work = (name) => `build/gen/.${process.pid}-${name}`;
  const full = tool('pbjs', [...common, '-o', work('full.js'), ...protos]).then(() =>
    tool('pbts', ['-o', work('messages.d.ts'), work('full.js')]),
  );
  await Promise.all([full, tool('pbjs', [...common, '--no-comments', '-o', work('messages.js'), ...protos])]);
  numbersOnly(join(root, work('messages.js')));
  for (const name of ['messages.d.ts', 'messages.js']) renameSync(join(root, work(name)), join(root, 'build/gen', name));
  rmSync(join(root, work('full.js')));
  traceFields();
}

/** What the fields of trace events are called: one table, the library's. */
function traceFields() {
  const rows = [...readFileSync(join(root, 'libpvm/src/tracing/fields.def'), 'utf8').matchAll(/^FIELD\((".*?"), (".*?")\)$/gm)];
  const lines = rows.map(([, name, meaning]) => `  [${name}, ${meaning}],\n`).join('');
  writeFileSync(join(root, 'build/gen/trace-fields.d.ts'), 'export const traceFields: readonly (readonly [name: string, meaning: string])[];\n');
  writeFileSync(join(root, 'build/gen/trace-fields.js'), `export const traceFields = [\n${lines}];\n`);
}

/**
 * --force-number makes 64-bit fields numbers in the types only. At run time they are whatever
 * `util.Long` is when the module is loaded: so it must be nothing.
 */
function numbersOnly(path) {
  const line = 'import $protobuf from "protobufjs/minimal.js";';
  const text = readFileSync(path, 'utf8');
  if (!text.includes(line)) throw new Stop(`${path} does not begin as expected: has pbjs changed?`);
  writeFileSync(path, text.replace(line, `${line}\n$protobuf.util.Long = null;\n$protobuf.configure();`));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await generate();
