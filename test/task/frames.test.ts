/** Cutting a byte stream into frames, whatever pieces it comes in. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FrameError, FrameReader, decodeFrame, encodeFrame, maxFrame } from '../../daemon/task/frames.js';
import { mpvm } from '../../daemon/rpc/messages.js';

const framed = (payload: Uint8Array): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(payload.length);
  return Buffer.concat([head, payload]);
};

describe('frames of task.sock', () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1, maxLength: 20 }), (payloads, cuts) => {
        const stream = Buffer.concat(payloads.map(framed));
        const reader = new FrameReader();
        const out: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const end = Math.min(stream.length, at + cuts[turn % cuts.length]!);
          out.push(...reader.push(stream.subarray(at, end)));
          at = end;
        }
        assert.deepEqual(out.map((payload) => [...payload]), payloads.map((payload) => [...payload]));
      }),
    );
  });
  it('longer than the limit are refused before they are read', () => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(maxFrame + 1);
    assert.throws(() => new FrameReader().push(head), FrameError);
  });
  it('of rubbish are refused or harmless, never more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeFrame(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof FrameError);
        }
      }),
    );
  });
  it('of the daemon can be read by a task', () => {
    const [payload] = new FrameReader().push(encodeFrame({ request: 7, status: -31 }));
    const frame = mpvm.task.ToTask.decode(payload!);
    assert.deepEqual([frame.request, frame.status], [7, -31]);
  });
});
