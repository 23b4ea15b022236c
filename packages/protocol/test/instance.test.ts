import { isDeepStrictEqual } from "node:util";

import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  LIMITS,
  NO_FILTER,
  epoch,
  frameFromMessage,
  instanceFromInput,
  messageFromFrame,
  type Instance,
  type RegisterItem,
} from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpaqueClientRegisterSchema } from "../src/gen/rollcall/v1/opaque_pb.ts";
import {
  InstanceSchema,
  bytesFromInstance,
  clientMessageFromBytes,
  frameFromClientMessage,
  frameFromPush,
  instanceBytesWith,
  instanceFromBytes,
  instanceIdFromBytes,
  isMarkedUnhealthy,
  probeFromBytes,
  serverMessageFromBytes,
} from "../src/index.ts";
import { hasField } from "../src/codec/scan.ts";
import { instances } from "./arbitraries.ts";

const ID_FIELD = 1;
const ADDRESS_FIELD = 2;

/** A field that this version of the schema does not have. */
const newerField = new BinaryWriter().tag(99, WireType.LengthDelimited).string("from the future").finish();

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** The fields of a message, each with its tag, in the order they lie in it. */
function fieldsOf(bytes: Uint8Array): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const fields: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    reader.skip(wireType, number);
    fields.push(bytes.subarray(start, reader.pos));
  }
  return fields;
}

const orders: Instance = instanceFromInput({ id: "i-1", address: "10.0.0.1:80", metadata: { zone: "a" } }, () => "");

describe("an instance and its bytes", () => {
  test("tell which fields there are without being decoded", () => {
    fc.assert(
      fc.property(instances, (instance) => {
        const bytes = concat(bytesFromInstance(instance), newerField);
        const numbers = new Set(fieldsOf(bytes).map((field) => new BinaryReader(field).tag()[0]));
        for (let number = 1; number < 100; number++) expect(hasField(bytes, number)).toBe(numbers.has(number));
      }),
    );
  });

  test("that are no message have what fields they have, and end", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(30), (bytes, number) => typeof hasField(bytes, number) === "boolean"),
    );
    expect(hasField(Uint8Array.of(0x0a, 0xff), 1)).toBe(true);
    expect(hasField(Uint8Array.of(0x0b), 20)).toBe(false);
  });

  test("ask for a probe, or do not", () => {
    fc.assert(
      fc.property(instances, (instance) => {
        const order = instance.probe && { address: instance.address, probe: instance.probe };
        expect(probeFromBytes(bytesFromInstance(instance))).toEqual(order);
      }),
    );
  });

  test("are marked unhealthy, or look as if they were and are not", () => {
    const ends = fc.constantFrom(new Uint8Array(0), Uint8Array.of(0x48, 0x02));
    fc.assert(
      fc.property(instances, ends, fc.boolean(), (instance, end, unhealthy) => {
        const payload = concat(instance.payload, end);
        const bytes = bytesFromInstance({ ...instance, payload, health: "healthy", probe: undefined });
        const shown = unhealthy ? instanceBytesWith(bytes, { enabled: false, weight: 7, health: "unhealthy" }) : bytes;
        expect(isMarkedUnhealthy(shown)).toBe(unhealthy);
      }),
    );
  });

  test("are the same thing", () => {
    fc.assert(
      fc.property(instances, (instance) => {
        expect(instanceFromBytes(bytesFromInstance(instance))).toEqual(instance);
      }),
    );
  });

  test("equal instances give equal bytes, in whichever order the metadata was written", () => {
    fc.assert(
      fc.property(instances, fc.infiniteStream(fc.nat()), (instance, ranks) => {
        const shuffled = Object.entries(instance.metadata)
          .map((entry) => ({ entry, rank: ranks.next().value as number }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ entry }) => entry);
        const again = { ...instance, metadata: Object.fromEntries(shuffled) };
        expect(bytesFromInstance(again)).toEqual(bytesFromInstance(instance));
      }),
    );
  });

  test("different instances give different bytes", () => {
    fc.assert(
      fc.property(instances, instances, (a, b) => {
        const sameBytes = Buffer.compare(bytesFromInstance(a), bytesFromInstance(b)) === 0;
        expect(sameBytes).toBe(isDeepStrictEqual(a, b));
      }),
    );
  });

  test("defaults cost no bytes and come back", () => {
    const bytes = bytesFromInstance(instanceFromInput({ id: "i-1", address: "h:1" }, () => ""));
    const numbers = fieldsOf(bytes).map((field) => new BinaryReader(field).tag()[0]);
    // The protocol has a default for users and still travels, for readers that know no default.
    expect(numbers).toEqual([ID_FIELD, ADDRESS_FIELD, 3]);
    expect(instanceFromBytes(bytes)).toMatchObject({ protocol: "tcp", weight: 100, enabled: true, health: "healthy" });
  });

  test("what an older writer leaves out has its default", () => {
    expect(instanceFromBytes(new Uint8Array(0))).toEqual({
      id: "",
      address: "",
      protocol: "tcp",
      weight: 100,
      zone: "",
      metadata: {},
      payload: new Uint8Array(0),
      enabled: true,
      health: "healthy",
    });
  });

  test("a weight of 0 and a disabled state are no defaults", () => {
    const instance = { ...orders, weight: 0, enabled: false, health: "unhealthy" as const };
    expect(instanceFromBytes(bytesFromInstance(instance))).toEqual(instance);
  });
});

test("what is kept of a message is a copy, also when the message came in a Buffer of Node's", () => {
  const instance = bytesFromInstance({ ...orders, payload: Uint8Array.of(1, 2, 3) });
  const pushed = frameFromPush({
    key: { namespace: "default", group: "default", service: "orders" },
    filter: NO_FILTER,
    version: { epoch: epoch(1), counter: 1 },
    digest: { high: 0, low: 0 },
    baseDigest: undefined,
    instances: [{ id: orders.id, bytes: instance }],
    removedIds: [],
    confirmed: true,
    more: false,
  });
  const received = Buffer.from(messageFromFrame(pushed));
  const kept = serverMessageFromBytes(received).pushes[0]!.instances[0]!.bytes;
  received.fill(0);
  expect(kept).toEqual(instance);
  // A Buffer would show to users, in the payload, as what no other platform has.
  expect(Buffer.isBuffer(instanceFromBytes(kept).payload)).toBe(false);
});

describe("the id is read without decoding the rest", () => {
  test("and agrees with the decoded one, wherever it lies among the fields and however long it is", () => {
    fc.assert(
      fc.property(instances, fc.nat(10), (instance, turns) => {
        const fields = fieldsOf(bytesFromInstance(instance));
        const turned = concat(...fields.slice(turns % fields.length), ...fields.slice(0, turns % fields.length));
        expect(instanceIdFromBytes(turned)).toBe(instanceFromBytes(turned).id);
        expect(instanceIdFromBytes(turned)).toBe(instance.id);
      }),
      { numRuns: 500 },
    );
  });

  test.each([1, 127, LIMITS.instanceIdLength, 129, 300])("an id of %i characters", (length) => {
    const id = "i".repeat(length);
    expect(instanceIdFromBytes(bytesFromInstance({ ...orders, id }))).toBe(id);
  });

  test("no id is an empty id", () => {
    expect(instanceIdFromBytes(new Uint8Array(0))).toBe("");
    expect(instanceIdFromBytes(bytesFromInstance({ ...orders, id: "" }))).toBe("");
  });

  test("an id that is cut off is none of an instance, and decoding says so", () => {
    const cut = bytesFromInstance({ ...orders, id: "a-long-id" }).subarray(0, 5);
    expect(() => instanceFromBytes(cut)).toThrow(expect.objectContaining({ reason: "protocol_violation" }));
  });
});

describe("fields of a newer version", () => {
  const fromTheFuture = concat(bytesFromInstance(orders), newerField);

  test("stay in the bytes from a client to every subscriber", () => {
    const item: RegisterItem = {
      sequence: 1,
      key: { namespace: "default", group: "default", service: "orders" },
      version: { incarnation: 1, counter: 1 },
      instanceId: "i-1",
      instance: fromTheFuture,
    };
    const read = clientMessageFromBytes(messageFromFrame(frameFromClientMessage({ registers: [item] })));
    expect(read.registers[0]).toEqual(item);
    const pushed = frameFromPush({
      key: item.key,
      filter: NO_FILTER,
      version: { epoch: epoch(1), counter: 1 },
      digest: { high: 0, low: 0 },
      baseDigest: undefined,
      instances: [{ id: "i-1", bytes: read.registers[0]!.instance }],
      removedIds: [],
      confirmed: true,
    });
    const push = serverMessageFromBytes(messageFromFrame(pushed)).pushes[0]!;
    expect(push.instances).toEqual([{ id: "i-1", bytes: fromTheFuture }]);
  });

  test("do not keep an older version from reading the rest", () => {
    expect(instanceFromBytes(fromTheFuture)).toEqual(orders);
    expect(instanceIdFromBytes(fromTheFuture)).toBe("i-1");
  });

  test("beside the instance, in a message, are no reason to refuse it", () => {
    const message = concat(
      toBinary(OpaqueClientRegisterSchema, create(OpaqueClientRegisterSchema, { sequence: 7n })),
      newerField,
    );
    const request = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(message).finish();
    expect(clientMessageFromBytes(messageFromFrame(frameFromMessage(request))).registers[0]?.sequence).toBe(7);
  });

  test("a health that is not known counts as healthy", () => {
    const wire = create(InstanceSchema, { id: "i-1", address: "h:1", health: 7 as never });
    expect(instanceFromBytes(toBinary(InstanceSchema, wire)).health).toBe("healthy");
  });
});
