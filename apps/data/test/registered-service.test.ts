import { compareRegistrationVersions } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RegisteredService } from "../src/datums/registered-service.ts";
import { Copy, EVERYTHING, KEYS, at, ledSlot, word, writeFrom, words as anyWords, type Word } from "./slot-fixture.ts";

const text = new TextDecoder();

/** A service in a slot that is led, and what came of the words that were said of it. */
function told(words: readonly Word[], sessions: readonly string[] = []) {
  const copy = new Copy();
  const content = ledSlot(1, copy);
  const orders = content.obtain(KEYS[0]!);
  const outcomes = words.map((said, index) => orders.merge(writeFrom(said), sessions[index] ?? "s#1"));
  return { content, orders, outcomes, copy };
}

const shown = (orders: RegisteredService) =>
  Object.fromEntries([...orders.datum.instances()].map(({ id, bytes }) => [id, text.decode(bytes)]));

/** What should be shown, from the newest word of each client on each instance. */
function expectedFrom(words: readonly Word[]): Record<string, string> {
  const rank = (a: Word, b: Word) =>
    compareRegistrationVersions(a, b) || Number(a.kind === "unregister") - Number(b.kind === "unregister");
  const claims = Map.groupBy(words, ({ instanceId, client }) => `${instanceId} ${client}`);
  const newest = [...claims.values()]
    .map((said) => said.toSorted(rank).at(-1)!)
    .filter(({ kind }) => kind === "register");
  const winners = newest.toSorted((a, b) => compareRegistrationVersions(a, b) || (a.client < b.client ? -1 : 1));
  return Object.fromEntries(winners.map((won) => [won.instanceId, text.decode(writeFrom(won).instance)]));
}

const words = anyWords.map((said): Word => ({ ...said, key: KEYS[0]!, leaseMs: 0 }));

/** The same words in another order, some of them more than once. */
const retold = (said: readonly Word[]) =>
  fc
    .tuple(fc.shuffledSubarray([...said], { minLength: said.length }), fc.array(fc.nat(), { maxLength: 10 }))
    .map(([shuffled, again]) =>
      said.length === 0 ? [] : [...shuffled, ...again.map((index) => said[index % said.length]!)],
    )
    .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));

test("in whichever order writes arrive, and however often, the same content is shown", () => {
  fc.assert(
    fc.property(
      fc.array(words, { maxLength: 14 }).chain((said) => fc.tuple(fc.constant(said), retold(said))),
      ([said, again]) => {
        const [one, other] = [told(said).orders, told(again).orders];
        expect(shown(one)).toEqual(expectedFrom(said));
        expect(shown(other)).toEqual(shown(one));
        expect(other.datum.digest).toEqual(one.datum.digest);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("writes that are repeated after everything change nothing, not even the version", () => {
  fc.assert(
    fc.property(fc.array(words, { maxLength: 14 }), (said) => {
      const { content, orders } = told(said);
      const before = [orders.datum.version, content.version];
      for (const again of said) orders.merge(writeFrom(again), "s#1");
      expect([orders.datum.version, content.version]).toEqual(before);
    }),
  );
});

test("the version of the datum only grows, and grows exactly when what is shown changes", () => {
  fc.assert(
    fc.property(fc.array(words, { maxLength: 14 }), (said) => {
      const { content, orders } = told([]);
      for (const each of said) {
        const [before, version, issued] = [shown(orders), orders.datum.version, content.version];
        const outcome = orders.merge(writeFrom(each), "s#1");
        const isNews = outcome.kind === "merged" && outcome.isNews;
        expect(content.version.counter - issued.counter).toBe(isNews ? 1 : 0);
        const isChanged = JSON.stringify(shown(orders)) !== JSON.stringify(before);
        expect(orders.datum.version).toEqual(isChanged ? content.version : version);
      }
    }),
  );
});

describe("one client's word on one instance", () => {
  test.each([
    {
      what: "a newer registration replaces it",
      said: [word("register", 1), word("register", 2)],
      shows: "i-1 of c1 at 1.2",
    },
    { what: "an older one does not", said: [word("register", 2), word("register", 1)], shows: "i-1 of c1 at 1.2" },
    {
      what: "a newer incarnation wins over any counter",
      said: [word("register", 9), word("register", 1, { incarnation: 2 })],
      shows: "i-1 of c1 at 2.1",
    },
    { what: "a newer removal takes it out", said: [word("register", 1), word("unregister", 2)], shows: undefined },
    {
      what: "a removal of the same version takes it out",
      said: [word("register", 1), word("unregister", 1)],
      shows: undefined,
    },
    {
      what: "a tombstone refuses the late claim it removed",
      said: [word("unregister", 1), word("register", 1)],
      shows: undefined,
    },
    { what: "an older removal is late", said: [word("register", 2), word("unregister", 1)], shows: "i-1 of c1 at 1.2" },
    {
      what: "a newer claim comes back after a removal",
      said: [word("unregister", 1), word("register", 2)],
      shows: "i-1 of c1 at 1.2",
    },
  ])("$what", ({ said, shows }) => {
    expect(shown(told(said).orders)["i-1"]).toBe(shows);
  });

  test("whoever is superseded is told by what", () => {
    const { outcomes } = told([word("unregister", 5), word("register", 5), word("register", 4), word("register", 6)]);
    expect(outcomes.map((outcome) => (outcome.kind === "superseded" ? outcome.by.counter : outcome.kind))).toEqual([
      "merged",
      5,
      5,
      "merged",
    ]);
  });
});

describe("a registration that is held back", () => {
  const heldBack = (counter: number) => ({ ...writeFrom(word("unregister", counter)), heldBack: true });

  test("is not shown, comes back at the very same version, and stays away when it is removed meanwhile", () => {
    const { orders } = told([word("register", 2)]);
    orders.merge(heldBack(2), "s#1");
    expect(shown(orders)).toEqual({});
    orders.merge(writeFrom(word("register", 2)), "s#1");
    expect(shown(orders)).toEqual({ "i-1": "i-1 of c1 at 1.2" });
    orders.merge(heldBack(2), "s#1");
    orders.merge(writeFrom(word("unregister", 2)), "s#1");
    expect(orders.merge(writeFrom(word("register", 2)), "s#1").kind).toBe("superseded");
  });

  test("takes nothing from who has said something newer, and changes nothing when it is said again", () => {
    const { orders, content } = told([word("register", 3)]);
    expect(orders.merge(heldBack(2), "s#1")).toEqual({ kind: "superseded", by: { incarnation: 1, counter: 3 } });
    orders.merge(heldBack(3), "s#1");
    const { version } = content;
    orders.merge(heldBack(3), "s#1");
    expect(content.version).toEqual(version);
    orders.merge(writeFrom(word("unregister", 4)), "s#1");
    expect(orders.merge(heldBack(4), "s#1").kind).toBe("superseded");
  });
});

test("two sessions that came to one number for two words: the second is told, to say its own again above", () => {
  const { orders } = told([word("register", 1, { client: "" })], ["s#1"]);
  const second = writeFrom(word("register", 1, { client: "" }));
  const other = { ...second, instance: new TextEncoder().encode("another") };
  expect(orders.merge(other, "s#2")).toEqual({ kind: "superseded", by: second.version });
  expect(orders.merge(second, "s#2").kind).toBe("merged");
  const above = { ...other, version: { ...other.version, counter: 2 } };
  expect(orders.merge(above, "s#2").kind).toBe("merged");
  expect(shown(orders)["i-1"]).toBe("another");
});

describe("two clients on one instance id", () => {
  const first = word("register", 1);
  const second = word("register", 2, { client: "c2" });

  test("are both registered, and the newer claim is shown", () => {
    const { orders } = told([second, first]);
    expect(shown(orders)).toEqual({ "i-1": "i-1 of c2 at 1.2" });
    expect([...orders.claims()]).toHaveLength(2);
  });

  test("when the newer one goes, the other shows again", () => {
    const { orders } = told([first, second, { ...second, kind: "unregister" }]);
    expect(shown(orders)).toEqual({ "i-1": "i-1 of c1 at 1.1" });
  });

  test("when the hidden one goes, nothing is seen of it", () => {
    const { orders } = told([first, second]);
    const before = orders.datum.version;
    orders.merge(writeFrom({ ...first, kind: "unregister" }), "s#1");
    expect(orders.datum.version).toBe(before);
  });

  test("at the same version are ranked by their client ids, the same everywhere", () => {
    const twins = [word("register", 1), word("register", 1, { client: "c2" })];
    expect(shown(told(twins).orders)).toEqual(shown(told(twins.toReversed()).orders));
  });
});

describe("who answers for a claim", () => {
  test("is the session that said it last, also with the same word", () => {
    const { orders } = told([word("register", 1), word("register", 1)], ["s#1", "t#1"]);
    expect(orders.find("i-1", "c1")?.session).toBe("t#1");
  });

  test("is not a session that is behind", () => {
    const { orders } = told([word("register", 2), word("register", 1)], ["s#1", "t#1"]);
    expect(orders.find("i-1", "c1")?.session).toBe("s#1");
  });
});

describe("a claim whose holder is gone", () => {
  test("ends as a tombstone of its own version, so that it cannot come back late, and a newer one can", () => {
    const { orders } = told([word("register", 1)]);
    orders.end(orders.find("i-1", "c1")!, false);
    expect([shown(orders), orders.datum.version, orders.isEmpty]).toEqual([{}, at(1, 2), false]);
    expect(orders.merge(writeFrom(word("register", 1)), "s#1").kind).toBe("superseded");
    expect(orders.merge(writeFrom(word("register", 2)), "s#1").kind).toBe("merged");
    expect(shown(orders)).toEqual({ "i-1": "i-1 of c1 at 1.2" });
  });

  test("comes back with its holder when its end was only presumed, by the same word", () => {
    const { orders } = told([word("register", 1)]);
    orders.end(orders.find("i-1", "c1")!, true);
    expect(shown(orders)).toEqual({});
    expect(orders.merge(writeFrom(word("register", 1)), "t#1")).toMatchObject({ kind: "merged", isNews: true });
    expect([shown(orders), orders.find("i-1", "c1")?.session]).toEqual([{ "i-1": "i-1 of c1 at 1.1" }, "t#1"]);
  });

  test("does not come back by an older word, though its end was only presumed", () => {
    const { orders } = told([word("register", 2)]);
    orders.end(orders.find("i-1", "c1")!, true);
    expect(orders.merge(writeFrom(word("register", 1)), "s#1").kind).toBe("superseded");
    expect(shown(orders)).toEqual({});
  });

  test("is gone in truth when its client says so, and then the same word does not count any more", () => {
    const { orders } = told([word("register", 1)]);
    orders.end(orders.find("i-1", "c1")!, true);
    expect(orders.merge(writeFrom(word("unregister", 1)), "s#1")).toMatchObject({ kind: "merged", isNews: true });
    expect(orders.merge(writeFrom(word("register", 1)), "s#1").kind).toBe("superseded");
  });
});

describe("letting go of a claim without a trace", () => {
  test("leaves the other claims of the instance, in whichever order it is done", () => {
    const said = ["c1", "c2", "c3"].map((client, index) => word("register", index + 1, { client }));
    for (const gone of ["c1", "c2", "c3"]) {
      const { content, orders, copy } = told(said);
      orders.discard(orders.find("i-1", gone)!, content.version);
      const left = ["c1", "c2", "c3"].filter((client) => client !== gone);
      expect(new Set([...orders.claims()].map(({ clientId }) => clientId))).toEqual(new Set(left));
      expect(Object.values(shown(orders))).toEqual([`i-1 of ${left[1]} at 1.${left[1]!.slice(1)}`]);
      expect(copy.texts()).toHaveLength(2);
      for (const client of left) orders.discard(orders.find("i-1", client)!, content.version);
      expect([orders.isEmpty, copy.texts()]).toEqual([true, []]);
    }
  });

  test("is done once: what has its name by then is another claim", () => {
    const { content, orders } = told([word("unregister", 1)]);
    const gone = orders.find("i-1", "c1")!;
    orders.discard(gone, content.version);
    orders.merge(writeFrom(word("register", 2)), "s#1");
    orders.discard(gone, content.version);
    expect(shown(orders)).toEqual({ "i-1": "i-1 of c1 at 1.2" });
  });
});

test("ranges name the claims on instances above the one id and up to the other, in the order of ids", () => {
  const ids = ["a", "ab", "b", "B", "ä", "10", "9"];
  const { orders } = told(ids.map((instanceId) => word("register", 1, { instanceId })));
  const sorted = ids.toSorted();
  const bounds = ["", ...sorted, "0", "zz"];
  const idsIn = (after: string, upTo: string) => orders.claimsIn({ after, upTo }).map(({ instanceId }) => instanceId);
  for (const after of bounds)
    for (const upTo of bounds)
      expect(idsIn(after, upTo)).toEqual(sorted.filter((id) => id > after && (upTo === "" || id <= upTo)));
  expect(orders.claimsIn(EVERYTHING)).toHaveLength(ids.length);
});

test("who decides is taken at its word, whatever was known before, and the datum's version never goes back", () => {
  const { content, orders } = told([word("register", 5)]);
  const [older] = told([word("register", 1)]).content.claimsOf(KEYS[0]!);
  orders.take(older!, at(1, 0));
  expect([shown(orders), orders.datum.version]).toEqual([{ "i-1": "i-1 of c1 at 1.1" }, content.version]);
});
