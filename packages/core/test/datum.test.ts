import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHANGE_LOG_MAX, Datum, changesRemembered, type Update } from "../src/datum.ts";
import { updateFor } from "../src/delivery.ts";
import { digestOfText, EMPTY_DIGEST, sameDigest } from "../src/digest.ts";
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
          if (index === copiedAt) copy.apply(source.snapshot(NO_FILTER, true));
          change(source, step, version(index + 1));
        }
        const delta = source.delta(copy.held, NO_FILTER, true);
        const outcome = copy.apply(delta ?? source.snapshot(NO_FILTER, true));
        expect(["applied", "adopted", "older"]).toContain(outcome);
        expect(contentOf(copy)).toEqual(contentOf(source));
        expect(copy.held).toEqual(source.held);
        fresh.apply(source.snapshot(NO_FILTER, true));
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
    const put = datum.delta(before, NO_FILTER, true)!;
    expect(put.instances.map(({ id }) => id)).toEqual(["instance-7"]);
    expect(put.removedIds).toEqual([]);
    expect(sizeOf(put) * 100).toBeLessThan(sizeOf(datum.snapshot(NO_FILTER, true)));

    const held = datum.held;
    datum.remove("instance-8", version(2_001));
    expect(datum.delta(held, NO_FILTER, true)).toMatchObject({ instances: [], removedIds: ["instance-8"] });
  });

  test("is not cut when most of the content changed: a snapshot is hardly larger", () => {
    const datum = datumOf("a", "b", "c", "d");
    const before = datum.held;
    for (const [index, id] of ["a", "b", "c", "d"].entries()) datum.put(instance(id, "new"), version(10 + index));
    expect(datum.delta(before, NO_FILTER, true)).toBeUndefined();
  });

  test.each([1, 50, 200, 5_000])(
    "of a list of %i is not cut from a version that the log does not reach back to",
    (size) => {
      const ids = Array.from({ length: size }, (_, index) => `instance-${index}`);
      const datum = datumOf(...ids);
      const remembered = changesRemembered(size);
      const early = datum.held;
      const putAgain = (times: number, from: number) => {
        for (let index = 0; index < times; index++)
          datum.put(instance("instance-0", String(index)), version(from + index));
      };
      putAgain(remembered, 10_000);
      expect(datum.delta(early, NO_FILTER, true)?.instances).toHaveLength(1);
      putAgain(2 * remembered, 20_000);
      expect(datum.delta(early, NO_FILTER, true)).toBeUndefined();
      expect(datum.changedSince(early.version)).toBeUndefined();
      // However often it was trimmed, the promised number of changes is remembered.
      for (let turn = 0; turn < remembered; turn++) {
        const recent = datum.held;
        putAgain(remembered, 30_000 + turn * remembered);
        expect([...datum.changedSince(recent.version)!]).toEqual(["instance-0"]);
      }
    },
  );

  test.each([
    [0, 16],
    [64, 16],
    [100, 25],
    [2_048, CHANGE_LOG_MAX],
    [100_000, CHANGE_LOG_MAX],
  ])("of a list of %i reaches back %i changes", (size, changes) => {
    expect(changesRemembered(size)).toBe(changes);
  });

  test("is not cut for who holds something else at the present version: no change leads from there to here", () => {
    const ids = Array.from({ length: 50 }, (_, index) => `instance-${index}`);
    const datum = datumOf(...ids);
    const wrong = { version: datum.version, digest: digestOfText("wrong") };
    expect(datum.delta(wrong, NO_FILTER, true)).toBeUndefined();
    // Where the version is older, nobody can tell a wrong digest: the receiver finds out.
    datum.put(instance("instance-7", "changed"), version(100));
    expect(datum.delta(wrong, NO_FILTER, true)).toMatchObject({ baseDigest: wrong.digest });
  });

  test("for a receiver with the present content brings nothing but the version", () => {
    const datum = datumOf("a", "b");
    const before = datum.held;
    datum.adopt(version(0, 2));
    expect(datum.delta(before, NO_FILTER, true)).toMatchObject({
      version: version(0, 2),
      instances: [],
      removedIds: [],
    });
  });
});

test.each([true, false])("an update says whether the slot's leader vouches for it: %s", (confirmed) => {
  const datum = datumOf("a", "b", "c", "d");
  const before = datum.held;
  datum.put(instance("a", "new"), version(10));
  expect(datum.snapshot(NO_FILTER, confirmed).confirmed).toBe(confirmed);
  expect(datum.delta(before, NO_FILTER, confirmed)).toMatchObject({ baseDigest: before.digest, confirmed });
  expect(datum.delta(datum.held, NO_FILTER, confirmed)).toMatchObject({ instances: [], confirmed });
});

describe("a receiver", () => {
  const [source, changed] = [datumOf("a", "b", "c", "d"), datumOf("a", "b", "c", "d")];
  changed.put(instance("a", "new"), version(10));
  changed.remove("b", version(11));
  const delta = changed.delta(source.held, NO_FILTER, true)!;
  const snapshot = changed.snapshot(NO_FILTER, true);

  function receiver(...ids: string[]): Datum {
    const datum = new Datum(KEY, version(0));
    if (ids.length > 0) datum.apply(datumOf(...ids).snapshot(NO_FILTER, true));
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
    expect(datum.apply({ ...source.snapshot(NO_FILTER, true), version: version(1, 2), instances: [] })).toBe("adopted");
    expect(datum.held).toEqual({ version: version(1, 2), digest: source.digest });
  });

  test("ignores what is not newer", () => {
    const datum = receiver("a", "b", "c", "d");
    datum.apply(snapshot);
    for (const update of [delta, snapshot, source.snapshot(NO_FILTER, true)]) expect(datum.apply(update)).toBe("older");
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
    const passedOn = session.delta(client.held, NO_FILTER, true)!;
    expect(new Set([...passedOn.instances.map(({ id }) => id), ...passedOn.removedIds])).toEqual(new Set(["a", "b"]));
    expect(client.apply(passedOn)).toBe("applied");
    expect(client.held).toEqual(changed.held);
  });

  describe("that holds something else at the version of an update", () => {
    const wrong = () => {
      const datum = receiver("a", "b", "x");
      datum.adopt(changed.version);
      return datum;
    };

    test("takes a snapshot, and keeps the version", () => {
      const datum = wrong();
      expect(datum.apply(snapshot)).toBe("applied");
      expect(datum.held).toEqual(changed.held);
      expect(contentOf(datum)).toEqual(contentOf(changed));
      expect(datum.apply(snapshot)).toBe("older");
    });

    test("takes no snapshot that is not what it says", () => {
      const datum = wrong();
      const before = { held: datum.held, content: contentOf(datum) };
      expect(datum.apply({ ...snapshot, instances: snapshot.instances.slice(1) })).toBe("mismatch");
      expect({ held: datum.held, content: contentOf(datum) }).toEqual(before);
    });

    test("takes no delta, even one of what it holds", () => {
      const datum = wrong();
      const before = datum.held;
      const fromHere = { ...delta, baseDigest: before.digest };
      for (const update of [delta, fromHere]) expect(datum.apply(update)).toBe("older");
      expect(datum.held).toEqual(before);
    });

    test("passes the repair on to who has copied what was wrong, and to who was behind", () => {
      const session = wrong();
      const [client, behind] = [wrong(), receiver("a", "b", "x")];
      session.apply(snapshot);
      expect(session.delta(client.held, NO_FILTER, true)).toBeUndefined();
      for (const copy of [client, behind]) {
        const passedOn = updateFor(session, copy.held, NO_FILTER, true);
        expect(copy.apply(passedOn)).toBe("applied");
        expect(copy.held).toEqual(changed.held);
      }
    });

    test("is brought right from any content", () => {
      fc.assert(
        fc.property(fc.array(changes, { maxLength: 20 }), fc.array(changes, { maxLength: 20 }), (story, other) => {
          const [leader, datum] = [story, other].map((steps) => {
            const made = new Datum(KEY, version(0));
            for (const [index, step] of steps.entries()) change(made, step, version(index + 1));
            made.adopt(version(100));
            return made;
          }) as [Datum, Datum];
          const outcome = datum.apply(leader.snapshot(NO_FILTER, true));
          expect(outcome === "applied" || outcome === "older").toBe(true);
          expect(datum.held).toEqual(leader.held);
          expect(contentOf(datum)).toEqual(contentOf(leader));
        }),
      );
    });
  });

  test("takes random damage to an update for a mismatch, or ends with the promised content", () => {
    fc.assert(
      fc.property(fc.array(changes, { minLength: 1, maxLength: 20 }), fc.nat(19), fc.nat(), (story, from, damage) => {
        const leader = new Datum(KEY, version(0));
        const datum = new Datum(KEY, version(0));
        for (const [index, step] of story.entries()) {
          if (index === from) datum.apply(leader.snapshot(NO_FILTER, true));
          change(leader, step, version(index + 1));
        }
        const update = leader.delta(datum.held, NO_FILTER, true) ?? leader.snapshot(NO_FILTER, true);
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
