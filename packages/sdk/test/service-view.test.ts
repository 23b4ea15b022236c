import {
  Datum,
  NO_FILTER,
  epoch,
  instanceFromInput,
  serviceKey,
  type EncodedInstance,
  type Version,
} from "@rollcall/core";
import { bytesFromInstance } from "@rollcall/protocol";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { DecodedInstances } from "../src/service-view.ts";

const KEY = serviceKey({ service: "orders" });

function at(counter: number): Version {
  return { epoch: epoch(1), counter };
}

function encoded(index: number, content: number): EncodedInstance {
  const id = `instance-${index}`;
  const instance = instanceFromInput({ id, address: `10.0.0.1:${1 + content}`, metadata: {} }, () => "");
  return { id, bytes: bytesFromInstance(instance) };
}

/** What is said of an instance of the list: another content, or that it is gone. */
const word = fc.record({ index: fc.nat(30), content: fc.option(fc.nat(3), { nil: undefined }) });
/** What happens between two looks at the list, and how the copy hears of it. */
const step = fc.record({
  words: fc.array(word, { maxLength: 40 }),
  how: fc.constantFrom("delta" as const, "snapshot" as const, "repair" as const, "unseen" as const),
});

describe("the decoded instances of a datum", () => {
  it("are those that the datum holds, however it came to hold them", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const source = new Datum(KEY, at(0));
        const copy = new Datum(KEY, { epoch: epoch(0), counter: -1 });
        const decoded = new DecodedInstances(() => expect.unreachable());
        let counter = 0;
        for (const { words, how } of steps) {
          const before = copy.held;
          for (const { index, content } of words) {
            if (content === undefined) source.remove(`instance-${index}`, at(++counter));
            else source.put(encoded(index, content), at(++counter));
          }
          source.adopt(at(++counter));
          const delta = how === "snapshot" ? undefined : source.delta(before, NO_FILTER, true);
          copy.apply(delta ?? source.snapshot(NO_FILTER, true));
          if (how === "unseen") continue;
          const instances = decoded.follow(copy);
          expect(instances.map((instance) => Buffer.from(bytesFromInstance(instance)).toString("hex"))).toEqual(
            [...copy.instances()]
              .toSorted((a, b) => (a.id < b.id ? -1 : 1))
              .map(({ bytes }) => Buffer.from(bytes).toString("hex")),
          );
          if (how !== "repair") continue;
          // Whoever issued the version says at the same one that the list is another.
          const other = new Datum(KEY, at(0));
          other.put(encoded(50 + counter, 0), at(counter));
          copy.apply(other.snapshot(NO_FILTER, true));
          expect(decoded.follow(copy).map(({ id }) => id)).toEqual([`instance-${50 + counter}`]);
        }
      }),
    );
  });

  it("stay the same objects, and the lists given before stay as they were", () => {
    const datum = new Datum(KEY, at(0));
    for (let index = 0; index < 100; index++) datum.put(encoded(index, 0), at(index + 1));
    const decoded = new DecodedInstances(() => expect.unreachable());
    const before = decoded.follow(datum);
    const ids = before.map(({ id }) => id);
    datum.put(encoded(7, 1), at(101));
    datum.remove("instance-8", at(102));
    datum.put(encoded(200, 0), at(103));
    const after = decoded.follow(datum);
    expect(Object.isFrozen(after)).toBe(true);
    expect(before.map(({ id }) => id)).toEqual(ids);
    expect(after.filter((instance) => !before.includes(instance)).map(({ id }) => id)).toEqual([
      "instance-200",
      "instance-7",
    ]);
    expect(before.filter((instance) => !after.includes(instance)).map(({ id }) => id)).toEqual([
      "instance-7",
      "instance-8",
    ]);
  });

  it("leave out one that cannot be read, until it can", () => {
    const datum = new Datum(KEY, at(0));
    datum.put(encoded(1, 0), at(1));
    datum.put(encoded(2, 0), at(2));
    const unreadable: string[] = [];
    const decoded = new DecodedInstances((id) => unreadable.push(id));
    decoded.follow(datum);
    datum.put({ id: "instance-1", bytes: new Uint8Array([0xff]) }, at(3));
    expect(decoded.follow(datum).map(({ id }) => id)).toEqual(["instance-2"]);
    datum.put(encoded(3, 0), at(4));
    expect(decoded.follow(datum).map(({ id }) => id)).toEqual(["instance-2", "instance-3"]);
    expect(unreadable).toEqual(["instance-1"]);
    datum.put(encoded(1, 1), at(5));
    expect(decoded.follow(datum).map(({ id }) => id)).toEqual(["instance-1", "instance-2", "instance-3"]);
  });
});
