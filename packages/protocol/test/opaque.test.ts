/** The Opaque messages are their namesakes with the instances left as bytes, and so they stay. */

import { ScalarType, fromBinary, toBinary, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { messageFromFrame } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  OpaqueClientRegisterSchema,
  OpaqueConnectRequestSchema,
  OpaqueConnectResponseSchema,
  OpaquePushSchema,
  file_rollcall_v1_opaque,
} from "../src/gen/rollcall/v1/opaque_pb.ts";
import {
  ClientRegisterSchema,
  ConnectRequestSchema,
  ConnectResponseSchema,
  WatchResponseSchema,
  WatchServicesResponseSchema,
} from "../src/gen/rollcall/v1/registry_pb.ts";
import { InstanceSchema, PushSchema } from "../src/gen/rollcall/v1/types_pb.ts";
import { clientMessageFromBytes, frameFromClientMessage, frameFromPush } from "../src/index.ts";
import { updateFromWire } from "../src/codec/update.ts";
import { clientMessages, updates } from "./arbitraries.ts";

const twins: readonly (readonly [opaque: DescMessage, typed: DescMessage])[] = [
  [OpaqueConnectRequestSchema, ConnectRequestSchema],
  [OpaqueClientRegisterSchema, ClientRegisterSchema],
  [OpaqueConnectResponseSchema, ConnectResponseSchema],
  [OpaquePushSchema, PushSchema],
];

/** What a field is on the wire, with an Opaque message under the name of its namesake and an instance as bytes. */
function onTheWire(field: DescField) {
  const repeated = field.fieldKind === "list" || field.fieldKind === "map" ? field.fieldKind : "no";
  return {
    number: field.number,
    name: field.name,
    repeated,
    type: typeOf(field),
    presence: field.presence,
    oneof: field.oneof?.name,
  };
}

function typeOf(field: DescField): string {
  const message = field.message?.typeName.replace(".Opaque", ".");
  if (message === InstanceSchema.typeName) return "bytes";
  if (message !== undefined) return message;
  if (field.enum !== undefined) return field.enum.typeName;
  const scalar = "scalar" in field ? field.scalar : undefined;
  return scalar === ScalarType.BYTES ? "bytes" : `scalar ${scalar}`;
}

describe.each(twins)("%s", (opaque, typed) => {
  test("has the numbers, names and kinds of its namesake", () => {
    expect(opaque.name).toBe(`Opaque${typed.name}`);
    const ignorePresence = ({ presence: _presence, ...rest }: ReturnType<typeof onTheWire>) => rest;
    expect(opaque.fields.map(onTheWire).map(ignorePresence)).toEqual(typed.fields.map(onTheWire).map(ignorePresence));
  });

  test("leaves optional what its namesake leaves optional", () => {
    const scalars = opaque.fields.filter((field) => typeOf(field) !== "bytes").map(onTheWire);
    expect(scalars).toEqual(typed.fields.filter((field) => typeOf(field) !== "bytes").map(onTheWire));
  });
});

test("every Opaque message has a namesake it is compared with", () => {
  expect(file_rollcall_v1_opaque.messages.map(({ name }) => name).toSorted()).toEqual(
    twins.map(([opaque]) => opaque.name).toSorted(),
  );
});

test("what Watch and WatchServices carry is what Connect carries, under the same numbers", () => {
  expect(ConnectResponseSchema.fields.map(onTheWire)).toEqual(
    expect.arrayContaining([...WatchResponseSchema.fields, ...WatchServicesResponseSchema.fields].map(onTheWire)),
  );
});

describe("a push that was encoded without looking inside", () => {
  test.each([
    ["a Connect response", ConnectResponseSchema],
    ["a Watch response", WatchResponseSchema],
  ] as const)("decodes as %s with typed instances", (_what, schema) => {
    fc.assert(
      fc.property(updates, (update) => {
        const [push] = fromBinary(schema as typeof WatchResponseSchema, messageFromFrame(frameFromPush(update))).pushes;
        const { instances, ...rest } = push!;
        expect(instances.map((instance) => toBinary(InstanceSchema, instance))).toEqual(
          update.instances.map(({ bytes }) => bytes),
        );
        const read = updateFromWire({ ...rest, instances: [], $typeName: "rollcall.v1.OpaquePush" });
        expect(read).toEqual({ ...update, instances: [] });
      }),
    );
  });

  test("and typed messages of a client are read without looking inside", () => {
    fc.assert(
      fc.property(clientMessages, (message) => {
        const typed = fromBinary(ConnectRequestSchema, messageFromFrame(frameFromClientMessage(message)));
        expect(clientMessageFromBytes(toBinary(ConnectRequestSchema, typed))).toEqual(message);
      }),
    );
  });
});

test("an instance encoded by a typed client is the instance that the servers encode", () => {
  fc.assert(
    fc.property(updates, ({ instances }) => {
      for (const { bytes } of instances)
        expect(toBinary(InstanceSchema, fromBinary(InstanceSchema, bytes))).toEqual(bytes);
    }),
  );
});
