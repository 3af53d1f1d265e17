/** What tasks did, in an order that a diagram can be drawn from: for each task its stretches of time, and who sent to whom when. */
import type { Activity } from './wire.js';

/** Times in milliseconds of the daemon's clock; shares in hundredths. */
export interface Stretch {
  from: number;
  to: number;
  node: string;
  computing: number;
  ready: number;
  waiting: number;
}
export interface Messages {
  /** When they were sent, as far as it is known: between these two. */
  from: number;
  to: number;
  sender: string;
  receiver: string;
  messages: number;
  bytes: number;
}

/** Looks follow one another without a gap, but for the time they take. */
const gapMs = 400;

export class Timeline {
  readonly stretches = new Map<string, Stretch[]>();
  messages: Messages[] = [];
  /** End of the newest stretch. */
  latest = 0;
  /** Beginning of the first; 0: there is none. */
  earliest = 0;

  clear(): void {
    this.stretches.clear();
    this.messages = [];
    this.latest = 0;
    this.earliest = 0;
  }

  add({ node, at, ms, tasks, talks }: Activity): void {
    const from = at - ms;
    this.latest = Math.max(this.latest, at);
    this.earliest ||= from;
    for (const [tid, computing, ready, waiting] of tasks) {
      const list = this.stretches.get(tid) ?? [];
      const last = list.at(-1);
      // Two nodes tell of a task that moves, each by its own clock tick.
      const start = last && Math.abs(from - last.to) < gapMs ? last.to : Math.max(from, last?.to ?? 0);
      if (start < at) list.push({ from: start, to: at, node, computing, ready, waiting });
      this.stretches.set(tid, list);
    }
    for (const [sender, receiver, messages, bytes] of talks) this.messages.push({ from, to: at, sender, receiver, messages, bytes });
  }

  /** What ended before `time` is forgotten. */
  forget(time: number): void {
    for (const [tid, list] of this.stretches) {
      const first = list.findIndex(({ to }) => to >= time);
      if (first < 0) this.stretches.delete(tid);
      else if (first > 0) list.splice(0, first);
    }
    const first = this.messages.findIndex(({ to }) => to >= time);
    if (first < 0) this.messages = [];
    else if (first > 0) this.messages.splice(0, first);
  }

  at(tid: string, time: number): Stretch | undefined {
    return this.stretches.get(tid)?.find(({ from, to }) => from <= time && time < to);
  }

  /** What it sent in the stretch around `time`. */
  sentAt(tid: string, time: number): { messages: number; bytes: number; receivers: number } {
    const sent = this.messages.filter(({ sender, from, to }) => sender === tid && from <= time && time < to);
    return {
      messages: sent.reduce((sum, { messages }) => sum + messages, 0),
      bytes: sent.reduce((sum, { bytes }) => sum + bytes, 0),
      receivers: sent.length,
    };
  }
}
