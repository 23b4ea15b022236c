import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RegistrationTable, type RegistrationNames } from "../src/registration-table.ts";
import { KnownServiceKey, serviceKey } from "../src/service-key.ts";

const ORDERS = serviceKey({ service: "orders" });
const keys = [ORDERS, serviceKey({ service: "payments" }), new KnownServiceKey(ORDERS)];

const names: fc.Arbitrary<RegistrationNames> = fc.record({
  key: fc.constantFrom(...keys),
  instanceId: fc.nat(40).map((n) => `i-${n}`),
  clientId: fc.constantFrom("", "c"),
});
const steps = fc.array(fc.record({ kind: fc.constantFrom("set", "set", "delete"), names }), { maxLength: 300 });

const textOf = ({ key, instanceId, clientId }: RegistrationNames) => `${key.service} ${instanceId} ${clientId}`;

test("a table finds what a map of texts would, and nothing else", () => {
  fc.assert(
    fc.property(steps, (story) => {
      const table = new RegistrationTable<RegistrationNames>();
      const model = new Map<string, RegistrationNames>();
      for (const step of story) {
        const text = textOf(step.names);
        if (step.kind === "set") table.set(step.names);
        const isDeleted = step.kind === "delete" && table.delete(step.names);
        expect(isDeleted).toBe(step.kind === "delete" && model.delete(text));
        if (step.kind === "set") model.set(text, step.names);
        expect(table.size).toBe(model.size);
        expect(table.find(step.names)).toBe(model.get(text));
      }
      for (const entry of model.values()) expect(table.find({ ...entry })).toBe(entry);
    }),
  );
});

test("what grows to thousands and is taken out again leaves an empty table", () => {
  const table = new RegistrationTable<RegistrationNames>();
  const entries = Array.from({ length: 5_000 }, (_, n) => ({ key: ORDERS, instanceId: `i-${n}`, clientId: "c" }));
  for (const entry of entries) table.set(entry);
  expect(entries.filter((entry) => table.find(entry) !== entry)).toEqual([]);
  for (const entry of entries) table.delete(entry);
  expect(table.size).toBe(0);
  expect(entries.filter((entry) => table.find(entry) !== undefined)).toEqual([]);
});
