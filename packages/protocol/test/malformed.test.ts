/** Whatever bytes arrive, a decoder gives a value or a RegistryError, and never anything else. */

import { create, toBinary } from "@bufbuild/protobuf";
import { NO_FILTER, RegistryError, SLOT_COUNT, messageFromFrame, type Frame } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LinkRequestSchema, LinkResponseSchema } from "../src/gen/rollcall/v1/data_pb.ts";
import { ClusterStateSchema, JoinRequestSchema, JoinResponseSchema } from "../src/gen/rollcall/v1/meta_pb.ts";
import { ConnectRequestSchema, ConnectResponseSchema, WatchRequestSchema } from "../src/gen/rollcall/v1/registry_pb.ts";
import {
  bytesFromInstance,
  clientMessageFromBytes,
  frameFromClientMessage,
  frameFromJoinRequest,
  frameFromJoinResponse,
  frameFromLinkRequest,
  frameFromLinkResponse,
  frameFromReplicateRequest,
  frameFromReplicateResponse,
  frameFromServerMessage,
  instanceFromBytes,
  instanceIdFromBytes,
  joinRequestFromBytes,
  joinResponseFromBytes,
  linkRequestFromBytes,
  linkResponseFromBytes,
  replicateRequestFromBytes,
  replicateResponseFromBytes,
  serverMessageFromBytes,
  watchWishFromBytes,
} from "../src/index.ts";
import {
  clientMessages,
  instances,
  joinRequests,
  joinResponses,
  linkRequests,
  linkResponses,
  replicateRequests,
  replicateResponses,
  serverMessages,
} from "./arbitraries.ts";

interface Decoder {
  readonly what: string;
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly valid: fc.Arbitrary<Uint8Array>;
}

const framed = <Value>(values: fc.Arbitrary<Value>, encode: (value: Value) => Frame) =>
  values.map((value) => messageFromFrame(encode(value)));

const decoders: readonly Decoder[] = [
  {
    what: "a client's message",
    decode: clientMessageFromBytes,
    valid: framed(clientMessages, frameFromClientMessage),
  },
  {
    what: "a session's message to a client",
    decode: serverMessageFromBytes,
    valid: framed(serverMessages, frameFromServerMessage),
  },
  { what: "a link request", decode: linkRequestFromBytes, valid: framed(linkRequests, frameFromLinkRequest) },
  { what: "a link response", decode: linkResponseFromBytes, valid: framed(linkResponses, frameFromLinkResponse) },
  {
    what: "a follower's message",
    decode: replicateRequestFromBytes,
    valid: framed(replicateRequests, frameFromReplicateRequest),
  },
  {
    what: "a leader's message to a follower",
    decode: replicateResponseFromBytes,
    valid: framed(replicateResponses, frameFromReplicateResponse),
  },
  { what: "a join request", decode: joinRequestFromBytes, valid: framed(joinRequests, frameFromJoinRequest) },
  {
    what: "a join response",
    decode: joinResponseFromBytes,
    valid: framed(joinResponses, frameFromJoinResponse).map((bytes) => bytes.slice(0, 600)),
  },
  { what: "a watch request", decode: watchWishFromBytes, valid: framed(clientMessages, frameFromClientMessage) },
  { what: "an instance", decode: instanceFromBytes, valid: instances.map(bytesFromInstance) },
  { what: "an instance's id", decode: instanceIdFromBytes, valid: instances.map(bytesFromInstance) },
];

function expectValueOrRefusal(decode: () => unknown): void {
  let thrown: unknown;
  try {
    decode();
  } catch (error) {
    thrown = error;
  }
  const reason = thrown instanceof RegistryError ? thrown.reason : thrown;
  expect([undefined, "protocol_violation"]).toContain(reason);
}

describe.each(decoders)("$what", ({ decode, valid }) => {
  test("cut anywhere", () => {
    fc.assert(
      fc.property(valid, fc.double({ min: 0, max: 1, noNaN: true }), (bytes, share) => {
        expectValueOrRefusal(() => decode(bytes.subarray(0, Math.floor(share * bytes.length))));
      }),
      { numRuns: 300 },
    );
  });

  test("with bytes overwritten", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(valid, changes, (bytes, overwritten) => {
        const changed = bytes.slice();
        for (const [at, value] of overwritten) if (changed.length > 0) changed[at % changed.length] = value;
        expectValueOrRefusal(() => decode(changed));
      }),
      { numRuns: 300 },
    );
  });

  test("of garbage", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expectValueOrRefusal(() => decode(bytes));
      }),
      { numRuns: 500 },
    );
  });
});

const TOO_LARGE = 2n ** 53n;
const violation = (message: string): unknown => expect.objectContaining({ reason: "protocol_violation", message });

describe("what parses and still makes no sense is refused by name", () => {
  const owners = (count: number) => Array.from({ length: count }, () => ({}));

  test.each([
    {
      what: "a counter beyond 2^53 - 1",
      decode: clientMessageFromBytes,
      bytes: toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { registers: [{ sequence: TOO_LARGE }] })),
      says: "a counter must be below 2^53, got 9007199254740992",
    },
    {
      what: "a push receipt that does not say what is held",
      decode: clientMessageFromBytes,
      bytes: toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { receipts: [{}] })),
      says: "a push receipt says what is held",
    },
    {
      what: "a result without an outcome",
      decode: serverMessageFromBytes,
      bytes: toBinary(ConnectResponseSchema, create(ConnectResponseSchema, { results: [{ sequence: 1n }] })),
      says: "a registration result has an outcome",
    },
    {
      what: "a refusal without an error",
      decode: serverMessageFromBytes,
      bytes: toBinary(ConnectResponseSchema, create(ConnectResponseSchema, { refusals: [{}] })),
      says: "a refusal says why",
    },
    {
      what: "a write without a kind",
      decode: linkRequestFromBytes,
      bytes: toBinary(LinkRequestSchema, create(LinkRequestSchema, { writes: [{}] })),
      says: "a write has a kind",
    },
    {
      what: "a notify receipt that does not say what is held",
      decode: linkRequestFromBytes,
      bytes: toBinary(LinkRequestSchema, create(LinkRequestSchema, { receipts: [{}] })),
      says: "a notify receipt says what is held",
    },
    {
      what: "a write result without an outcome",
      decode: linkResponseFromBytes,
      bytes: toBinary(LinkResponseSchema, create(LinkResponseSchema, { results: [{}] })),
      says: "a write result has an outcome",
    },
    {
      what: "a refused write that does not say how",
      decode: linkResponseFromBytes,
      bytes: toBinary(
        LinkResponseSchema,
        create(LinkResponseSchema, { results: [{ outcome: { case: "refused", value: {} } }] }),
      ),
      says: "a slot refusal has a kind",
    },
    {
      what: "a node without a role",
      decode: joinRequestFromBytes,
      bytes: toBinary(JoinRequestSchema, create(JoinRequestSchema, { hello: { nodeId: "n" } })),
      says: "a node has a role",
    },
    {
      what: "a state without a slot table",
      decode: joinResponseFromBytes,
      bytes: toBinary(JoinResponseSchema, create(JoinResponseSchema, { state: create(ClusterStateSchema) })),
      says: "a cluster state has a slot table",
    },
    {
      what: "a slot table that is too short",
      decode: joinResponseFromBytes,
      bytes: toBinary(
        JoinResponseSchema,
        create(JoinResponseSchema, { state: { table: { owners: owners(SLOT_COUNT - 1) } } }),
      ),
      says: `a slot table has ${SLOT_COUNT} owners, got ${SLOT_COUNT - 1}`,
    },
  ])("$what", ({ decode, bytes, says }) => {
    expect(() => decode(bytes)).toThrow(violation(says));
  });

  test("a message that does not parse is called by its name", () => {
    expect(() => watchWishFromBytes(Uint8Array.of(0xff))).toThrow(
      violation(expect.stringContaining("not a valid WatchRequest: ") as string),
    );
  });

  test("a watch request without a key is decoded: the check of the key refuses it", () => {
    expect(watchWishFromBytes(toBinary(WatchRequestSchema, create(WatchRequestSchema)))).toEqual({
      kind: "service",
      item: { key: { namespace: "default", group: "default", service: "" }, filter: NO_FILTER },
    });
  });
});
