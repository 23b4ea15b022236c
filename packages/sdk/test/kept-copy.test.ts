import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { bytesFromKeptCopy, keptCopyFromBytes } from "../src/kept/kept-copy.ts";
import { FakeDatum } from "./fake-session.ts";

const hello = { nodeId: "session-1", clusterId: "cluster" };

function copyOf(datum: FakeDatum) {
  return { hello, keptAt: 1_700_000_000_000, update: datum.snapshot() };
}

const orders = copyOf(new FakeDatum().put("a").put("b", { metadata: { version: "1.2" } }));
const bytes = bytesFromKeptCopy(orders);

describe("what is kept of a list", () => {
  test("is read as it was written", () => {
    const instances = orders.update.instances.map(({ id, bytes }) => ({ id, bytes }));
    expect(keptCopyFromBytes(bytes)).toMatchObject({ ...orders, update: { ...orders.update, instances } });
  });

  test("also when it is longer than a message may be", () => {
    const large = new FakeDatum();
    for (let number = 0; number < 300; number++) large.put(`i${number}`, { payload: new Uint8Array(16_000) });
    const copy = copyOf(large);
    expect(keptCopyFromBytes(bytesFromKeptCopy(copy))).toMatchObject({ update: { digest: copy.update.digest } });
  });

  test("is of no use when it is cut off anywhere, and says so", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(keptCopyFromBytes(bytes.slice(0, length)), `cut after ${length} bytes`).toMatch(/cut off|damaged/);
    }
  });

  test("is of no use when any bit of it is another, and says so", () => {
    for (let at = 0; at < bytes.length * 8; at++) {
      const damaged = bytes.slice();
      damaged[at >> 3]! ^= 1 << (at & 7);
      expect(keptCopyFromBytes(damaged), `bit ${at}`).toMatch(/damaged|of format|not a copy/);
    }
  });

  test("is of no use when parts of it are lost, doubled or of another file, and nothing is thrown", () => {
    const other = bytesFromKeptCopy(copyOf(new FakeDatum("billing").put("c")));
    const place = fc.nat({ max: bytes.length });
    fc.assert(
      fc.property(place, place, fc.constantFrom(bytes, other), (a, b, source) => {
        const mixed = new Uint8Array([...bytes.subarray(0, a), ...source.subarray(b)]);
        fc.pre(!sameBytes(mixed, bytes) && !sameBytes(mixed, other));
        expect(typeof keptCopyFromBytes(mixed)).toBe("string");
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => typeof keptCopyFromBytes(any) === "string"));
  });

  test("of a later format is left alone", () => {
    const later = bytes.slice();
    later[8] = 2;
    expect(keptCopyFromBytes(later)).toBe("of format 2, and this program knows 1");
  });
});

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
