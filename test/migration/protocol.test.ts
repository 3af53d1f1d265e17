/**
 * Every order of events in the commit of a move: messages that are lost or late, daemons that die
 * and come back, a process that dies before it has run, a destination that finishes the task, a
 * registry that is slow. The verdicts and the
 * directory are the real ones; the rest is the protocol's skeleton. In every state that can be
 * reached the task runs at most once; when nothing can happen any more it runs, or has run to its
 * end, exactly once.
 */
import assert from 'node:assert/strict';
import { Directory } from '../../daemon/vm/directory.js';
import type { Store, Versioned } from '../../daemon/vm/store.js';
import { mustAsk, verdictForDestination, verdictForSource } from '../../daemon/migration/verdict.js';
import type { DirectoryAnswer } from '../../daemon/migration/verdict.js';

const move = { epoch: 0, from: 'a', to: 'b' };
const tid = 0x40001;

/** The registry's memory, small enough to be copied into every state. */
interface Memory {
  task?: { node: string; epoch: number; migration: string };
  ended?: { epoch: number; atMs: number };
}

/** The real directory over that memory. */
async function directory(memory: Memory): Promise<Directory> {
  const key = (name: string): keyof Memory => (name.startsWith('task/') ? 'task' : 'ended');
  const listeners: [string, (change: { key: string; value: unknown }) => void][] = [];
  const read = <T>(name: string): Versioned<T> | undefined => {
    const value = memory[key(name)];
    return value === undefined ? undefined : { value: value as T, version: 1 };
  };
  const store = {
    get: <T>(name: string) => Promise.resolve(read<T>(name)),
    list: <T>(prefix: string) => {
      const found = read<T>(prefix);
      return Promise.resolve(new Map(found ? [[`${prefix}${tid}`, found] as const] : []));
    },
    compareAndSet: (name: string, _version: number, value: unknown) => {
      Object.assign(memory, { [key(name)]: value });
      for (const [prefix, tell] of listeners) if (name.startsWith(prefix)) tell({ key: name, value });
      return Promise.resolve(true);
    },
    watch: (prefix: string, listener: (change: { key: string; value: unknown }) => void) => {
      listeners.push([prefix, listener]);
      return () => undefined;
    },
  } as unknown as Store;
  const opened = new Directory(store, { nodeOfHost: () => 'a', alive: () => true });
  await opened.load();
  return opened;
}

interface State {
  memory: Memory;
  /** The copy at the source: frozen from the start, then let go or destroyed. */
  copy: 'frozen' | 'runs' | 'destroyed';
  /** Its daemon. `asking`: it is in doubt; a fence is under way or will be sent, or the destination is asked. */
  source: 'waits' | 'asking' | 'down' | 'done';
  handedOver: boolean;
  imageSent: boolean;
  /** The restorer and the process in it. `killed`: before its first instruction, its seal in place. */
  arrived: 'no' | 'image' | 'runs' | 'killed' | 'finished';
  /** The destination's daemon. `launched`: committed, the process has been told to go, as often as it asks. */
  destination: 'receives' | 'asking' | 'launched' | 'down' | 'done';
  hasRecord: boolean;
  /** Requests on their way to the registry, and answers on their way back. */
  requests: Request[];
  fenceAnswer?: DirectoryAnswer;
  commitAnswer?: DirectoryAnswer;
  returnAnswer?: DirectoryAnswer;
  /** Tells of the inbound stream. */
  heard: 'nothing' | 'gaveUp' | 'runs' | 'broken';
  crashes: number;
}
type Request = 'fence' | 'commit' | 'return';
const asked: Record<Request, { epoch: number; from: string; to: string }> = {
  fence: { epoch: 0, from: 'a', to: 'a' },
  commit: { epoch: 0, from: 'a', to: 'b' },
  return: { epoch: 1, from: 'b', to: 'a' },
};

const start: State = {
  memory: {}, copy: 'frozen', source: 'waits', handedOver: false, imageSent: false, arrived: 'no',
  destination: 'receives', hasRecord: false, requests: [], heard: 'nothing', crashes: 2,
};

type Step = [name: string, next: State];

/** All that can happen next. */
async function steps(state: State): Promise<Step[]> {
  const found: Step[] = [];
  const can = (condition: boolean, name: string, change: (next: State) => void): void => {
    if (!condition) return;
    const next = structuredClone(state);
    change(next);
    found.push([name, next]);
  };
  const { source, destination } = state;

  // -- the task and its restorer
  can(state.copy === 'frozen' && !state.imageSent, 'the image is sent', (next) => { next.imageSent = true; });
  can(state.imageSent && state.arrived === 'no', 'the restorer has it all', (next) => { next.arrived = 'image'; });
  can(state.arrived === 'image' || state.arrived === 'no', 'the restorer dies', (next) => { next.arrived = 'killed'; });
  can(state.arrived === 'image' && destination === 'launched', 'it takes off', (next) => { next.arrived = 'runs'; });
  can(state.arrived === 'runs', 'the task runs to its end', (next) => { next.arrived = 'finished'; });

  // -- the source
  can(source === 'waits' && state.imageSent && !state.handedOver, 'the record is handed over', (next) => { next.handedOver = true; next.hasRecord = true; });
  can(source === 'waits' && state.imageSent && !state.handedOver, 'the handover is lost', (next) => { next.handedOver = true; });
  const settle = (next: State, stays: boolean): void => {
    next.source = 'done';
    next.copy = stays ? 'runs' : 'destroyed';
  };
  const giveUp = (next: State, destinationGaveUp: boolean): void => {
    if (mustAsk({ handedOver: next.handedOver, destinationGaveUp })) {
      next.source = 'asking';
      next.requests.push('fence');
    } else settle(next, true);
    next.heard = 'broken';
  };
  can(source === 'waits' && (state.heard === 'nothing' || state.heard === 'broken'), 'the source gives up (cancel, deadline, broken stream)', (next) => giveUp(next, false));
  can(source === 'waits' && state.heard === 'gaveUp', 'the source hears that the destination gave up', (next) => giveUp(next, true));
  can(source === 'waits' && state.heard === 'runs', 'the source hears that it runs there', (next) => settle(next, false));
  if (source === 'asking' && state.fenceAnswer !== undefined) {
    const { verdict } = verdictForSource(move, state.fenceAnswer);
    const known = state.arrived === 'runs' || state.arrived === 'finished';
    // It is asked whether it runs there. A daemon that is down, or waits for the process to take off, does not answer.
    can(verdict !== 'ask' || known, 'the fence is answered', (next) => { settle(next, verdict === 'stays'); delete next.fenceAnswer; });
    can(verdict === 'ask' && destination === 'done' && !known, 'the destination knows no such task', (next) => { delete next.fenceAnswer; });
    can(verdict === 'ask', 'the destination does not answer', (next) => { delete next.fenceAnswer; });
  }
  can(source === 'asking' && !state.requests.includes('fence') && !state.fenceAnswer, 'the fence is sent again', (next) => { next.requests.push('fence'); });
  can(source !== 'down' && source !== 'done' && state.crashes > 0, 'the daemon of the source dies', (next) => { next.source = 'down'; next.heard = 'broken'; next.crashes--; delete next.fenceAnswer; });
  // The frozen task comes back to the new daemon, which settles by a fence.
  can(source === 'down' && state.copy === 'frozen', 'the daemon of the source is back', (next) => { next.source = 'asking'; next.handedOver = true; next.requests.push('fence'); });

  // -- the destination
  const tell = (next: State, word: State['heard']): void => { if (next.heard === 'nothing') next.heard = word; };
  can(destination === 'receives' && state.hasRecord && state.arrived === 'image', 'the destination asks for the commit', (next) => { next.destination = 'asking'; next.requests.push('commit'); });
  can(destination === 'receives', 'the destination gives up', (next) => { next.destination = 'done'; next.arrived = 'killed'; tell(next, 'gaveUp'); });
  can(destination === 'asking' && state.commitAnswer !== undefined, 'the commit is answered', (next) => {
    const { ours } = verdictForDestination(move, next.commitAnswer!);
    delete next.commitAnswer;
    next.destination = ours ? 'launched' : 'done';
    if (!ours) { next.arrived = 'killed'; tell(next, 'gaveUp'); }
  });
  can(destination === 'launched' && (state.arrived === 'runs' || state.arrived === 'finished'), 'the destination tells that it runs', (next) => { next.destination = 'done'; tell(next, 'runs'); });
  can(destination === 'launched' && state.arrived === 'killed' && !state.requests.includes('return') && !state.returnAnswer, 'the destination hands it back', (next) => { next.requests.push('return'); });
  can(destination === 'launched' && state.returnAnswer !== undefined, 'the handing back is answered', (next) => {
    assert.ok(next.returnAnswer!.committed, 'nobody else can have moved it on');
    delete next.returnAnswer;
    next.destination = 'done';
    tell(next, 'gaveUp');
  });
  can(destination === 'asking' && !state.requests.includes('commit') && !state.commitAnswer, 'the commit is sent again', (next) => { next.requests.push('commit'); });
  can(destination !== 'down' && destination !== 'done' && state.crashes > 0, 'the daemon of the destination dies', (next) => { next.destination = 'down'; next.crashes--; delete next.commitAnswer; delete next.returnAnswer; tell(next, 'broken'); });
  // It fences the move against its own last words before it decides about the restorer that is still there.
  if (destination === 'down') {
    const next = structuredClone(state);
    const answer = await (await directory(next.memory)).commit({ tid, epoch: move.epoch, from: 'a', to: 'a', migration: 'm' });
    const { ours } = verdictForDestination(move, answer);
    next.destination = ours ? 'launched' : 'done';
    if (!ours && next.arrived !== 'finished') next.arrived = 'killed';
    found.push(['the daemon of the destination is back', next]);
  }

  // -- the registry, and the network to it
  for (const request of new Set(state.requests)) {
    const without = (next: State): void => { next.requests.splice(next.requests.indexOf(request), 1); };
    can(state.crashes > 0, `the ${request} is lost`, (next) => { without(next); next.crashes--; });
    const next = structuredClone(state);
    without(next);
    const opened = await directory(next.memory);
    const answer = await opened.commit({ tid, ...asked[request], migration: 'm' });
    found.push([`the ${request} is decided, the answer lost`, structuredClone(next)]);
    if (request === 'fence' && source === 'asking') next.fenceAnswer = answer;
    if (request === 'commit' && destination === 'asking') next.commitAnswer = answer;
    if (request === 'return' && destination === 'launched') next.returnAnswer = answer;
    found.push([`the ${request} is decided`, next]);
  }
  if (state.arrived === 'finished' && destination !== 'down' && state.memory.task?.node === 'b') {
    const next = structuredClone(state);
    await (await directory(next.memory)).forget(tid, 1);
    if (next.memory.ended) next.memory.ended.atMs = Date.now(); // kept as long as anybody asks
    found.push(['the end is reported', next]);
  }
  return found;
}

const lives = (state: State): number => Number(state.copy === 'runs') + Number(state.arrived === 'runs' || state.arrived === 'finished');
const keyOf = (state: State): string => JSON.stringify(state, (name, value: unknown) => (name === 'atMs' ? 0 : value));

describe('the commit of a move', () => {
  it('leaves the task running once, whatever is lost and whoever dies', async function () {
    this.timeout(120_000);
    const seen = new Map<string, string>([[keyOf(start), '']]);
    const open: [State, string[]][] = [[start, []]];
    let ends = 0;
    for (let entry = open.pop(); entry; entry = open.pop()) {
      const [state, path] = entry;
      assert.ok(lives(state) <= 1, `it runs twice:\n  ${path.join('\n  ')}\n${keyOf(state)}`);
      const next = await steps(state);
      // Only what happens by itself counts: nobody has to die for the protocol to come to its end.
      const quiet = next.filter(([name]) => !/dies|lost|runs to its end|reported|does not answer/.test(name));
      if (quiet.length === 0) {
        ends++;
        assert.equal(lives(state), 1, `it runs nowhere:\n  ${path.join('\n  ')}\n${keyOf(state)}`);
      }
      for (const [name, after] of next) {
        const key = keyOf(after);
        if (seen.has(key)) continue;
        seen.set(key, name);
        open.push([after, [...path, name]]);
      }
    }
    assert.ok(seen.size > 1000 && ends > 10, `${seen.size} states, ${ends} ends: the exploration has become too small`);
  });
});
