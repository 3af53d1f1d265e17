/** The library's side of task.sock, spoken by the test itself. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { mpvm } from '../../daemon/rpc/messages.js';
import { FrameReader } from '../../daemon/task/frames.js';
import { until } from '../lab/wait.js';

// A VM that goes down asks its tasks to end, programs started from a shell included: that is us.
process.on('SIGTERM', () => undefined);

type ToDaemon = mpvm.task.IToDaemon;
type ToTask = mpvm.task.ToTask;
const { LATER } = mpvm.task.Route.State;

let incarnations = process.pid * 1000;

export class TaskClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly events: ToTask[] = [];
  readonly incarnation = ++incarnations;
  tid = 0;
  place: mpvm.task.IEnrolled = {};
  isClosed = false;
  readonly #reader = new FrameReader();
  readonly #answers = new Map<number, (frame: ToTask) => void>();
  #request = 0;

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve()));
    void this.closed.then(() => (this.isClosed = true));
    this.socket.on('data', (chunk: Buffer) => {
      for (const payload of this.#reader.push(chunk)) this.#frame(mpvm.task.ToTask.decode(payload));
    });
  }

  #frame(frame: ToTask): void {
    const answer = this.#answers.get(frame.request);
    if (frame.request !== 0 && frame.route?.state === LATER) return; // another follows
    if (frame.request !== 0 && answer) {
      this.#answers.delete(frame.request);
      answer(frame);
    } else this.events.push(frame);
  }

  send(frame: ToDaemon): void {
    const payload = mpvm.task.ToDaemon.encode(frame).finish();
    const head = Buffer.alloc(4);
    head.writeUInt32LE(payload.length);
    this.socket.write(Buffer.concat([head, payload]));
  }

  ask(body: ToDaemon): Promise<ToTask> {
    const request = ++this.#request;
    const answer = new Promise<ToTask>((resolve) => this.#answers.set(request, resolve));
    this.send({ request, ...body });
    return answer;
  }

  async enroll(more: mpvm.task.IEnroll = {}): Promise<ToTask> {
    const answer = await this.ask({ enroll: { protocol: 1, pid: process.pid, program: '/test', incarnation: this.incarnation, ...more } });
    this.place = answer.enrolled ?? {};
    this.tid = this.place.tid ?? 0;
    return answer;
  }

  async spawn(program: string, argv: string[] = [], more: mpvm.task.ISpawn = {}): Promise<number[]> {
    const answer = await this.ask({ spawn: { program, argv, count: 1, ...more } });
    const tids = answer.tids?.tids ?? [];
    assert.equal(answer.status, tids.filter((tid) => tid > 0).length);
    return tids;
  }

  /** The next message that a daemon has made, with this tag. */
  async message(tag: number): Promise<{ ints: number[]; body: Buffer; about: number }> {
    const index = await until(`a message with tag ${tag}`, () => {
      const found = this.events.findIndex((frame) => frame.deliver?.tag === tag);
      return found < 0 ? undefined : { found };
    });
    const [frame] = this.events.splice(index.found, 1);
    const deliver = frame!.deliver!;
    assert.equal(deliver.source, 0x80000000);
    assert.equal(deliver.encoding, 0x10000000);
    const body = Buffer.from(deliver.body ?? []);
    const ints = Array.from({ length: Math.floor(body.length / 4) }, (_, at) => body.readInt32BE(at * 4));
    return { ints, body, about: deliver.about ?? 0 };
  }

  /** What a catchout task has been sent about a child, until its end: text, marks. */
  async output(tag: number, tid: number): Promise<{ text: string; marks: number[] }> {
    const chunks: Buffer[] = [];
    const marks: number[] = [];
    for (;;) {
      const { ints, body } = await this.message(tag);
      assert.equal(ints[0], tid);
      const count = ints[1]!;
      if (count > 0) chunks.push(body.subarray(8, 8 + count));
      else marks.push(count);
      if (count === 0) return { text: Buffer.concat(chunks).toString(), marks };
    }
  }

  close(): void {
    if (!this.isClosed) this.send({ leave: {} });
    this.socket.end();
  }
}
