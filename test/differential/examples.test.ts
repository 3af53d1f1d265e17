/**
 * The programs of pvm-examples, compiled unchanged, on Debian's PVM 3.4.6 and on ours: they must
 * print the same and end the same.
 */
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { skip } from '../lab/skip.js';
import { judgeMissing } from './judge.js';
import type { Side } from './judge.js';
import { useContest } from './contest.js';
import { binaryDirectories } from './compile.js';
import { compareOn } from './compare.js';
import { normalise } from './normalise.js';
import { buildExamples, examples } from './examples.js';

const binaries = binaryDirectories('examples');
const both = (name: string): { judge: string; ours: string } => ({ judge: join(binaries.judge, name), ours: join(binaries.ours, name) });
const paths = [binaries.judge, binaries.ours];

describe('the programs of pvm-examples behave as on PVM 3.4.6', function () {
  this.timeout(60_000);
  before(async function () {
    this.timeout(240_000);
    const missing = judgeMissing();
    if (missing) skip(this, missing);
    await buildExamples();
  });

  for (const nodes of [1, 3]) {
    describe(nodes === 1 ? 'on one node' : 'on three nodes of ours', () => {
      const contest = useContest({ judgePath: [binaries.judge], ourPath: [binaries.ours], nodes });

      for (const { title, program, drive } of examples) {
        it(title, async () => {
          const { judge, ours } = contest();
          const text = await compareOn(judge, ours, both(program), drive, paths);
          assert.ok(text.length > 0);
        });
      }

      it('master1: three slaves a node exchange data', async () => {
        const { judge, ours } = contest();
        if (nodes === 1) await compareOn(judge, ours, both('master1'), { sorted: true, anyCode: true }, paths);
        const { stdout } = await ours.run(both('master1').ours);
        const lines = stdout.trim().split('\n').slice(1);
        assert.equal(lines.length, nodes * 3, stdout);
        for (const line of lines) assert.match(line, /^I got (\S+) from \d+; \(expecting \1\)$/);
      });

      it('task0, task1 and task_end: a service found by the mailbox', async () => {
        const { judge, ours } = contest();
        const expected = await service(judge, 'judge');
        assert.equal(await service(ours, 'ours'), expected);
      });

      it('lmbi and gmbi: what the mailbox holds while its owner lives', async () => {
        const { judge, ours } = contest();
        const expected = await mailbox(judge, 'judge');
        assert.equal(await mailbox(ours, 'ours'), expected);
      });

      it('mhf_server and mhf_tickle: message handlers by remote control', async () => {
        const { judge, ours } = contest();
        const expected = await handlers(judge, 'judge');
        assert.equal(await handlers(ours, 'ours'), expected);
      });
    });
  }
});

type Which = 'judge' | 'ours';

async function service(side: Side, which: Which): Promise<string> {
  const server = side.start(both('task0')[which], ['svc', 'm']);
  try {
    const seen: string[] = [];
    let found;
    // The server announces itself when it can be found; its stdout is a pipe and therefore late.
    for (let tries = 0; tries < 200; tries++) {
      found = await side.run(both('task1')[which], ['svc', '0', 'd']);
      if (!found.stdout.includes('no service running')) break;
    }
    seen.push(found?.stdout ?? '');
    seen.push((await side.run(both('task1')[which], ['svc', '0', 'f'])).stdout);
    const end = await side.run(both('task_end')[which], ['svc', '0']);
    seen.push(end.stdout, `exit ${end.code}`);
    const served = await server.ended;
    seen.push(served.stdout, `exit ${served.code}`);
    return normalise(seen.join('\n'));
  } finally {
    server.kill('SIGKILL');
  }
}

async function mailbox(side: Side, which: Which): Promise<string> {
  const owner = side.start(both('lmbi')[which], ['2', 'mo', 'w']);
  try {
    let listed = '';
    for (let tries = 0; tries < 200 && !listed.includes('2 mbox'); tries++) {
      listed = (await side.run(both('gmbi')[which], ['t*lmbi*'])).stdout;
    }
    const name = /<(t[0-9a-f]+lmbi)0>/.exec(listed)?.[1];
    const removed = await side.run(both('rme')[which], [`${name}0`, '0']);
    const after = await side.run(both('gmbi')[which], ['t*lmbi*']);
    const mask = { replace: [[/t[0-9a-f]{5,}lmbi/g, '<name>'] as const] };
    return normalise([listed, removed.stdout, `exit ${removed.code}`, after.stdout].join('\n'), mask);
  } finally {
    owner.kill('SIGKILL');
    await owner.ended;
  }
}

/** The menu of mhf_tickle: 0 lists the handlers, 1 loads one, 4 hits it, 2 deletes it, 9 ends both. */
async function handlers(side: Side, which: Which): Promise<string> {
  const server = side.start(both('mhf_server')[which]);
  try {
    let client;
    for (let tries = 0; tries < 200; tries++) {
      client = await side.run(both('mhf_tickle')[which], [], { input: '0\n9\n', timeoutMs: 5000, outputLimit: 200_000 });
      if (client.stdout.includes('just retrieved mailbox')) break;
    }
    const served = await server.ended;
    // pvmdisplaymhfinfo prints the insides of PVM's tables: only that it is called in the same places could be compared.
    const own = served.stdout.split('\n').filter((line) => line.trim() !== '' && !/mhf_server.*(startup|PMH|CEAT|dhandles|Display)|pvmdisplaymhfinfo/.test(line));
    return normalise([client?.stdout, `exit ${client?.code}`, ...own, `exit ${served.code}`].join('\n'));
  } finally {
    server.kill('SIGKILL');
  }
}
