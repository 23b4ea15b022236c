import {
  compareRegistrationVersions,
  epoch,
  serviceKey,
  slotOfServiceKey,
  textFromServiceKey,
  type Version,
  type Write,
} from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RegisteredService } from "../src/datums/registered-service.ts";

const KEY = serviceKey({ service: "orders" });
const utf8 = new TextEncoder();
const text = new TextDecoder();

const at = (counter: number): Version => ({ epoch: epoch(1), counter });

function service(): RegisteredService {
  return new RegisteredService(KEY, textFromServiceKey(KEY), slotOfServiceKey(KEY), at(0));
}

interface Word {
  readonly kind: "register" | "unregister";
  readonly client: string;
  readonly instanceId: string;
  readonly incarnation: number;
  readonly counter: number;
}

/** What a client registers at a version is always the same, so a duplicate is a duplicate. */
function writeFrom({ kind, client, instanceId, incarnation, counter }: Word): Write {
  const content = `${instanceId} of ${client} at ${incarnation}.${counter}`;
  return {
    sequence: 1,
    kind,
    leaderEpoch: epoch(1),
    key: KEY,
    instanceId,
    clientId: client,
    version: { incarnation, counter },
    instance: kind === "register" ? utf8.encode(content) : new Uint8Array(0),
    leaseMs: 0,
  };
}

const word = (kind: Word["kind"], counter: number, change: Partial<Word> = {}): Word => ({
  kind,
  client: "c1",
  instanceId: "i-1",
  incarnation: 1,
  counter,
  ...change,
});

function told(words: readonly Word[], sessions: readonly string[] = []) {
  const orders = service();
  const outcomes = words.map((said, index) => orders.merge(writeFrom(said), sessions[index] ?? "s#1", at(index + 1)));
  return { orders, outcomes };
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

const words: fc.Arbitrary<Word> = fc.record({
  kind: fc.constantFrom("register" as const, "register" as const, "unregister" as const),
  client: fc.constantFrom("c1", "c2", "c3"),
  instanceId: fc.constantFrom("i-1", "i-2"),
  incarnation: fc.integer({ min: 1, max: 2 }),
  counter: fc.integer({ min: 1, max: 4 }),
});

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
      const { orders } = told(said);
      const before = orders.datum.version;
      for (const again of said) orders.merge(writeFrom(again), "s#1", at(1_000));
      expect(orders.datum.version).toBe(before);
    }),
  );
});

test("the version of the datum only grows, and grows exactly when what is shown changes", () => {
  fc.assert(
    fc.property(fc.array(words, { maxLength: 14 }), (said) => {
      const orders = service();
      for (const [index, each] of said.entries()) {
        const [before, version] = [shown(orders), orders.datum.version];
        orders.merge(writeFrom(each), "s#1", at(index + 1));
        const changed = JSON.stringify(shown(orders)) !== JSON.stringify(before);
        expect(orders.datum.version).toEqual(changed ? at(index + 1) : version);
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
    orders.merge(writeFrom({ ...first, kind: "unregister" }), "s#1", at(9));
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
    orders.end(orders.find("i-1", "c1")!, at(5), false);
    expect([shown(orders), orders.datum.version, orders.isEmpty]).toEqual([{}, at(5), false]);
    expect(orders.merge(writeFrom(word("register", 1)), "s#1", at(6)).kind).toBe("superseded");
    expect(orders.merge(writeFrom(word("register", 2)), "s#1", at(7)).kind).toBe("merged");
    expect(shown(orders)).toEqual({ "i-1": "i-1 of c1 at 1.2" });
  });

  test("is forgotten alone: the other claims of the instance stay", () => {
    const { orders } = told([word("register", 1), word("unregister", 2, { client: "c2" })]);
    orders.forget(orders.find("i-1", "c2")!);
    expect([...orders.claims()].map(({ clientId }) => clientId)).toEqual(["c1"]);
    orders.forget(orders.find("i-1", "c1")!);
    expect(orders.isEmpty).toBe(true);
  });
});

test("a claim whose end was only presumed comes back with its holder, one that was ended does not", () => {
  for (const presumed of [true, false]) {
    const orders = service();
    const write = writeFrom(word("register", 1));
    orders.merge(write, "s#1", at(1));
    orders.end(orders.find("i-1", "c1")!, at(2), presumed);
    expect(orders.datum.size).toBe(0);
    orders.merge(write, "s#1", at(3));
    expect(orders.datum.size).toBe(presumed ? 1 : 0);
  }
});
