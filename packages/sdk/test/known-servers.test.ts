import { SeededRandom, SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";

import { KnownServers } from "../src/known-servers.ts";

function known(seeds: readonly string[], seed = 1) {
  const clock = new SimClock();
  return { clock, servers: new KnownServers(seeds, { clock, random: new SeededRandom(seed) }) };
}

/** How often each is next in 1,000 draws. */
function draws(servers: KnownServers): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let draw = 0; draw < 1_000; draw++) {
    const server = servers.next();
    counts[server] = (counts[server] ?? 0) + 1;
  }
  return counts;
}

describe("the choice", () => {
  test("without any loads falls on all alike", () => {
    const counts = draws(known(["a", "b", "c", "d"]).servers);
    expect(Object.keys(counts).toSorted()).toEqual(["a", "b", "c", "d"]);
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(200);
  });

  test("falls on the one with fewer clients of two drawn at random: never on the fullest, and not always on one", () => {
    const { servers } = known(["a"]);
    servers.learn([
      { address: "a", clients: 400 },
      { address: "b", clients: 300 },
      { address: "c", clients: 200 },
      { address: "d", clients: 100 },
    ]);
    const counts = draws(servers);
    expect(counts["a"]).toBeUndefined();
    // The emptiest is in half of all pairs.
    expect(counts["d"]).toBeGreaterThan(440);
    expect(counts["d"]).toBeLessThan(560);
    expect(counts["b"]).toBeGreaterThan(100);
  });

  test("takes a load that nobody knows for equal to any", () => {
    const { servers } = known(["a"]);
    servers.learn([
      { address: "a", clients: 0 },
      { address: "b", clients: undefined },
    ]);
    expect(draws(servers)["b"]).toBeGreaterThan(400);
  });

  test("keeps connections even although the loads are those of the beginning", () => {
    const { servers } = known(["a"]);
    const addresses = ["a", "b", "c", "d", "e", "f", "g", "h"];
    servers.learn(addresses.map((address) => ({ address, clients: 100 })));
    for (const count of Object.values(draws(servers))) expect(Math.abs(count - 125)).toBeLessThan(50);
  });
});

describe("a server that failed", () => {
  test("is not next again before all others have failed, or half a minute is over", async () => {
    const { servers, clock } = known(["a", "b", "c"]);
    servers.failed("a");
    expect(draws(servers)["a"]).toBeUndefined();
    servers.failed("b");
    expect(draws(servers)).toEqual({ c: 1_000 });
    await clock.runFor(30_000);
    expect(Object.keys(draws(servers))).toHaveLength(3);
  });

  test("is next again when nothing else is left", () => {
    const { servers } = known(["a", "b"]);
    servers.failed("a");
    servers.failed("b");
    expect(servers.hasUntried).toBe(false);
    expect(Object.keys(draws(servers))).toHaveLength(2);
  });

  test("and is told of again after it was gone is as good as any", () => {
    const { servers } = known(["a"]);
    const [a, b] = [
      { address: "a", clients: 0 },
      { address: "b", clients: 0 },
    ];
    servers.learn([a, b]);
    servers.lost("b");
    servers.learn([a]);
    servers.learn([a, b]);
    expect(draws(servers)["b"]).toBeGreaterThan(400);
  });
});

describe("learned servers", () => {
  test("take the place of the seeds, which are there when they are of no use", () => {
    const { servers } = known(["seed"]);
    servers.learn([
      { address: "10.0.0.1:9600", clients: 1 },
      { address: "10.0.0.2:9600", clients: 2 },
    ]);
    const unreachable = servers.next();
    expect(unreachable).not.toBe("seed");
    servers.failed(unreachable);
    expect(servers.next()).toBe("seed");
    expect(servers.count).toBe(3);
  });

  test("that are told of with nobody among them say nothing", () => {
    const { servers } = known(["a"]);
    servers.learn([{ address: "b", clients: 0 }]);
    servers.learn([]);
    expect(servers.next()).toBe("b");
  });
});

describe("where to move to", () => {
  const told = ["a", "b", "c"].map((address) => ({ address, clients: 1 }));

  test.each([
    { what: "one of those that are named", wanted: ["b"], failed: [], expected: ["b"] },
    { what: "any other when none is named", wanted: [], failed: [], expected: ["b", "c"] },
    { what: "not where a dial has failed", wanted: [], failed: ["b"], expected: ["c"] },
    { what: "nowhere unknown", wanted: ["x"], failed: [], expected: [] },
    { what: "not where the client is", wanted: ["a"], failed: [], expected: [] },
  ])("$what", ({ wanted, failed, expected }) => {
    const { servers } = known(["a"]);
    servers.learn(told);
    for (const server of failed) servers.failed(server);
    const chosen = Array.from({ length: 50 }, () => servers.elsewhere("a", wanted));
    expect([...new Set(chosen.filter((server) => server !== undefined))].toSorted()).toEqual(expected);
  });

  test("a seed, by a client that has not learned of any", () => {
    const { servers } = known(["a", "b"]);
    expect(servers.elsewhere("a", [])).toBe("b");
    expect(known(["a"]).servers.elsewhere("a", ["b"])).toBeUndefined();
  });
});
