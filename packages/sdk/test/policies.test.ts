import { canTakeWork, instanceFromInput, type Instance, type InstanceInput } from "@rollcall/core";
import { SeededRandom } from "@rollcall/testing";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { leastPending } from "../src/balance/least-pending.ts";
import type { Policy } from "../src/balance/policy.ts";
import { roundRobin } from "../src/balance/round-robin.ts";
import { weightedRandom } from "../src/balance/weighted-random.ts";
import { zoneFirst } from "../src/balance/zone-first.ts";

function instance(id: string, weight = 1, rest: Partial<InstanceInput> = {}): Instance {
  return instanceFromInput({ address: "10.0.0.1:80", ...rest, id, weight }, () => id);
}

/** Ids in the order in which they are chosen. */
function choices(policy: Policy, instances: readonly Instance[], count: number, pending: Record<string, number> = {}) {
  const random = new SeededRandom(1);
  const pendingOf = ({ id }: Instance): number => pending[id] ?? 0;
  return Array.from({ length: count }, () => policy(instances, { random, pendingOf }).id);
}

function counted(ids: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

test.each<[string, Partial<Instance>, boolean]>([
  ["healthy", {}, true],
  ["disabled", { enabled: false }, false],
  ["unhealthy", { health: "unhealthy" }, false],
  ["of weight 0", { weight: 0 }, false],
])("who is %s may be called: %s", (_, change, expected) => {
  expect(canTakeWork({ ...instance("a"), ...change })).toBe(expected);
});

describe("by lot", () => {
  test("each has a chance in proportion to its weight", () => {
    const counts = counted(choices(weightedRandom, [instance("a", 100), instance("b", 300)], 4_000));
    expect(counts["b"]! / counts["a"]!).toBeGreaterThan(2.7);
    expect(counts["b"]! / counts["a"]!).toBeLessThan(3.3);
  });

  test("the ends of the range are somebody's", () => {
    const instances = [instance("a"), instance("b"), instance("c")];
    const at = (next: number) => weightedRandom(instances, { random: { next: () => next }, pendingOf: () => 0 }).id;
    expect([at(0), at(0.34), at(1 - Number.EPSILON / 2)]).toEqual(["a", "b", "c"]);
  });
});

describe("in turn", () => {
  test("the turns of one are spread among those of the others", () => {
    const instances = [instance("a", 3), instance("b"), instance("c")];
    expect(choices(roundRobin(), instances, 10).join("")).toBe("abacaabaca");
  });

  test("over as many choices as there is weight, each is chosen as often as its own weight says", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 }), (weights) => {
        const instances = weights.map((weight, index) => instance(`i${index}`, weight));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const counts = counted(choices(roundRobin(), instances, total));
        expect(instances.map(({ id }) => counts[id])).toEqual(weights);
      }),
    );
  });

  test("one that comes does not get the turns it has missed", () => {
    const policy = roundRobin();
    const [a, b, c] = [instance("a"), instance("b"), instance("c")];
    choices(policy, [a, b], 100);
    expect(counted(choices(policy, [a, b, c], 9))).toEqual({ a: 3, b: 3, c: 3 });
  });
});

describe("the least pending", () => {
  test("is chosen, measured by its weight", () => {
    const instances = [instance("a", 1), instance("b", 1), instance("c", 4)];
    expect(choices(leastPending, instances, 1, { a: 1, b: 0, c: 4 })).toEqual(["b"]);
    expect(choices(leastPending, instances, 1, { a: 1, b: 1, c: 4 })).toEqual(["c"]);
  });

  test("is drawn by lot among equals", () => {
    expect(counted(choices(leastPending, [instance("a"), instance("b")], 100))).toEqual({
      a: expect.any(Number) as number,
      b: expect.any(Number) as number,
    });
  });
});

describe("the own zone first", () => {
  const near = instance("near", 1, { zone: "a" });
  const far = instance("far", 1, { zone: "b" });

  test("nobody else is chosen while anybody is there", () => {
    expect(counted(choices(zoneFirst("a", roundRobin()), [near, far], 10))).toEqual({ near: 10 });
  });

  test("otherwise everybody is", () => {
    expect(counted(choices(zoneFirst("c", roundRobin()), [near, far], 10))).toEqual({ near: 5, far: 5 });
  });
});
