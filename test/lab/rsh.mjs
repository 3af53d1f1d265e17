#!/usr/bin/env node
/**
 * What a remote shell is to the lab: PVM_RSH of its machines. No machine can enter another's namespaces, so a
 * server beside them does (namespaces.ts): the arguments go there, and input, output and exit code come and go.
 */
import { connect } from 'node:net';
import process from 'node:process';

const socket = connect(process.env.MPVM_LAB_RSH);
socket.on('error', (error) => {
  process.stderr.write(`rsh: ${error.message}\n`);
  process.exit(1);
});
const say = (message) => socket.write(`${JSON.stringify(message)}\n`);
say({ args: process.argv.slice(2) });
process.stdin.setEncoding('utf8').on('data', (text) => say({ text })).on('end', () => say({ end: true }));

let pending = '';
socket.setEncoding('utf8').on('data', (chunk) => {
  const lines = (pending + chunk).split('\n');
  pending = lines.pop();
  for (const { out, err, code } of lines.map((line) => JSON.parse(line))) {
    if (out !== undefined) process.stdout.write(out);
    if (err !== undefined) process.stderr.write(err);
    if (code !== undefined) process.exit(code);
  }
});
