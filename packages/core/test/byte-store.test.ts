import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ByteStore, Copies, NOWHERE, type Place } from "../src/byte-store.ts";

const sizes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 40_000 }));
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("put" as const), size: sizes, fill: fc.nat(255) }),
    fc.record({ kind: fc.constant("free" as const), which: fc.nat() }),
  ),
  { maxLength: 200 },
);

test("what was put in stays as it was, whatever else comes and goes", () => {
  fc.assert(
    fc.property(steps, (story) => {
      const store = new ByteStore();
      const held: { place: Place; bytes: Uint8Array }[] = [];
      for (const step of story) {
        if (step.kind === "put") {
          const bytes = new Uint8Array(step.size).fill(step.fill);
          held.push({ place: store.put(bytes), bytes });
        } else if (held.length > 0) {
          const [gone] = held.splice(step.which % held.length, 1);
          store.free(gone!.place);
        }
        for (const { place, bytes } of held) expect(store.get(place)).toEqual(bytes);
      }
    }),
  );
});

test("what is freed is used again, so that changes without end need no more memory", () => {
  const store = new ByteStore();
  const places = Array.from({ length: 1_000 }, (_, index) => store.put(new Uint8Array(200 + (index % 8)).fill(index)));
  const size = store.size;
  for (let round = 0; round < 20; round++) {
    for (const [index, place] of places.entries()) {
      store.free(place);
      places[index] = store.put(new Uint8Array(200 + ((index + round) % 8)).fill(round));
    }
  }
  expect(store.size).toBe(size);
});

test("no bytes take no place, and nothing is freed twice", () => {
  const store = new ByteStore();
  expect(store.put(new Uint8Array(0))).toBe(NOWHERE);
  expect([store.get(NOWHERE).length, store.size]).toEqual([0, 0]);
  store.free(NOWHERE);
  const place = store.put(new Uint8Array(5));
  store.free(place);
  expect(() => store.free(place)).toThrow("freed once");
});

test("copies stay as they were when what they were made of changes, and others are made", () => {
  const copies = new Copies();
  fc.assert(
    fc.property(fc.array(sizes), (lengths) => {
      const made = lengths.map((length, index) => {
        const bytes = new Uint8Array(length).fill(index);
        const copy = copies.of(bytes);
        bytes.fill(255);
        return copy;
      });
      for (const [index, copy] of made.entries()) expect(copy).toEqual(new Uint8Array(lengths[index]!).fill(index));
    }),
  );
});
