import { LIMITS, checkInstance, instanceFromInput, type Instance } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesFromInstance, instanceFromBytes, instanceIdFromBytes, isPlainInstance } from "../src/index.ts";
import { instances } from "./arbitraries.ts";

/** What is taken at once has to be what is taken after a look at everything. */
function expectTaken(bytes: Uint8Array): void {
  const instance = checkInstance(instanceFromBytes(bytes));
  expect(instance.health).toBe("healthy");
  expect(instanceIdFromBytes(bytes)).toBe(instance.id);
}

const word = (others: string, lengthMax: number) =>
  fc.string({ unit: fc.constantFrom(...`abcXYZ019${others}`.split("")), minLength: 1, maxLength: lengthMax });

/** Mostly valid, and where not, just so. */
const nearlyValid = fc.record({
  id: word("._:@~-", LIMITS.instanceIdLength + 1),
  address: fc
    .tuple(word(".-", 12), fc.constantFrom("", ":", ":0", ":1", ":080", ":65535", ":65536", ":8o"))
    .map((parts) => parts.join("")),
  protocol: fc.oneof(fc.constantFrom("grpc", "h2c", "HTTP", "-x"), word(".+-", LIMITS.protocolLength + 1)),
  weight: fc.constantFrom(0, 1, 100, LIMITS.weight, LIMITS.weight + 1),
  zone: fc.oneof(fc.constant(""), word("._-", LIMITS.zoneLength + 1)),
  metadata: fc.dictionary(
    word("._/-", LIMITS.metadataKeyLength + 1),
    fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("ü", "x".repeat(LIMITS.metadataValueLength + 1))),
    { maxKeys: 4 },
  ),
  payload: fc.uint8Array({ maxLength: 20 }),
  enabled: fc.boolean(),
  health: fc.constantFrom("healthy" as const, "unhealthy" as const),
});

describe("an instance that is called plain", () => {
  test.each([
    ["any that there may be", instances],
    ["one that is nearly valid", nearlyValid],
  ] as const)("keeps all rules: %s", (_what, values: fc.Arbitrary<Instance>) => {
    fc.assert(
      fc.property(values, (instance) => {
        const bytes = bytesFromInstance(instance);
        if (isPlainInstance(bytes)) expectTaken(bytes);
      }),
      { numRuns: 1_000 },
    );
  });

  test("keeps all rules when its bytes were overwritten, or some are left out", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(nearlyValid, changes, fc.nat(), fc.nat(40), (instance, overwritten, from, count) => {
        const bytes = bytesFromInstance(instance);
        for (const [at, byte] of overwritten) bytes[at % bytes.length] = byte;
        if (isPlainInstance(bytes)) expectTaken(bytes);
        const start = from % bytes.length;
        const cut = new Uint8Array([...bytes.subarray(0, start), ...bytes.subarray(start + count)]);
        if (isPlainInstance(cut)) expectTaken(cut);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is what an ordinary provider registers", () => {
    const metadata = { version: "1.2.3", "build/commit": "0a1b2c", team: "orders", empty: "" };
    const input = { id: "i-1", address: "10.0.0.1:8080", protocol: "grpc", zone: "eu-1", weight: 50, metadata };
    expect(isPlainInstance(bytesFromInstance(instanceFromInput(input, () => "")))).toBe(true);
    expect(isPlainInstance(bytesFromInstance(instanceFromInput({ address: "orders.local:80" }, () => "a")))).toBe(true);
  });

  test.each([
    [
      "metadata beyond the limit of entries",
      {
        metadata: Object.fromEntries(
          Array.from({ length: LIMITS.metadataEntries + 1 }, (_, index) => [`k${index}`, ""]),
        ),
      },
    ],
    [
      "metadata beyond the limit of bytes",
      {
        metadata: Object.fromEntries(
          Array.from({ length: 9 }, (_, index) => [`k${index}`, "x".repeat(LIMITS.metadataValueLength)]),
        ),
      },
    ],
    ["a payload beyond the limit", { payload: new Uint8Array(LIMITS.payloadBytes + 1) }],
    ["a probe", { probe: { kind: "tcp", intervalMs: 5_000, timeoutMs: 1_000, failures: 3, window: 5 } }],
  ] as const)("is not one with %s", (_what, change: Partial<Instance>) => {
    const valid = instanceFromInput({ id: "i-1", address: "10.0.0.1:8080" }, () => "");
    expect(isPlainInstance(bytesFromInstance({ ...valid, ...change }))).toBe(false);
  });
});
