import { epoch, sameDigest, textFromServiceKey, type ServiceDigest } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLAIM_LOG_MAX } from "../src/datums/change-log.ts";
import type { SlotContent } from "../src/datums/slot-content.ts";
import {
  Copy,
  EVERYTHING,
  KEYS,
  SESSIONS,
  allIn,
  at,
  catchUp,
  connectionsOf,
  copyAll,
  emptySlot,
  happen,
  happenings,
  ledSlot,
  liveIn,
  shownIn,
  slotAfter,
  sumBySession,
  sumOf,
  versionsIn,
  word,
  writeFrom,
} from "./slot-fixture.ts";

const stories = fc.array(happenings, { maxLength: 40 });
const ORDERS = KEYS[0]!;

const register = (content: SlotContent, ...ids: string[]) => {
  for (const instanceId of ids) content.obtain(ORDERS).merge(writeFrom(word("register", 1, { instanceId })), "s#1");
};

describe("whatever happens to a slot", () => {
  test("its sums are what its claims come to", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const content = ledSlot();
        for (const happening of story) {
          happen(content, happening);
          const claims = [...content.claims()];
          expect(content.digest).toEqual(sumBySession(claims));
          for (const session of SESSIONS)
            expect(content.digestOfSession(session)).toEqual(sumOf(connectionsOf(claims, session)));
          const holders = SESSIONS.filter((session) => connectionsOf(claims, session).length > 0);
          expect([...content.sessions()].toSorted()).toEqual(holders);
        }
        for (const { key, digest } of content.serviceDigests())
          expect(digest).toEqual(sumBySession(content.find(textFromServiceKey(key))!.claims()));
        const keysWithLife = [...content.services()].filter((service) => [...service.claims()].some((c) => !c.removed));
        expect(content.serviceDigests().map(({ key }) => key)).toEqual(keysWithLife.map(({ key }) => key));
      }),
    );
  });

  test("whoever listens can keep a copy of it, claim for claim", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const copy = new Copy();
        const content = slotAfter(story, copy);
        expect(copy.texts()).toEqual(allIn(content));
      }),
    );
  });

  test("what is shown is what lives", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const content = slotAfter(story);
        const ids = (texts: readonly string[]) =>
          [...new Set(texts.map((text) => text.slice(0, text.indexOf(" of "))))].toSorted();
        for (const service of content.services()) {
          const live = [...service.claims()].filter(({ removed }) => !removed).map(({ instanceId }) => instanceId);
          expect(ids(shownIn(content)[service.keyText] ?? [])).toEqual([...new Set(live)].toSorted());
        }
      }),
    );
  });
});

describe("a follower", () => {
  const turns = fc.array(
    fc.tuple(
      fc.array(happenings, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
    ),
    { maxLength: 8 },
  );

  test("that takes the changes, in pieces of any size and however late, has what the leader has", () => {
    fc.assert(
      fc.property(turns, (rounds) => {
        const copy = new Copy();
        const [leader, follower] = [ledSlot(), emptySlot(copy)];
        follower.take([], leader.version);
        for (const [story, pieces] of rounds) {
          for (const happening of story) happen(leader, happening);
          expect(catchUp(leader, follower, pieces)).toBe(true);
          expect(follower.version).toEqual(leader.version);
          expect(follower.digest).toEqual(leader.digest);
          expect(liveIn(follower)).toEqual(liveIn(leader));
          expect(shownIn(follower)).toEqual(shownIn(leader));
        }
        expect(copy.texts()).toEqual(allIn(follower));
      }),
    );
  });

  test("that leads next goes on from there, and who led before follows it by the changes alone", () => {
    fc.assert(
      fc.property(turns, (rounds) => {
        let [leader, follower] = [ledSlot(), emptySlot()];
        follower.take([], leader.version);
        for (const [index, [story, pieces]] of rounds.entries()) {
          for (const happening of story) happen(leader, happening);
          catchUp(leader, follower, pieces);
          [leader, follower] = [follower, leader];
          leader.lead(epoch(index + 2));
          expect(catchUp(leader, follower, pieces)).toBe(true);
          expect([follower.digest, liveIn(follower)]).toEqual([leader.digest, liveIn(leader)]);
        }
      }),
    );
  });

  test("of anything else is brought to what the leader has by ranges of ids, tombstones too", () => {
    const ends = fc.uniqueArray(fc.constantFrom("i-1", "i-15", "i-2", "i-3", "j"), { maxLength: 4 });
    fc.assert(
      fc.property(stories, stories, ends, (story, otherStory, bounds) => {
        const copy = new Copy();
        const [leader, follower] = [slotAfter(story), slotAfter(otherStory, copy)];
        leader.lead(epoch(2));
        copyAll(leader, follower, bounds);
        expect(allIn(follower)).toEqual(allIn(leader));
        expect([follower.digest, follower.version]).toEqual([leader.digest, leader.version]);
        expect(shownIn(follower)).toEqual(shownIn(leader));
        expect(copy.texts()).toEqual(allIn(follower));
      }),
    );
  });

  test("never goes back in versions", () => {
    const follower = emptySlot();
    follower.take([], at(2, 5));
    expect(() => follower.take([], at(2, 4))).toThrow("only grows");
    expect(() => follower.take([], at(1, 9))).toThrow("only grows");
    follower.take([], at(2, 5));
    expect(follower.version).toEqual(at(2, 5));
  });
});

describe("a range that is replaced", () => {
  test.each([
    { range: EVERYTHING, stays: [] },
    { range: { after: "i-1", upTo: "i-3" }, stays: ["i-1", "i-4"] },
    { range: { after: "", upTo: "i-2" }, stays: ["i-3", "i-4"] },
    { range: { after: "i-2", upTo: "" }, stays: ["i-1", "i-2"] },
    { range: { after: "i-4", upTo: "" }, stays: ["i-1", "i-2", "i-3", "i-4"] },
  ])("by nothing, $range, leaves $stays", ({ range, stays }) => {
    const content = ledSlot();
    register(content, "i-1", "i-2", "i-3", "i-4");
    content.replace({ key: ORDERS, claims: [] }, range);
    expect([...content.claims()].map(({ instanceId }) => instanceId)).toEqual(stays);
    expect(content.isEmpty).toBe(stays.length === 0);
  });

  test("takes what is listed as the leader says it, though it is older than what was there", () => {
    const [leader, follower] = [ledSlot(), ledSlot()];
    register(leader, "i-1");
    follower.obtain(ORDERS).merge(writeFrom(word("register", 7)), "t#1");
    follower.replace({ key: ORDERS, claims: leader.claimsOf(ORDERS) }, EVERYTHING);
    expect(allIn(follower)).toEqual(allIn(leader));
  });
});

describe("beginning to lead", () => {
  test("makes every datum newer than anything issued before, and changes nothing else", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const content = slotAfter(story);
        const before = [allIn(content), shownIn(content), content.digest, content.serviceDigests()];
        const { version } = content;
        content.lead(epoch(2));
        expect([allIn(content), shownIn(content), content.digest, content.serviceDigests()]).toEqual(before);
        expect([content.version, content.leaderEpoch, content.basis]).toEqual([at(2, 0), 2, version]);
        expect(new Set(Object.values(versionsIn(content)))).toEqual(new Set([...content.services()].map(() => "2.0")));
      }),
    );
  });

  test("is done once per epoch, and never at an older one", () => {
    const content = ledSlot(4);
    expect(() => content.lead(epoch(4))).toThrow("above 4");
    expect(() => content.lead(epoch(3))).toThrow("above 4");
  });
});

describe("changes since", () => {
  test("what the leader began with are those of its epoch, and since then", () => {
    const content = ledSlot();
    register(content, "i-1", "i-2");
    content.lead(epoch(2));
    register(content, "i-3");
    const since = (base: ReturnType<typeof at>) =>
      content.changedSince(base, 10)?.services.flatMap(({ claims }) => claims.map(({ instanceId }) => instanceId));
    expect([since(at(1, 2)), since(at(2, 0)), since(at(2, 1))]).toEqual([["i-3"], ["i-3"], []]);
    // Of these nobody here knows what has changed since.
    expect([since(at(1, 1)), since(at(1, 3)), since(at(0, 0)), since(at(3, 0))]).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
  });

  test("come each once and as they are now, grouped by service, with the version they lead to", () => {
    const content = ledSlot();
    register(content, "i-1", "i-2");
    content.obtain(KEYS[1]!).merge(writeFrom(word("register", 1, { key: KEYS[1]! })), "s#1");
    content.obtain(ORDERS).merge(writeFrom(word("unregister", 2)), "s#1");
    const first = content.changedSince(at(1, 0), 2)!;
    expect(first.version).toEqual(at(1, 2));
    expect(first.services).toMatchObject([
      {
        key: ORDERS,
        claims: [
          { instanceId: "i-1", removed: true },
          { instanceId: "i-2", removed: false },
        ],
      },
    ]);
    const second = content.changedSince(first.version, 2)!;
    expect([second.version, second.services.map(({ key }) => key)]).toEqual([at(1, 4), [KEYS[1], ORDERS]]);
  });

  test("too long ago are not known any more, and those of late always are", () => {
    const content = ledSlot();
    for (let counter = 1; counter <= 4 * CLAIM_LOG_MAX; counter++) {
      content.obtain(ORDERS).merge(writeFrom(word("register", counter)), "s#1");
      const reach = Math.max(0, counter - CLAIM_LOG_MAX);
      expect(content.changedSince(at(1, reach), 2)?.version.counter).toBe(counter);
    }
    expect(content.changedSince(at(1, 0), 1)).toBeUndefined();
  });
});

describe("what a session says it holds", () => {
  const digestsOf = (content: SlotContent, session: string): ServiceDigest[] =>
    [...content.services()].flatMap((service) => {
      const held = connectionsOf(service.claims(), session);
      return held.length === 0 ? [] : [{ key: service.key, digest: sumOf(held) }];
    });

  test("differs from what it is taken to hold in exactly the services where it does", () => {
    fc.assert(
      fc.property(stories, stories, fc.constantFrom(...SESSIONS), (story, extra, session) => {
        // The session has seen what the leader has, and some more or other things.
        const content = slotAfter(story);
        const held = slotAfter([...story.slice(0, -3), ...extra.slice(0, 4)]);
        const sums = (side: SlotContent, key: (typeof KEYS)[number]) =>
          sumOf(connectionsOf(side.find(textFromServiceKey(key))?.claims() ?? [], session));
        const expected = KEYS.filter((key) => !sameDigest(sums(content, key), sums(held, key)));
        const keys = content.differences(session, digestsOf(held, session));
        expect(new Set(keys)).toEqual(new Set(expected));
        expect(keys).toHaveLength(expected.length);
        expect(content.differences(session, digestsOf(content, session))).toEqual([]);
      }),
    );
  });

  test("does not differ in leases and removals, which it writes anew, nor in what is held by others", () => {
    const content = ledSlot();
    const orders = content.obtain(ORDERS);
    orders.merge(writeFrom(word("register", 1, { client: "", leaseMs: 5_000 })), "s#1");
    orders.merge(writeFrom(word("unregister", 1, { instanceId: "i-2" })), "s#1");
    orders.merge(writeFrom(word("register", 1, { instanceId: "i-3" })), "t#1");
    expect(content.differences("s#1", [])).toEqual([]);
    expect(
      content.unlisted("s#1", { key: ORDERS, leaderEpoch: epoch(1), afterWrite: 0, held: [], ...EVERYTHING }),
    ).toEqual([]);
  });

  test("leaves over, within the range, exactly what it does not list", () => {
    const ids = ["i-1", "i-2", "i-3", "i-4"];
    const ranges = fc.tuple(fc.constantFrom("", ...ids), fc.constantFrom("", ...ids));
    fc.assert(
      fc.property(stories, fc.subarray(ids), ranges, (story, listed, [after, upTo]) => {
        const content = slotAfter(story);
        const held = listed.map((instanceId) => ({ instanceId, clientId: "c1" }));
        const over = content.unlisted("s#1", { key: ORDERS, leaderEpoch: epoch(1), afterWrite: 0, held, after, upTo });
        const claims = connectionsOf(content.find(textFromServiceKey(ORDERS))?.claims() ?? [], "s#1");
        const expected = claims
          .filter(({ instanceId: id }) => id > after && (upTo === "" || id <= upTo))
          .filter(({ instanceId, clientId }) => clientId !== "c1" || !listed.includes(instanceId));
        expect(new Set(over)).toEqual(new Set(expected));
      }),
    );
  });

  test("of a service that nothing is known of is a difference", () => {
    expect(ledSlot().differences("s#1", [{ key: ORDERS, digest: { high: 1, low: 1 } }])).toEqual([ORDERS]);
  });
});

test("a slot that was left by an earlier life is at the version it was left at, with all its datums", () => {
  const content = emptySlot();
  const [record] = slotAfter([{ kind: "write", word: word("register", 1), session: "s#1" }]).claimsOf(ORDERS);
  content.take([{ key: ORDERS, claims: [record!] }], content.version);
  content.restored(at(3, 17));
  expect([content.version, versionsIn(content)]).toEqual([at(3, 17), { [textFromServiceKey(ORDERS)]: "3.17" }]);
  content.lead(epoch(4));
  expect([content.basis, content.changedSince(at(3, 17), 9)?.version]).toEqual([at(3, 17), at(4, 0)]);
});
