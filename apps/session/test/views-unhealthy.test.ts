// Lists in which some are marked unhealthy, and those who see them.

import {
  Datum,
  DurationHistogram,
  NO_FILTER,
  filterFromInput,
  frameFromMessage,
  noTracer,
  updateFor,
  type EncodedInstance,
  type Filter,
  type Held,
} from "@rollcall/core";
import { instanceBytesWith, isMarkedUnhealthy } from "@rollcall/protocol";
import { SimClock } from "@rollcall/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { ServiceCopy } from "../src/views/service-copy.ts";
import type { View } from "../src/views/view.ts";
import { LeaderDatum, ORDERS, encoded, readInstance, version } from "./fixture.ts";

const EVERYTHING = filterFromInput({ includeUnhealthy: true });
const GRPC = filterFromInput({ protocol: "grpc" });

const sick = ({ id, bytes }: EncodedInstance): EncodedInstance => ({
  id,
  bytes: instanceBytesWith(bytes, { health: "unhealthy" }),
});

function copyOf(read = readInstance): ServiceCopy {
  return new ServiceCopy(ORDERS, {
    clock: new SimClock(),
    tracer: noTracer,
    pushAges: new DurationHistogram(),
    encodePush: () => [frameFromMessage(new Uint8Array(0))],
    readInstance: read,
    isUnhealthy: isMarkedUnhealthy,
  });
}

/** A client that is sent whatever leads it to the view, and takes only what is proved. */
class Receiver {
  readonly view: View;
  readonly #datum = new Datum(ORDERS, version(0));
  #held: Held | undefined;
  snapshots = 0;
  pushes = 0;

  constructor(copy: ServiceCopy, filter: Filter) {
    this.view = copy.view(filter);
  }

  catchUp(): string[] {
    const update = updateFor(this.view.datum, this.#held, this.view.filter, true);
    this.pushes++;
    if (update.baseDigest === undefined) this.snapshots++;
    if (this.#datum.apply(update) === "mismatch") throw new Error("the update does not lead where it says");
    this.#held = this.#datum.held;
    return [...this.#datum.instances()].map(({ id }) => id).toSorted();
  }
}

interface Change {
  readonly id: string;
  readonly becomes: "well" | "sick" | "gone";
  readonly protocol: string;
  /** Whether the session is told of it at once, or together with the next one. */
  readonly told: "delta" | "snapshot" | "later";
}

const changes: fc.Arbitrary<Change> = fc.record({
  id: fc.constantFrom("a", "b", "c", "d", "e", "f"),
  becomes: fc.constantFrom("well" as const, "well" as const, "sick" as const, "gone" as const),
  protocol: fc.constantFrom("grpc", "http"),
  told: fc.constantFrom("delta" as const, "delta" as const, "snapshot" as const, "later" as const),
});

test("whatever becomes of whom, each sees those it asks for, by updates that are proved", () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 40 }), fc.nat(40), (story, comesAt) => {
      const leader = new LeaderDatum();
      const copy = copyOf();
      copy.apply(leader.put(encoded("a"), encoded("b")).snapshot);
      const usual = new Receiver(copy, NO_FILTER);
      const all = new Receiver(copy, EVERYTHING);
      const grpc = new Receiver(copy, GRPC);
      let late: Receiver | undefined;
      for (const [index, { id, becomes, protocol, told }] of story.entries()) {
        const before = copy.datum.held;
        const well = encoded(id, { protocol });
        if (becomes === "gone") leader.remove(id);
        else leader.put(becomes === "sick" ? sick(well) : well);
        if (told === "later") continue;
        copy.apply(told === "snapshot" ? leader.snapshot : updateFor(leader.datum, before, NO_FILTER, true));
        if (index >= comesAt) late ??= new Receiver(copy, NO_FILTER);
        const there = [...leader.datum.instances()]
          .map((each) => readInstance(each))
          .toSorted((a, b) => (a.id < b.id ? -1 : 1));
        const healthy = there.filter(({ health }) => health === "healthy");
        expect(usual.catchUp()).toEqual(healthy.map(({ id }) => id));
        expect(all.catchUp()).toEqual(there.map(({ id }) => id));
        expect(grpc.catchUp()).toEqual(healthy.filter(({ protocol }) => protocol === "grpc").map(({ id }) => id));
        expect((late ?? usual).catchUp()).toEqual(healthy.map(({ id }) => id));
      }
    }),
    { numRuns: 500 },
  );
});

test("one of many that is marked, and well again, is a small change to whoever holds the list", () => {
  const leader = new LeaderDatum();
  const many = Array.from({ length: 100 }, (_, index) => encoded(`i${index}`));
  const copy = copyOf();
  copy.apply(leader.put(...many).snapshot);
  const usual = new Receiver(copy, NO_FILTER);
  usual.catchUp();
  for (const instance of [sick(many[7]!), many[7]!, sick(many[8]!)]) {
    const before = copy.datum.held;
    copy.apply(updateFor(leader.put(instance).datum, before, NO_FILTER, true));
    usual.catchUp();
  }
  expect(usual).toMatchObject({ pushes: 4, snapshots: 1 });
});

test("while all are healthy nobody looks into an instance, and the usual view has no list of its own", () => {
  const read: string[] = [];
  const copy = copyOf((instance) => {
    read.push(instance.id);
    return readInstance(instance);
  });
  const leader = new LeaderDatum();
  copy.apply(leader.put(encoded("a"), encoded("b")).snapshot);
  const view = copy.view(NO_FILTER);
  copy.apply(updateFor(leader.put(encoded("c")).datum, copy.datum.held, NO_FILTER, true));
  expect(view.datum).toBe(copy.datum);
  expect(read).toEqual([]);
  copy.apply(updateFor(leader.put(sick(encoded("c"))).datum, copy.datum.held, NO_FILTER, true));
  expect(view.datum).not.toBe(copy.datum);
  copy.apply(updateFor(leader.put(encoded("c")).datum, copy.datum.held, NO_FILTER, true));
  expect(view.datum).toBe(copy.datum);
});
