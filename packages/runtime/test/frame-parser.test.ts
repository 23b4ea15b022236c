import * as fc from "fast-check";
import { expect, test } from "vitest";

import { frameFromMessage, RegistryError } from "@rollcall/core";
import { FrameParser } from "../src/stream/frame-parser.ts";

function parse(parser: FrameParser, ...chunks: Uint8Array[]): { flags: number; message: Uint8Array }[] {
  const frames: { flags: number; message: Uint8Array }[] = [];
  for (const chunk of chunks) parser.push(chunk, (flags, message) => frames.push({ flags, message }));
  return frames;
}

test("messages come out as they went in, however the bytes were torn and merged", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 40_000, size: "max" }), { maxLength: 6 });
  fc.assert(
    fc.property(messages, fc.infiniteStream(fc.integer({ min: 1, max: 20_000 })), (messages, lengths) => {
      const bytes = Buffer.concat(messages.map(frameFromMessage));
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length;) {
        const { value: length } = lengths.next() as { value: number };
        chunks.push(Uint8Array.from(bytes.subarray(at, at + length)));
        at += length;
      }
      const parser = new FrameParser(40_000);
      expect(parse(parser, ...chunks).map(({ message }) => Buffer.from(message))).toEqual(
        messages.map((message) => Buffer.from(message)),
      );
      expect(parser.isBetweenFrames).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("a frame may come byte by byte", () => {
  const frame = frameFromMessage(Uint8Array.of(7, 8, 9));
  const frames = parse(new FrameParser(10), ...[...frame].map((byte) => Uint8Array.of(byte)));
  expect(frames).toEqual([{ flags: 0, message: Uint8Array.of(7, 8, 9) }]);
});

test("a message that lies in one chunk is not copied", () => {
  const chunk = Buffer.concat([frameFromMessage(Uint8Array.of(1)), frameFromMessage(Uint8Array.of(2, 3))]);
  const frames = parse(new FrameParser(10), chunk);
  expect(frames.map(({ message }) => message.buffer)).toEqual([chunk.buffer, chunk.buffer]);
});

test("a header that announces too much is refused before a byte of it has come", () => {
  const header = Uint8Array.of(0, 0x80, 0, 0, 0);
  const refused = () => parse(new FrameParser(1_000), header);
  expect(refused).toThrow(RegistryError);
  expect(refused).toThrow("message may be at most 1000 bytes, got 2147483648");
});

test("a message exactly as large as allowed is taken", () => {
  expect(parse(new FrameParser(3), frameFromMessage(Uint8Array.of(1, 2, 3)))).toHaveLength(1);
});

test("it knows when it is in the middle of a frame", () => {
  const parser = new FrameParser(10);
  expect(parser.isBetweenFrames).toBe(true);
  for (const byte of frameFromMessage(Uint8Array.of(1)).subarray(0, 5)) {
    parse(parser, Uint8Array.of(byte));
    expect(parser.isBetweenFrames).toBe(false);
  }
  parse(parser, Uint8Array.of(1));
  expect(parser.isBetweenFrames).toBe(true);
});
