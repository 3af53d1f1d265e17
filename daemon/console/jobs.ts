/**
 * The output of the tasks that this console has started with `spawn ->`: as lines, each with its
 * job and its task. A job ends when all its tasks have closed their output, those that they have
 * spawned themselves included. News of a child on another node may come after the end of its
 * parent: then the job goes on, and ends once more.
 */

/** Where the lines of a job go. */
export interface JobSink {
  line(text: Buffer): void;
  /** The job has ended: no more is likely to come. */
  close(): void;
}

/** What a daemon says of a task's output instead of a length. */
const mark = { end: 0, spawned: -1, started: -2 } as const;
/** A longer piece without an end of line is taken for a line. */
const lineLimit = 64 << 10;
const newline = 10;

export interface Job {
  readonly number: number;
  /** Tasks that have been heard of and whose output is open. */
  readonly tasks: readonly number[];
}

interface Record {
  readonly number: number;
  readonly sink: JobSink;
  /** The rest of the last line of each task. */
  readonly rests: Map<number, Buffer>;
  readonly ended: Set<number>;
  /** Spawned and not heard of yet; undefined until the answer to the spawn is known. */
  expected: Set<number> | undefined;
  over: boolean;
}

export interface JobsHost {
  /** As the option PvmShowTids says. */
  readonly showTids: boolean;
  /** The job's last word. */
  finished(job: number): void;
}

export class Jobs {
  readonly #host: JobsHost;
  readonly #jobs = new Map<number, Record>();
  #last = 0;

  constructor(host: JobsHost) {
    this.#host = host;
  }

  /** A number is used up even if no task starts. */
  next(): number {
    return ++this.#last;
  }

  open(number: number, sink: JobSink): void {
    this.#jobs.set(number, { number, sink, rests: new Map(), ended: new Set(), expected: undefined, over: false });
  }

  /** The tasks that have been started; none: the job is over without a word. */
  started(number: number, tids: readonly number[]): void {
    const job = this.#jobs.get(number);
    if (!job) return;
    if (tids.length === 0) {
      this.#jobs.delete(number);
      job.sink.close();
      return;
    }
    job.expected = new Set(tids.filter((tid) => !job.ended.has(tid)));
    this.#settle(job);
  }

  list(): Job[] {
    return [...this.#jobs.values()].filter(({ over }) => !over).map(({ number, rests }) => ({ number, tasks: [...rests.keys()] }));
  }

  /** A message about the output of a task: its length or a mark, and so many bytes. False: there is no such job. */
  take(number: number, tid: number, count: number, data: Buffer): boolean {
    const job = this.#jobs.get(number);
    if (!job) return false;
    if (count === mark.started || count === mark.spawned) this.#begin(job, tid);
    else if (count === mark.end) this.#end(job, tid);
    else this.#data(job, tid, data.subarray(0, Math.max(0, count)));
    return true;
  }

  #begin(job: Record, tid: number): void {
    job.expected?.delete(tid);
    if (job.rests.has(tid) || job.ended.has(tid)) return;
    job.rests.set(tid, Buffer.alloc(0));
    job.over = false;
  }

  #data(job: Record, tid: number, data: Buffer): void {
    this.#begin(job, tid);
    let rest = Buffer.concat([job.rests.get(tid) ?? Buffer.alloc(0), data]);
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      this.#line(job, tid, rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > lineLimit) {
      this.#line(job, tid, rest);
      rest = Buffer.alloc(0);
    }
    job.rests.set(tid, Buffer.from(rest));
  }

  #end(job: Record, tid: number): void {
    const rest = job.rests.get(tid);
    if (rest !== undefined && rest.length > 0) this.#line(job, tid, rest);
    if (this.#host.showTids) job.sink.line(Buffer.from(`${prefix(job, tid)}EOF\n`));
    job.rests.delete(tid);
    job.expected?.delete(tid);
    job.ended.add(tid);
    this.#settle(job);
  }

  #line(job: Record, tid: number, text: Buffer): void {
    job.sink.line(Buffer.concat([Buffer.from(this.#host.showTids ? prefix(job, tid) : ''), text, Buffer.from('\n')]));
  }

  #settle(job: Record): void {
    if (job.expected === undefined || job.expected.size > 0 || job.rests.size > 0) return;
    if (job.over) return;
    job.over = true;
    job.sink.close();
    this.#host.finished(job.number);
  }
}

const prefix = (job: Record, tid: number): string => `[${job.number}:t${tid.toString(16)}] `;
