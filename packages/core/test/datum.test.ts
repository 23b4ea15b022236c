import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHANGE_LOG_MAX, Datum, type Update } from "../src/datum.ts";
import { EMPTY_DIGEST, sameDigest } from "../src/digest.ts";
import { NO_FILTER } from "../src/filter.ts";
import { compareVersions } from "../src/version.ts";
import { change, changes, contentOf, datumOf, digestFromScratch, instance, KEY, version } from "./datum-fixture.ts";

const sizeOf = (update: Update) => update.instances.reduce((bytes, { bytes: { length } }) => bytes + length, 0);

describe("the content", () => {
  test("is what was put last and not taken out, and its digest is that of the content alone", () => {
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 60 }), (story) => {
        const datum = new Datum(KEY, version(0));
        const model = new Map<string, string>();
        for (const [index, step] of story.entries()) {
          const before = datum.held;
          const expected = step.content === undefined ? model.has(step.id) : model.get(step.id) !== step.content;
          if (step.content === undefined) model.delete(step.id);
          else model.set(step.id, step.content);
          expect(change(datum, step, version(index + 1))).toBe(expected);
          // What changes nothing leaves the version too: nobody has to be told.
          expect(datum.version).toEqual(expected ? version(index + 1) : before.version);
          expect(datum.digest).toEqual(digestFromScratch(datum));
          expect(datum.size).toBe(model.size);
        }
        const expected = [...model].map(([id, content]) => [id, `${id}=${content}`]);
        expect(contentOf(datum)).toEqual(Object.fromEntries(expected));
        for (const id of model.keys()) expect(datum.get(id)?.id).toBe(id);
      }),
    );
  });

  test("is empty at first, and again when all is taken out", () => {
    const datum = datumOf("a", "b");
    expect(new Datum(KEY, version(0)).digest).toEqual(EMPTY_DIGEST);
    datum.remove("a", version(3));
    datum.remove("b", version(4));
    expect(datum.held).toEqual({ version: version(4), digest: EMPTY_DIGEST });
  });

  test("moves to newer versions only", () => {
    const datum = datumOf("a", "b");
    datum.adopt(version(5));
    expect(datum.version).toEqual(version(5));
    expect(() => datum.adopt(version(4))).toThrow("a datum's version only grows");
    expect(() => datum.put(instance("c"), version(4))).toThrow("a datum's version only grows");
    expect(() => datum.adopt(version(9, 0))).toThrow("a datum's version only grows");
  });
});

describe("a delta", () => {
  test("leads from any version on the way to the present content, as does a snapshot", () => {
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 40 }), fc.nat(40), (story, copiedAt) => {
        const source = new Datum(KEY, version(0));
        const copy = new Datum(KEY, version(0));
        const fresh = new Datum(KEY, version(0));
        for (const [index, step] of story.entries()) {
          if (index === copiedAt) copy.apply(source.snapshot(NO_FILTER));
          change(source, step, version(index + 1));
        }
        const delta = source.delta(copy.held, NO_FILTER);
        const outcome = copy.apply(delta ?? source.snapshot(NO_FILTER));
        expect(["applied", "adopted", "older"]).toContain(outcome);
        expect(contentOf(copy)).toEqual(contentOf(source));
        expect(copy.held).toEqual(source.held);
        fresh.apply(source.snapshot(NO_FILTER));
        expect(fresh.held).toEqual(source.held);
      }),
      { numRuns: 500 },
    );
  });

  test("of one change holds that change only, however many instances there are", () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `instance-${index}`);
    const datum = datumOf(...ids);
    const before = datum.held;
    datum.put(instance("instance-7", "changed"), version(2_000));
    const put = datum.delta(before, NO_FILTER)!;
    expect(put.instances.map(({ id }) => id)).toEqual(["instance-7"]);
    expect(put.removedIds).toEqual([]);
    expect(sizeOf(put) * 100).toBeLessThan(sizeOf(datum.snapshot(NO_FILTER)));

    const held = datum.held;
    datum.remove("instance-8", version(2_001));
    expect(datum.delta(held, NO_FILTER)).toMatchObject({ instances: [], removedIds: ["instance-8"] });
  });

  test("is not cut when most of the content changed: a snapshot is hardly larger", () => {
    const datum = datumOf("a", "b", "c", "d");
    const before = datum.held;
    for (const [index, id] of ["a", "b", "c", "d"].entries()) datum.put(instance(id, "new"), version(10 + index));
    expect(datum.delta(before, NO_FILTER)).toBeUndefined();
  });

  test("is not cut from a version that the log does not reach back to", () => {
    const ids = Array.from({ length: 50 }, (_, index) => `instance-${index}`);
    const datum = datumOf(...ids);
    const early = datum.held;
    const putAgain = (times: number, from: number) => {
      for (let index = 0; index < times; index++)
        datum.put(instance("instance-0", String(index)), version(from + index));
    };
    putAgain(CHANGE_LOG_MAX / 2, 1_000);
    expect(datum.delta(early, NO_FILTER)?.instances).toHaveLength(1);
    putAgain(2 * CHANGE_LOG_MAX, 10_000);
    expect(datum.delta(early, NO_FILTER)).toBeUndefined();
    expect(datum.changedSince(early.version)).toBeUndefined();
    // At least the promised number of changes is remembered.
    const recent = datum.held;
    putAgain(CHANGE_LOG_MAX, 20_000);
    expect([...datum.changedSince(recent.version)!]).toEqual(["instance-0"]);
  });

  test("for a receiver with the present content brings nothing but the version", () => {
    const datum = datumOf("a", "b");
    const before = datum.held;
    datum.adopt(version(0, 2));
    expect(datum.delta(before, NO_FILTER)).toMatchObject({ version: version(0, 2), instances: [], removedIds: [] });
  });
});

describe("a receiver", () => {
  const [source, changed] = [datumOf("a", "b", "c", "d"), datumOf("a", "b", "c", "d")];
  changed.put(instance("a", "new"), version(10));
  changed.remove("b", version(11));
  const delta = changed.delta(source.held, NO_FILTER)!;
  const snapshot = changed.snapshot(NO_FILTER);

  function receiver(...ids: string[]): Datum {
    const datum = new Datum(KEY, version(0));
    if (ids.length > 0) datum.apply(datumOf(...ids).snapshot(NO_FILTER));
    return datum;
  }

  test("takes what leads where it says", () => {
    for (const update of [delta, snapshot]) {
      const datum = receiver("a", "b", "c", "d");
      expect(datum.apply(update)).toBe("applied");
      expect(datum.held).toEqual(changed.held);
      expect(contentOf(datum)).toEqual({ a: "a=new", c: "c=", d: "d=" });
    }
  });

  test("adopts the version of content it has, without looking at the rest", () => {
    const datum = receiver("a", "b", "c", "d");
    expect(datum.apply({ ...source.snapshot(NO_FILTER), version: version(1, 2), instances: [] })).toBe("adopted");
    expect(datum.held).toEqual({ version: version(1, 2), digest: source.digest });
  });

  test("ignores what is not newer", () => {
    const datum = receiver("a", "b", "c", "d");
    datum.apply(snapshot);
    for (const update of [delta, snapshot, source.snapshot(NO_FILTER)]) expect(datum.apply(update)).toBe("older");
    expect(datum.held).toEqual(changed.held);
  });

  test.each([
    { what: "a delta of other content", held: ["a", "b"], update: delta },
    { what: "a delta of something, having nothing", held: [], update: delta },
    { what: "a delta that leads elsewhere", held: ["a", "b", "c", "d"], update: { ...delta, removedIds: [] } },
    {
      what: "a delta with bytes that changed on the way",
      held: ["a", "b", "c", "d"],
      update: { ...delta, instances: [instance("a", "nev")] },
    },
    {
      what: "a snapshot that lacks an instance",
      held: ["a", "b"],
      update: { ...snapshot, instances: snapshot.instances.slice(1) },
    },
    { what: "a snapshot with a wrong digest", held: ["a", "b"], update: { ...snapshot, digest: { high: 1, low: 2 } } },
  ])("refuses $what and stays as it was", ({ held, update }) => {
    const datum = receiver(...held);
    const before = { held: datum.held, content: contentOf(datum), log: datum.changedSince(version(0)) };
    expect(datum.apply(update)).toBe("mismatch");
    expect({ held: datum.held, content: contentOf(datum), log: datum.changedSince(version(0)) }).toEqual(before);
    expect(datum.apply(snapshot)).toBe("applied");
    expect(contentOf(datum)).toEqual(contentOf(changed));
  });

  test("passes on by deltas what it took by a snapshot", () => {
    const session = receiver("a", "b", "c", "d");
    const client = receiver("a", "b", "c", "d");
    session.apply(snapshot);
    const passedOn = session.delta(client.held, NO_FILTER)!;
    expect(new Set([...passedOn.instances.map(({ id }) => id), ...passedOn.removedIds])).toEqual(new Set(["a", "b"]));
    expect(client.apply(passedOn)).toBe("applied");
    expect(client.held).toEqual(changed.held);
  });

  test("takes random damage to an update for a mismatch, or ends with the promised content", () => {
    fc.assert(
      fc.property(fc.array(changes, { minLength: 1, maxLength: 20 }), fc.nat(19), fc.nat(), (story, from, damage) => {
        const leader = new Datum(KEY, version(0));
        const datum = new Datum(KEY, version(0));
        for (const [index, step] of story.entries()) {
          if (index === from) datum.apply(leader.snapshot(NO_FILTER));
          change(leader, step, version(index + 1));
        }
        const update = leader.delta(datum.held, NO_FILTER) ?? leader.snapshot(NO_FILTER);
        const kept = update.instances.filter((_, index) => index !== damage % (update.instances.length + 1));
        const outcome = datum.apply({ ...update, instances: kept });
        expect(sameDigest(datum.digest, digestFromScratch(datum))).toBe(true);
        expect(outcome === "applied" || outcome === "adopted").toBe(
          compareVersions(datum.version, leader.version) === 0 && outcome !== "older",
        );
        expect(outcome === "mismatch" || JSON.stringify(datum.digest) === JSON.stringify(leader.digest)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
