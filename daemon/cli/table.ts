/** Tables for people: columns as wide as their longest cell, numbers to the right, no frame. */
import { paint, width } from './format.js';

export interface Column<Row> {
  title: string;
  cell: (row: Row) => string;
  right?: boolean;
}

export function table<Row>(columns: Column<Row>[], rows: Row[]): string[] {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map((column, i) => Math.max(width(column.title), ...cells.map((line) => width(line[i] ?? ''))));
  const line = (texts: string[]): string =>
    texts
      .map((text, i) => {
        const room = ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(text)));
        return columns[i]?.right ? room + text : text + room;
      })
      .join('  ')
      .trimEnd();
  return [paint('dim', line(columns.map((column) => column.title))), ...cells.map(line)];
}

export function printTable<Row>(columns: Column<Row>[], rows: Row[]): void {
  printLines(table(columns, rows));
}
export function printLines(lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
