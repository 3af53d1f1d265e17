/** PVM's status codes in words, for the messages of this command. */
const words: Record<number, string> = {
  [-2]: 'bad parameter',
  [-6]: 'no such host',
  [-7]: 'no such file',
  [-10]: 'out of memory',
  [-14]: 'the daemon failed',
  [-22]: 'the host has failed',
  [-27]: 'out of resources',
  [-31]: 'no such task',
};

export const pvmError = (code: number): string => words[code] ?? `PVM error ${code}`;
