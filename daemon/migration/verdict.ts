/**
 * What the directory's answer means to the two ends of a move. Pure: the explorer of
 * test/migration/protocol.test.ts drives these very functions through every order of events.
 *
 * A move is of one epoch n. Two requests compete for it: the destination's commit, (n, source) to
 * (n + 1, destination), and the source's fence, (n, source) to (n + 1, source). The registry lets the
 * first through and refuses the other for ever. Answers get lost; a request that is repeated is
 * refused because of itself, which the entry then shows. A process that dies after its commit and
 * before its first instruction is handed back: the destination turns (n + 1, destination) into
 * (n + 2, source), where the copy is still frozen.
 */
export interface Entry {
  readonly epoch: number;
  readonly node: string;
}
export interface DirectoryAnswer {
  readonly committed: boolean;
  readonly now: Entry;
}
export interface MoveKey {
  readonly epoch: number;
  readonly from: string;
  readonly to: string;
}

/**
 * To the source that has fenced. `stays`: the task runs on here. `gone`: it is there, or has ended there.
 * `ask`: it has been given away, and only its new node knows whether it has run yet.
 */
export function verdictForSource(move: MoveKey, answer: DirectoryAnswer): { verdict: 'stays' | 'gone' | 'ask'; epoch: number } {
  const { epoch, node } = answer.now;
  // Only this very move could have made epoch n + 1: our fence (now or in a lost answer), or its commit.
  if (epoch === move.epoch + 1 && node !== '') return { verdict: node === move.from ? 'stays' : 'ask', epoch };
  // While our copy is here nothing can arrive here: it has been handed back.
  if (epoch === move.epoch + 2 && node === move.from) return { verdict: 'stays', epoch };
  // Refused although nothing has happened: the registry has no business to; staying is the safe reading.
  // No node, and no epoch but ours: the task has ended here, in the middle of the move.
  if (epoch <= move.epoch && (node === move.from || node === '')) return { verdict: 'stays', epoch };
  // It has gone on from there, or has ended there.
  return { verdict: 'gone', epoch };
}

/** To the destination that has asked for the commit: is the task ours? */
export function verdictForDestination(move: MoveKey, answer: DirectoryAnswer): { ours: boolean; epoch: number } {
  const { epoch, node } = answer.now;
  return { ours: epoch === move.epoch + 1 && node === move.to, epoch };
}

/**
 * May the source let its copy go on without asking the directory? Only while the destination cannot
 * have all it needs for a commit: the record is sent when the image has been, so that an agent
 * which fails before the end of the image has been handed over by nobody.
 */
export function mustAsk(source: { handedOver: boolean; destinationGaveUp: boolean }): boolean {
  return source.handedOver && !source.destinationGaveUp;
}
