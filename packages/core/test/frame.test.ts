import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FRAME_HEADER_BYTES, frameFromMessage, messageFromFrame } from "../src/frame.ts";

test("every message comes back from its frame", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (message) => {
      expect(messageFromFrame(frameFromMessage(message))).toEqual(message);
    }),
  );
});

test("a frame begins with no flags and the length, big-endian", () => {
  const frame = frameFromMessage(new Uint8Array(0x01_02_03).fill(7));
  expect([...frame.subarray(0, FRAME_HEADER_BYTES + 1)]).toEqual([0, 0, 1, 2, 3, 7]);
  expect([...frameFromMessage(new Uint8Array(0))]).toEqual([0, 0, 0, 0, 0]);
});

test("a frame is a copy: its message may change afterwards", () => {
  const message = Uint8Array.of(1, 2, 3);
  const frame = frameFromMessage(message.subarray(1));
  message.fill(9);
  expect([...messageFromFrame(frame)]).toEqual([2, 3]);
});
