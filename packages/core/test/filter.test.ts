import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkFilter,
  filterFromInput,
  isPreferred,
  matches,
  NO_FILTER,
  takesAllHealthy,
  takesEverything,
  textFromFilter,
  type Filter,
  type FilterInput,
} from "../src/filter.ts";
import { instanceFromInput, type Instance } from "../src/instance.ts";
import { LIMITS } from "../src/limits.ts";
import { expectRefusal } from "./refusal.ts";

// Few words, so that filters and instances often meet.
const keys = fc.constantFrom("zone", "version", "constructor", "a/b");
const values = fc.constantFrom("", "1", "2", '"', "é");
const wanted = fc.oneof(fc.constant(true as const), values, fc.array(values, { minLength: 1, maxLength: 3 }));
const inputs: fc.Arbitrary<FilterInput> = fc.record({
  protocol: fc.constantFrom("", "grpc", "http"),
  metadata: fc.dictionary(keys, wanted, { maxKeys: 4, noNullPrototype: true }),
  zone: fc.constantFrom(undefined, "", "a", "b", { only: "a" }, { only: "b" }),
  includeUnhealthy: fc.constantFrom(undefined, false, true),
});
const instances = fc
  .record({
    protocol: fc.constantFrom("grpc", "http"),
    zone: fc.constantFrom("", "a", "b"),
    metadata: fc.dictionary(keys, values, { maxKeys: 4, noNullPrototype: true }),
    health: fc.constantFrom("healthy" as const, "unhealthy" as const),
  })
  .map(({ health, ...fields }): Instance => {
    return { ...instanceFromInput({ id: "i-1", address: "host:80", ...fields }, () => ""), health };
  });

/** Says the same as `matches`, as a subscriber would explain it. */
function explains(
  input: FilterInput,
  instance: { protocol: string; zone: string; health: string; metadata: Readonly<Record<string, string>> },
): boolean {
  if (instance.health === "unhealthy" && input.includeUnhealthy !== true) return false;
  if (input.protocol && input.protocol !== instance.protocol) return false;
  if (typeof input.zone === "object" && input.zone.only !== instance.zone) return false;
  const has = new Map(Object.entries(instance.metadata));
  for (const [key, value] of Object.entries(input.metadata ?? {})) {
    if (!has.has(key)) return false;
    if (value !== true && ![value].flat().includes(has.get(key)!)) return false;
  }
  return true;
}

/** The same wishes in another order, with repeated values. */
function rewritten(filter: Filter): Filter {
  const metadata = filter.metadata.toReversed().map(({ key, values }) => ({
    key,
    values: [...values.toReversed(), ...values],
  }));
  return { ...filter, metadata };
}

test("a filter takes exactly the instances that its input describes", () => {
  fc.assert(
    fc.property(inputs, instances, (input, instance) => {
      expect(matches(filterFromInput(input), instance)).toBe(explains(input, instance));
    }),
    { numRuns: 2_000 },
  );
});

test("the empty filter takes everything that is healthy and has the empty text", () => {
  fc.assert(fc.property(instances, (instance) => matches(NO_FILTER, instance) === (instance.health === "healthy")));
  expect(filterFromInput({})).toEqual(NO_FILTER);
  expect(textFromFilter(NO_FILTER)).toBe("");
});

test("one that asks for nothing but the unhealthy ones takes everything there is", () => {
  const all = filterFromInput({ includeUnhealthy: true });
  fc.assert(fc.property(instances, (instance) => matches(all, instance)));
  expect(takesEverything(all)).toBe(true);
  expect(takesEverything(NO_FILTER)).toBe(false);
});

test("equal filters have the same text, however they were written", () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const filter = filterFromInput(input);
      expect(checkFilter(rewritten(filter))).toEqual(filter);
      expect(textFromFilter(checkFilter(rewritten(filter)))).toBe(textFromFilter(filter));
    }),
  );
});

test("different filters have different texts, and only the one that asks for nothing has an empty one", () => {
  fc.assert(
    fc.property(inputs, inputs, (a, b) => {
      const [first, second] = [filterFromInput(a), filterFromInput(b)];
      const equal = JSON.stringify(first) === JSON.stringify(second);
      expect(textFromFilter(first) === textFromFilter(second)).toBe(equal);
      expect(textFromFilter(first) === "").toBe(takesAllHealthy(first));
    }),
    { numRuns: 1_000 },
  );
});

describe("each limit, at its edge", () => {
  const requirements = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, true as const]));
  const listed = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);

  test("keys", () => {
    expect(filterFromInput({ metadata: requirements(LIMITS.filterRequirements) }).metadata).toHaveLength(16);
    const tooMany = () => filterFromInput({ metadata: requirements(LIMITS.filterRequirements + 1) });
    expect(expectRefusal(tooMany, "limit_exceeded", "filter.metadata").subject).toMatchObject({
      limit: "16 keys",
      value: "17",
    });
  });

  test("values of a key", () => {
    expect(filterFromInput({ metadata: { k: listed(LIMITS.filterValues) } }).metadata[0]!.values).toHaveLength(32);
    expectRefusal(
      () => filterFromInput({ metadata: { k: listed(LIMITS.filterValues + 1) } }),
      "limit_exceeded",
      'filter.metadata["k"]',
    );
  });

  test("length of the protocol, of a key and of a value", () => {
    const filter = (protocolLength: number, keyLength: number, valueLength: number) => () =>
      filterFromInput({
        protocol: "p".repeat(protocolLength),
        metadata: { ["k".repeat(keyLength)]: "v".repeat(valueLength) },
      });
    const { protocolLength, metadataKeyLength, metadataValueLength } = LIMITS;
    expect(filter(protocolLength, metadataKeyLength, metadataValueLength)).not.toThrow();
    expectRefusal(filter(protocolLength + 1, 1, 1), "invalid_field", "filter.protocol");
    expectRefusal(filter(1, metadataKeyLength + 1, 1), "invalid_field", "filter.metadata key");
    expectRefusal(filter(1, 1, metadataValueLength + 1), "invalid_field", 'filter.metadata["k"]');
  });
});

describe("a preferred zone", () => {
  const local = (change: Partial<Instance> = {}) => ({
    ...instanceFromInput({ id: "i-1", address: "host:80", zone: "a", protocol: "http" }, () => ""),
    ...change,
  });
  const preferred = filterFromInput({ zone: "a", protocol: "http" });

  test("takes every zone by itself, for it depends on the others which are shown", () => {
    for (const zone of ["", "a", "b"]) expect(matches(preferred, local({ zone }))).toBe(true);
  });

  test("is served by those that are in it, can take work, and are taken by the rest of the filter", () => {
    expect(isPreferred(preferred, local())).toBe(true);
    const others = [{ zone: "b" }, { enabled: false }, { health: "unhealthy" }, { weight: 0 }, { protocol: "grpc" }];
    for (const change of others as Partial<Instance>[]) expect(isPreferred(preferred, local(change))).toBe(false);
    expect(isPreferred(NO_FILTER, local({ zone: "" }))).toBe(false);
    expect(isPreferred(filterFromInput({ zone: { only: "a" } }), local())).toBe(false);
  });

  test.each([7, { only: "" }, {}, { only: "-" }, "x".repeat(LIMITS.zoneLength + 1)])("cannot be %j", (zone) => {
    expectRefusal(() => filterFromInput({ zone: zone as string }), "invalid_field", "filter.zone");
  });
});

test("what is no wish is refused by name", () => {
  for (const wish of [[], false, 7, null]) {
    expectRefusal(
      () => filterFromInput({ metadata: { k: wish as unknown as string } }),
      "invalid_field",
      'filter.metadata["k"]',
    );
  }
  expectRefusal(
    () => filterFromInput({ metadata: { k: [7 as unknown as string] } }),
    "invalid_field",
    'filter.metadata["k"]',
  );
  expectRefusal(() => filterFromInput({ metadata: { "-": "v" } }), "invalid_field", "filter.metadata key");
  const twice = { key: "k", values: [] };
  expectRefusal(() => checkFilter({ ...NO_FILTER, metadata: [twice, twice] }), "invalid_field", "filter.metadata");
});
