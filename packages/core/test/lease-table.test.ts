import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LeaseTable } from "../src/lease-table.ts";

type Step =
  | { readonly kind: "renew"; readonly holder: number; readonly forMs: number }
  | { readonly kind: "revoke"; readonly holder: number }
  | { readonly kind: "expire"; readonly afterMs: number };

const holders = fc.nat(5);
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("renew" as const), holder: holders, forMs: fc.nat(2_000) }),
  fc.record({ kind: fc.constant("revoke" as const), holder: holders }),
  fc.record({ kind: fc.constant("expire" as const), afterMs: fc.nat(1_000) }),
);

test("a table expires whom a plain list of times would, and nobody else", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60 }), (story) => {
      const table = new LeaseTable<number>();
      const model = new Map<number, number>();
      const expired: number[] = [];
      const expectedExpired: number[] = [];
      let now = 0;
      for (const step of story) {
        if (step.kind === "renew") {
          table.renew(step.holder, now + step.forMs);
          model.set(step.holder, now + step.forMs);
        } else if (step.kind === "revoke") {
          table.revoke(step.holder);
          model.delete(step.holder);
        } else {
          now += step.afterMs;
          const due = [...model].filter(([, expiresAt]) => expiresAt <= now).map(([holder]) => holder);
          for (const holder of due) model.delete(holder);
          expired.push(...table.expire(now));
          expectedExpired.push(...due);
        }
        expect(new Set(expired.splice(0))).toEqual(new Set(expectedExpired.splice(0)));
        expect(table.size).toBe(model.size);
        for (let holder = 0; holder <= 5; holder++) expect(table.has(holder)).toBe(model.has(holder));
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a lease that is renewed for a shorter time ends at that time", () => {
  const table = new LeaseTable<string>();
  table.renew("client", 600_000);
  table.renew("client", 1_000);
  expect(table.expire(999)).toEqual([]);
  expect(table.expire(1_000)).toEqual(["client"]);
  expect(table.expire(600_000)).toEqual([]);
});

test("a lease granted again after it was revoked counts from then", () => {
  const table = new LeaseTable<string>();
  table.renew("client", 1_000);
  table.revoke("client");
  table.renew("client", 5_000);
  expect(table.expire(4_999)).toEqual([]);
  expect(table.expire(5_000)).toEqual(["client"]);
});
