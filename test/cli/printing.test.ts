/** How the command prints: tables, numbers, task ids, and what it draws on a terminal. */
import { deepEqual, equal, throws } from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { bytes, milliseconds } from '../../daemon/cli/format.js';
import { Screen } from '../../daemon/cli/screen.js';
import { table } from '../../daemon/cli/table.js';
import { formatTid, parseTid, parseTids } from '../../daemon/cli/tid.js';

describe('task ids', () => {
  it('are read in the three ways people write them', () => {
    for (const text of ['t40002', '40002', '0x40002', 'T40002']) equal(parseTid(text), 0x40002);
    equal(formatTid(0x40002), 't40002');
  });
  it('are refused when no task can have them', () => {
    for (const text of ['', 't', 'x40002', '40000', 't80000000', '-1', '3', 't40002x', '1 2']) throws(() => parseTid(text), /task id/);
  });
  it('count once when they are given twice', () => {
    deepEqual(parseTids(['t40002', '40002', 't40003']), [0x40002, 0x40003]);
  });
});

describe('tables', () => {
  it('are as wide as their cells, numbers to the right, nothing behind the last', () => {
    const lines = table(
      [
        { title: 'NAME', cell: (row: [string, number]) => row[0] },
        { title: 'N', cell: (row) => String(row[1]), right: true },
        { title: 'LAST', cell: () => '' },
      ],
      [
        ['a', 5],
        ['longer', 12345],
      ],
    );
    deepEqual(lines, ['NAME        N  LAST', 'a           5', 'longer  12345']);
  });
  it('keep their columns when cells are coloured', () => {
    const lines = table([{ title: 'A', cell: (text: string) => text }, { title: 'B', cell: () => 'b' }], ['\x1b[31mred\x1b[39m', 'plain']);
    equal(lines[1], '\x1b[31mred\x1b[39m    b');
  });
});

describe('numbers', () => {
  it('have three figures or so, and a unit', () => {
    deepEqual([0, 1023, 1024, 1536, 10 << 20, 412 * 2 ** 20, 5 * 2 ** 40].map(bytes), ['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '10.0 MiB', '412 MiB', '5.0 TiB']);
    deepEqual([0.42, 7.94, 412, 1530, 200_000].map(milliseconds), ['0.42 ms', '7.9 ms', '412 ms', '1.53 s', '3 min 20 s']);
  });
});

describe('the screen', () => {
  const terminal = (isTTY: boolean) => {
    const stream = new PassThrough() as PassThrough & { isTTY: boolean; columns: number; rows: number };
    Object.assign(stream, { isTTY, columns: 20, rows: 24 });
    return { screen: new Screen(stream as unknown as NodeJS.WriteStream), text: (): string => String(stream.read() ?? '') };
  };

  it('draws in place and lets lines scroll above', () => {
    const { screen, text } = terminal(true);
    screen.draw(['one', 'two']);
    equal(text(), 'one\ntwo\n');
    screen.log('event');
    equal(text(), '\r\x1b[2A\x1b[Jevent\none\ntwo\n');
    screen.clear();
    equal(text(), '\r\x1b[2A\x1b[J');
  });
  it('cuts lines that would wrap', () => {
    const { screen, text } = terminal(true);
    screen.draw(['x'.repeat(50)]);
    equal(text(), `${'x'.repeat(20)}\x1b[0m\n`);
  });
  it('prints only the lines where there is no terminal', () => {
    const { screen, text } = terminal(false);
    screen.draw(['one']);
    screen.log('event');
    screen.clear();
    equal(text(), 'event\n');
  });
});
