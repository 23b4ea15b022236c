/** What is read and written by hand is what the generated code reads and writes, of whatever bytes there are. */

import { toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { RegistryError, messageFromFrame, type Frame } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clientMessageFromWireBytes,
  serverMessageFromWireBytes,
  wireFromClientMessage,
  wireFromServerMessage,
} from "../src/codec/client.ts";
import { instanceFromWireBytes } from "../src/codec/instance.ts";
import {
  linkRequestFromWireBytes,
  linkResponseFromWireBytes,
  wireFromLinkRequest,
  wireFromLinkResponse,
} from "../src/codec/link.ts";
import { wireFromClaim } from "../src/codec/replicate.ts";
import { ClaimSchema, LinkRequestSchema, LinkResponseSchema } from "../src/gen/rollcall/v1/data_pb.ts";
import { OpaqueConnectRequestSchema, OpaqueConnectResponseSchema } from "../src/gen/rollcall/v1/opaque_pb.ts";
import {
  bytesFromClaimBlock,
  bytesFromInstance,
  clientMessageFromBytes,
  frameFromClientMessage,
  frameFromLinkRequest,
  frameFromLinkResponse,
  frameFromServerMessage,
  instanceFromBytes,
  linkRequestFromBytes,
  linkResponseFromBytes,
  serverMessageFromBytes,
} from "../src/index.ts";
import { claims, clientMessages, instances, linkRequests, linkResponses, serverMessages } from "./arbitraries.ts";

interface Conversation<Value> {
  readonly values: fc.Arbitrary<Value>;
  /** Of a value, only what comes in bulk. */
  readonly inBulk: (value: Value) => Partial<Value>;
  readonly encode: (value: Partial<Value>) => Frame;
  readonly decode: (bytes: Uint8Array) => Value;
  readonly generated: {
    readonly encode: (value: Partial<Value>) => Uint8Array;
    readonly decode: (bytes: Uint8Array) => Value;
  };
}

function encoder<Value, Schema extends DescMessage>(schema: Schema, wire: (value: Value) => MessageShape<Schema>) {
  return (value: Value) => toBinary(schema, wire(value));
}

interface Reading<Value> {
  readonly values: fc.Arbitrary<Value>;
  readonly encode: (value: Value) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Value;
  /** The same by the generated code. */
  readonly generated: (bytes: Uint8Array) => Value;
}

function describeReading<Value>(what: string, { values, encode, decode, generated }: Reading<Value>): void {
  /** What bytes are, or why they are no message: of several things that are wrong with them, any may be named. */
  const meaning = (read: (bytes: Uint8Array) => Value, bytes: Uint8Array): unknown => {
    try {
      return read(bytes);
    } catch (thrown) {
      if (thrown instanceof RegistryError) return thrown.reason;
      throw thrown;
    }
  };
  const expectOneMeaning = (bytes: Uint8Array): void => {
    expect(meaning(decode, bytes)).toEqual(meaning(generated, bytes));
  };

  test(`${what} means the same when bytes are overwritten, left out, or put twice`, () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(values, changes, fc.nat(), fc.nat(), (value, overwritten, from, to) => {
        const bytes = encode(value);
        for (const [at, byte] of overwritten) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        expectOneMeaning(bytes);
        const [start, end] = [from % (bytes.length + 1), to % (bytes.length + 1)];
        expectOneMeaning(new Uint8Array([...bytes.subarray(0, start), ...bytes.subarray(end)]));
      }),
      { numRuns: 400, endOnFailure: true },
    );
  });
}

function describeConversation<Value>(
  what: string,
  { values, inBulk, encode, decode, generated }: Conversation<Value>,
): void {
  describeReading(what, { values, encode: generated.encode, decode, generated: generated.decode });

  describe(`${what},`, () => {
    test("in bulk is byte for byte what the generated code writes", () => {
      fc.assert(
        fc.property(values, (value) => {
          const bulk = inBulk(value);
          expect(messageFromFrame(encode(bulk))).toEqual(generated.encode(bulk));
        }),
      );
    });

    test("is read by the generated code as it was meant, and the other way round", () => {
      fc.assert(
        fc.property(values, (value) => {
          expect(generated.decode(messageFromFrame(encode(value)))).toEqual(value);
          expect(decode(generated.encode(value))).toEqual(value);
        }),
      );
    });
  });
}

describeReading("an instance", {
  values: instances,
  encode: bytesFromInstance,
  decode: instanceFromBytes,
  generated: instanceFromWireBytes,
});

test("a claim in a block on disk is byte for byte what the generated code writes", () => {
  fc.assert(
    fc.property(claims, (claim) => {
      const keyText = "default/default/orders";
      const block = bytesFromClaimBlock({ version: undefined, deletes: [], puts: [{ keyText, claim }] });
      const bytes = toBinary(ClaimSchema, wireFromClaim(claim));
      expect(block.subarray(block.length - bytes.length)).toEqual(bytes);
    }),
  );
});

describeConversation("a session's message to a data node", {
  values: linkRequests,
  inBulk: ({ writes, receipts }) => ({ writes, receipts }),
  encode: frameFromLinkRequest,
  decode: linkRequestFromBytes,
  generated: { encode: encoder(LinkRequestSchema, wireFromLinkRequest), decode: linkRequestFromWireBytes },
});

describeConversation("a data node's message to a session", {
  values: linkResponses,
  inBulk: ({ results, notifications }) => ({ results, notifications }),
  encode: frameFromLinkResponse,
  decode: linkResponseFromBytes,
  generated: { encode: encoder(LinkResponseSchema, wireFromLinkResponse), decode: linkResponseFromWireBytes },
});

describeConversation("a client's message", {
  values: clientMessages,
  inBulk: ({ registers, unregisters, receipts }) => ({ registers, unregisters, receipts }),
  encode: frameFromClientMessage,
  decode: clientMessageFromBytes,
  generated: {
    encode: encoder(OpaqueConnectRequestSchema, wireFromClientMessage),
    decode: clientMessageFromWireBytes,
  },
});

describeConversation("a session's message to a client", {
  values: serverMessages,
  inBulk: ({ results, pushes }) => ({ results, pushes }),
  encode: frameFromServerMessage,
  decode: serverMessageFromBytes,
  generated: {
    encode: encoder(OpaqueConnectResponseSchema, wireFromServerMessage),
    decode: serverMessageFromWireBytes,
  },
});
