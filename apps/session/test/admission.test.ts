import {
  LIMITS,
  NO_FILTER,
  RegistryError,
  instanceFromInput,
  type ClientMessage,
  type ErrorValue,
  type Filter,
  type Instance,
  type RegisterItem,
  type ServiceKey,
} from "@rollcall/core";
import { bytesFromInstance, instanceFromBytes } from "@rollcall/protocol";
import { describe, expect, test } from "vitest";
import { admit, admitHello } from "../src/rpc/admission.ts";
import { ORDERS, version } from "./fixture.ts";

const nothing: ClientMessage = {
  hello: undefined,
  registers: [],
  unregisters: [],
  subscribes: [],
  unsubscribes: [],
  receipts: [],
  barriers: [],
  servicesSubscribes: [],
  servicesUnsubscribes: [],
  servicesReceipts: [],
};
const at = { incarnation: 1, counter: 1 };
const valid = instanceFromInput({ id: "i-1", address: "10.0.0.1:80" }, () => "");

function register(sequence: number, change: Partial<Instance> = {}, key: ServiceKey = ORDERS): RegisterItem {
  const instance = { ...valid, ...change };
  return { sequence, key, version: at, instanceId: instance.id, instance: bytesFromInstance(instance) };
}

const metadata = (entries: number, value = "") =>
  Object.fromEntries(Array.from({ length: entries }, (_, index) => [`k${String(index).padStart(3, "0")}`, value]));

interface Edge {
  readonly field: string;
  readonly limit: number;
  readonly unit?: string;
  readonly make: (size: number) => ClientMessage;
  readonly reason?: string;
}

const ofInstance = (make: (size: number) => Partial<Instance>) => (size: number) => ({
  ...nothing,
  registers: [register(1, make(size))],
});
const ofKey = (make: (size: number) => Partial<ServiceKey>) => (size: number) => ({
  ...nothing,
  registers: [register(1, {}, { ...ORDERS, ...make(size) })],
});
const ofFilter = (make: (size: number) => Filter) => (size: number) => ({
  ...nothing,
  subscribes: [{ key: ORDERS, filter: make(size), held: undefined }],
});
const required = (count: number, values: string[] = []) =>
  Array.from({ length: count }, (_, index) => ({ key: `k${String(index).padStart(3, "0")}`, values }));

const edges: readonly Edge[] = [
  { field: "namespace", limit: LIMITS.namespaceLength, make: ofKey((size) => ({ namespace: "n".repeat(size) })) },
  { field: "group", limit: LIMITS.namespaceLength, make: ofKey((size) => ({ group: "g".repeat(size) })) },
  { field: "service", limit: LIMITS.serviceLength, make: ofKey((size) => ({ service: "s".repeat(size) })) },
  { field: "instance.id", limit: LIMITS.instanceIdLength, make: ofInstance((size) => ({ id: "i".repeat(size) })) },
  {
    field: "instance.address",
    limit: LIMITS.hostLength,
    make: ofInstance((size) => ({ address: `${"h".repeat(size)}:1` })),
  },
  {
    field: "instance.protocol",
    limit: LIMITS.protocolLength,
    make: ofInstance((size) => ({ protocol: "p".repeat(size) })),
  },
  { field: "instance.zone", limit: LIMITS.zoneLength, make: ofInstance((size) => ({ zone: "z".repeat(size) })) },
  { field: "instance.weight", limit: LIMITS.weight, make: ofInstance((size) => ({ weight: size })) },
  {
    field: "instance.metadata",
    limit: LIMITS.metadataEntries,
    make: ofInstance((size) => ({ metadata: metadata(size) })),
    reason: "limit_exceeded",
  },
  {
    field: "instance.metadata key",
    limit: LIMITS.metadataKeyLength,
    make: ofInstance((size) => ({ metadata: { ["k".repeat(size)]: "" } })),
  },
  {
    field: 'instance.metadata["k"]',
    limit: LIMITS.metadataValueLength,
    make: ofInstance((size) => ({ metadata: { k: "v".repeat(size) } })),
  },
  {
    field: "instance.metadata",
    limit: LIMITS.metadataBytes,
    // Eight full values with their keys of four, and one more that has the rest.
    make: ofInstance((size) => ({
      metadata: { ...metadata(7, "v".repeat(1_020)), rest: "v".repeat(size - 7 * 1_024 - 4) },
    })),
    reason: "limit_exceeded",
  },
  {
    field: "instance.payload",
    limit: LIMITS.payloadBytes,
    make: ofInstance((size) => ({ payload: new Uint8Array(size) })),
    reason: "limit_exceeded",
  },
  {
    field: "instance",
    limit: LIMITS.instanceBytes,
    // Of a field that only a newer version knows: field 15, of the given length.
    make: (size) => {
      const { instance, ...rest } = register(1);
      const padding = size - instance.length - 4;
      const field = Uint8Array.of(
        (15 << 3) | 2,
        (padding & 0x7f) | 0x80,
        ((padding >> 7) & 0x7f) | 0x80,
        padding >> 14,
      );
      const padded = new Uint8Array(size);
      padded.set(instance);
      padded.set(field, instance.length);
      return { ...nothing, registers: [{ ...rest, instance: padded }] };
    },
    reason: "limit_exceeded",
  },
  {
    field: "filter.protocol",
    limit: LIMITS.protocolLength,
    make: ofFilter((size) => ({ ...NO_FILTER, protocol: "p".repeat(size) })),
  },
  {
    field: "filter.zone",
    limit: LIMITS.zoneLength,
    make: ofFilter((size) => ({ ...NO_FILTER, zone: "z".repeat(size) })),
  },
  {
    field: "filter.metadata",
    limit: LIMITS.filterRequirements,
    make: ofFilter((size) => ({ ...NO_FILTER, metadata: required(size) })),
    reason: "limit_exceeded",
  },
  {
    field: 'filter.metadata["k000"]',
    limit: LIMITS.filterValues,
    make: ofFilter((size) => ({
      ...NO_FILTER,
      metadata: required(
        1,
        Array.from({ length: size }, (_, index) => `${index}`),
      ),
    })),
    reason: "limit_exceeded",
  },
  {
    field: 'filter.metadata["k000"]',
    limit: LIMITS.metadataValueLength,
    make: ofFilter((size) => ({ ...NO_FILTER, metadata: required(1, ["v".repeat(size)]) })),
  },
];

const errorsIn = ({ results, refusals }: ReturnType<typeof admit>): ErrorValue[] => [
  ...results.flatMap(({ outcome }) => (outcome.kind === "refused" ? [outcome.error] : [])),
  ...refusals.map(({ error }) => error),
];

test("a message of more items than any client needs is refused as a whole", () => {
  const receipt = {
    key: ORDERS,
    filter: NO_FILTER,
    held: { version: version(1), digest: { high: 0, low: 0 } },
    resync: false,
  };
  const receipts = Array.from({ length: LIMITS.clientMessageItems }, () => receipt);
  expect(admit({ ...nothing, receipts }).admitted.receipts.length).toBe(LIMITS.clientMessageItems);
  expect(() => admit({ ...nothing, registers: [register(1)], receipts })).toThrow(
    `message may be at most ${LIMITS.clientMessageItems} items, got ${LIMITS.clientMessageItems + 1}`,
  );
});

describe("at the edge of each limit", () => {
  test.each(edges)("$field: $limit is allowed, one more is refused by name", ({ field, limit, make, reason }) => {
    expect(errorsIn(admit(make(limit)))).toEqual([]);
    const [error, ...more] = errorsIn(admit(make(limit + 1)));
    expect(more).toEqual([]);
    expect(error).toMatchObject({ reason: reason ?? "invalid_field", subject: { field } });
    expect(error!.subject!.limit).toContain(String(limit));
    expect(error!.subject!.value).not.toBe("");
  });

  test.each([
    {
      field: "hello.client_id",
      limit: LIMITS.clientIdLength,
      make: (size: number) => ({ clientId: "c".repeat(size) }),
    },
    { field: "hello.agent", limit: 128, make: (size: number) => ({ agent: "a".repeat(size) }) },
  ])("$field: $limit is allowed, one more ends the connection", ({ field, limit, make }) => {
    const hello = { clientId: "client-1", incarnation: 1, agent: "", moves: false };
    expect(admitHello({ ...hello, ...make(limit) })).toMatchObject(make(limit));
    expect(() => admitHello({ ...hello, ...make(limit + 1) })).toThrow(
      expect.objectContaining({ reason: "invalid_field", subject: expect.objectContaining({ field }) as unknown }),
    );
  });
});

test.each(["", "-", "a b", "a/b", "ä"])("a client cannot be called %j", (clientId) => {
  expect(() => admitHello({ clientId, incarnation: 1, agent: "", moves: false })).toThrow(RegistryError);
});

test("a first message without a hello is none", () => {
  expect(() => admitHello(undefined)).toThrow(expect.objectContaining({ reason: "protocol_violation" }));
});

describe("a bad item", () => {
  const bad: ServiceKey = { ...ORDERS, service: "not a name" };
  const receipt = { filter: NO_FILTER, held: { version: version(1), digest: { high: 0, low: 0 } }, resync: false };

  test("is refused by its number, and its neighbours are admitted in their order", () => {
    const { admitted, results } = admit({
      ...nothing,
      registers: [register(1), register(2, { address: "nowhere" }), register(3, { id: "i-3" })],
      unregisters: [
        { sequence: 4, key: bad, version: at, instanceId: "i-1" },
        { sequence: 5, key: ORDERS, version: at, instanceId: "i-1" },
      ],
    });
    expect(admitted.registers.map(({ sequence }) => sequence)).toEqual([1, 3]);
    expect(admitted.unregisters.map(({ sequence }) => sequence)).toEqual([5]);
    expect(results).toMatchObject([
      { sequence: 2, outcome: { kind: "refused", error: { subject: { field: "instance.address" } } } },
      { sequence: 4, outcome: { kind: "refused", error: { subject: { field: "service" } } } },
    ]);
  });

  test("among subscriptions is refused as it was asked for; what only ends something is dropped", () => {
    const { admitted, results, refusals } = admit({
      ...nothing,
      subscribes: [
        { key: bad, filter: NO_FILTER, held: undefined },
        { key: ORDERS, filter: NO_FILTER, held: undefined },
      ],
      unsubscribes: [{ key: bad, filter: NO_FILTER }],
      receipts: [
        { key: bad, ...receipt },
        { key: ORDERS, ...receipt },
      ],
    });
    expect(refusals).toMatchObject([{ key: bad, filter: NO_FILTER, error: { reason: "invalid_field" } }]);
    expect([admitted.subscribes.length, admitted.unsubscribes.length, admitted.receipts.length]).toEqual([1, 0, 1]);
    expect(results).toEqual([]);
  });

  test("that is no instance at all is refused like one that is wrong", () => {
    const garbage = { ...register(1), instance: Uint8Array.of(0x0a, 0x02, 0x69) };
    const { admitted, results } = admit({ ...nothing, registers: [garbage, register(2)] });
    expect(admitted.registers).toHaveLength(1);
    expect(results).toMatchObject([{ sequence: 1, outcome: { error: { reason: "protocol_violation" } } }]);
  });
});

describe("what is admitted", () => {
  test("has its defaults and its filters in canonical order", () => {
    const { admitted } = admit({
      ...nothing,
      registers: [register(1, {}, { namespace: "", group: "", service: "orders" })],
      subscribes: [
        {
          key: ORDERS,
          filter: {
            ...NO_FILTER,
            metadata: [
              { key: "b", values: ["2", "1", "2"] },
              { key: "a", values: [] },
            ],
          },
          held: undefined,
        },
      ],
    });
    expect(admitted.registers[0]!.key).toEqual(ORDERS);
    expect(admitted.subscribes[0]!.filter.metadata).toEqual([
      { key: "a", values: [] },
      { key: "b", values: ["1", "2"] },
    ]);
  });

  test("keeps the very bytes of an instance, fields of a newer version included", () => {
    const item = register(1);
    const instance = Uint8Array.from([...item.instance, 0x9a, 0x06, 0x01, 0x78]);
    const { admitted } = admit({ ...nothing, registers: [{ ...item, instance }] });
    expect(admitted.registers[0]!.instance).toBe(instance);
  });

  test("bytes that name two ids are written anew with the one that counts", () => {
    const item = register(1);
    const instance = Uint8Array.from([...item.instance, 0x0a, 0x03, 0x69, 0x2d, 0x32]);
    const [admitted] = admit({ ...nothing, registers: [{ ...item, instance }] }).admitted.registers;
    expect(admitted!.instanceId).toBe("i-2");
    expect(admitted!.instance).toEqual(bytesFromInstance(instanceFromBytes(instance)));
  });
});
