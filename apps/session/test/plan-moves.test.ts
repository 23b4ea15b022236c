import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { planMoves, type Room } from "../src/balance/plan-moves.ts";

const RULES = { tolerance: 0.1, movesMax: 1_000 };
const rooms = (...loads: readonly number[]): Room[] =>
  loads.map((clients, index) => ({ address: `s-${index + 1}`, clients }));

describe("how many are asked to move, and where to", () => {
  test.each([
    { what: "nobody, alone", own: 1_000, others: [], expected: {} },
    { what: "nobody, when all have the same", own: 100, others: [100, 100], expected: {} },
    { what: "nobody, within the tolerance", own: 109, others: [91], expected: {} },
    { what: "nobody, of a few: what others say of theirs may be old", own: 20, others: [0], expected: {} },
    { what: "half of them, when it is more than a few", own: 22, others: [0], expected: { "s-1": 11 } },
    { what: "nobody, by a session that has too few", own: 0, others: [100, 200], expected: {} },
    { what: "half the difference, to the only other one", own: 400, others: [0], expected: { "s-1": 200 } },
    { what: "to a new one", own: 100, others: [100, 0], expected: { "s-2": 33 } },
    {
      what: "to those below the mean, as much as each lacks",
      own: 300,
      others: [0, 60],
      expected: { "s-1": 120, "s-2": 60 },
    },
    {
      what: "also within the tolerance when another lacks many",
      own: 105,
      others: [105, 105, 60],
      expected: { "s-3": 11 },
    },
    { what: "an empty cluster: nobody", own: 0, others: [0, 0], expected: {} },
  ])("$what", ({ own, others, expected }) => {
    const planned = planMoves(own, rooms(...others), RULES);
    expect(Object.fromEntries(planned.map(({ address, clients }) => [address, clients]))).toEqual(expected);
  });

  test("at most so many in a round", () => {
    expect(planMoves(1_000, rooms(0), { ...RULES, movesMax: 25 })).toEqual([{ address: "s-1", clients: 25 }]);
  });
});

const clusters = fc.array(fc.nat({ max: 5_000 }), { minLength: 2, maxLength: 12 });

/** What everybody has after every session has decided by the same numbers, and all have moved. */
function afterRound(loads: readonly number[], movesMax: number): number[] {
  const after = [...loads];
  for (const [index, own] of loads.entries()) {
    const others = loads.flatMap((clients, other) => (other === index ? [] : { address: String(other), clients }));
    for (const { address, clients } of planMoves(own, others, { ...RULES, movesMax })) {
      after[index]! -= clients;
      after[Number(address)]! += clients;
    }
  }
  return after;
}

const meanOf = (loads: readonly number[]): number => loads.reduce((sum, load) => sum + load, 0) / loads.length;

describe("when all sessions decide by the same numbers", () => {
  test("nobody falls below the mean who was above it, and nobody is sent more than that", () => {
    fc.assert(
      fc.property(clusters, fc.integer({ min: 1, max: 5_000 }), (loads, movesMax) => {
        const mean = meanOf(loads);
        for (const [index, after] of afterRound(loads, movesMax).entries()) {
          // Clients are whole, and each session that sends some rounds by itself.
          const before = loads[index]!;
          expect(after).toBeGreaterThanOrEqual(Math.min(before, Math.floor(mean)));
          expect(after).toBeLessThanOrEqual(Math.max(before, Math.ceil(mean) + loads.length / 2));
        }
      }),
    );
  });

  test("connections come to be even, and then nobody is asked any more", () => {
    fc.assert(
      fc.property(clusters, (start) => {
        let loads: number[] = start;
        for (let round = 0; round < 30; round++) loads = afterRound(loads, Math.max(10, meanOf(loads) / 4));
        const mean = meanOf(loads);
        // However few there are, ten more or less are as good as even.
        const allowed = Math.max(0.1 * mean, 10) + loads.length / 2;
        for (const load of loads) expect(Math.abs(load - mean)).toBeLessThanOrEqual(allowed);
        expect(afterRound(loads, 1_000)).toEqual(loads);
      }),
    );
  });
});
