/** What a plain C program reaches on the path of a page stream: the limit to compare with, in MB/s. */
import { program } from './programs.js';
import { mustRun, Running } from './process.js';

export async function plainTcp(address: string, mebibytes: number): Promise<number> {
  const receiver = new Running(program('tcp_copy'), ['receive', address, String(mebibytes)]);
  await receiver.printed('\n');
  const port = receiver.stdout.trim();
  await mustRun(program('tcp_copy'), ['send', address, port, String(mebibytes)]);
  const { stdout } = await receiver.ended;
  return Number(stdout.trim().split('\n')[1]);
}
