/** Numbers and colours for people. */
import { styleText } from 'node:util';

export { bytes, milliseconds, plural, programName } from '../shared/format.js';

type Style = Parameters<typeof styleText>[0];

export function colourful(stream: NodeJS.WriteStream = process.stdout): boolean {
  return stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}
export function paint(style: Style, text: string, stream?: NodeJS.WriteStream): string {
  return colourful(stream) ? styleText(style, text) : text;
}

/** Length as a terminal shows it: colours take no room. */
export const width = (text: string): number => Array.from(text.replace(/\x1b\[[0-9;]*m/g, '')).length;
