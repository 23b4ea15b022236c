import { EMPTY_DIGEST, FRAME_HEADER_BYTES, epoch, messageFromFrame, type Frame } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bytesFromClaimBlock,
  claimBlockFromBytes,
  clientMessageFromBytes,
  controlRecordFromJson,
  jsonFromControlRecord,
  clusterStateFromWire,
  errorDetailCodec,
  errorFromWire,
  frameFromClientMessage,
  frameFromJoinRequest,
  frameFromJoinResponse,
  frameFromLinkRequest,
  frameFromLinkResponse,
  frameFromPush,
  frameFromReplicateRequest,
  frameFromReplicateResponse,
  frameFromServerMessage,
  joinRequestFromBytes,
  joinResponseFromBytes,
  linkRequestFromBytes,
  linkResponseFromBytes,
  replicateRequestFromBytes,
  replicateResponseFromBytes,
  serverMessageFromBytes,
  wireFromClusterState,
  wireFromError,
} from "../src/index.ts";
import {
  claimBlocks,
  clientMessages,
  controlRecords,
  clusterStates,
  errors,
  joinRequests,
  joinResponses,
  linkRequests,
  linkResponses,
  replicateRequests,
  replicateResponses,
  serverMessages,
  updates,
} from "./arbitraries.ts";

function expectRoundTrip<Value>(
  values: fc.Arbitrary<Value>,
  encode: (value: Value) => Frame,
  decode: (bytes: Uint8Array) => Value,
): void {
  fc.assert(
    fc.property(values, (value) => {
      const frame = encode(value);
      expect(new DataView(frame.buffer, frame.byteOffset).getUint32(1)).toBe(frame.length - FRAME_HEADER_BYTES);
      expect(decode(messageFromFrame(frame))).toEqual(value);
    }),
  );
}

describe("what is encoded is what is decoded", () => {
  test("from a client", () => expectRoundTrip(clientMessages, frameFromClientMessage, clientMessageFromBytes));
  test("of control records as JSON", () => {
    fc.assert(
      fc.property(controlRecords, (record) => {
        expect(controlRecordFromJson(jsonFromControlRecord(record))).toEqual(record);
      }),
    );
  });
  test("from a session to a client", () =>
    expectRoundTrip(serverMessages, frameFromServerMessage, serverMessageFromBytes));
  test("from a session to a data node", () =>
    expectRoundTrip(linkRequests, frameFromLinkRequest, linkRequestFromBytes));
  test("from a data node to a session", () =>
    expectRoundTrip(linkResponses, frameFromLinkResponse, linkResponseFromBytes));
  test("from a follower to a leader", () =>
    expectRoundTrip(replicateRequests, frameFromReplicateRequest, replicateRequestFromBytes));
  test("from a leader to a follower", () =>
    expectRoundTrip(replicateResponses, frameFromReplicateResponse, replicateResponseFromBytes));
  test("a block of claims as it lies on disk", () => {
    fc.assert(
      fc.property(claimBlocks, (block) => {
        expect(claimBlockFromBytes(bytesFromClaimBlock(block))).toEqual(block);
      }),
    );
  });
  test("from a node to meta", () => expectRoundTrip(joinRequests, frameFromJoinRequest, joinRequestFromBytes));
  test("from meta to a node", () => expectRoundTrip(joinResponses, frameFromJoinResponse, joinResponseFromBytes));

  test("a cluster state by itself", () => {
    fc.assert(
      fc.property(clusterStates, (state) => {
        expect(clusterStateFromWire(wireFromClusterState(state))).toEqual(state);
      }),
      { numRuns: 20 },
    );
  });

  test("an error, inside a message and as a detail", () => {
    fc.assert(
      fc.property(errors, (error) => {
        expect(errorFromWire(wireFromError(error))).toEqual(error);
        expect(errorDetailCodec.decode(errorDetailCodec.encode(error))).toEqual(error);
      }),
    );
  });

  test("a push is a server message with nothing else in it", () => {
    fc.assert(
      fc.property(updates, (update) => {
        expect(serverMessageFromBytes(messageFromFrame(frameFromPush(update)))).toEqual({
          hello: undefined,
          results: [],
          refusals: [],
          servicesPushes: [],
          servicesRefusals: [],
          pushes: [update],
          barriers: [],
          move: undefined,
          sessions: [],
        });
      }),
    );
  });
});

/** What a part is when it is left out, if not an empty list. */
const LEFT_OUT = {
  fromClient: { summary: undefined, hello: undefined },
  fromSession: { summary: undefined, hello: undefined, move: undefined, switchedOff: undefined },
  fromSessionToData: { hello: undefined, registrations: undefined },
  fromData: { reportAll: false, copies: undefined },
  fromFollower: { hello: undefined },
  fromLeader: { slots: undefined },
};

test.each([
  ["a client's", frameFromClientMessage, clientMessageFromBytes, LEFT_OUT.fromClient],
  ["a session's to a client", frameFromServerMessage, serverMessageFromBytes, LEFT_OUT.fromSession],
  ["a session's to a data node", frameFromLinkRequest, linkRequestFromBytes, LEFT_OUT.fromSessionToData],
  ["a data node's", frameFromLinkResponse, linkResponseFromBytes, LEFT_OUT.fromData],
  ["a follower's", frameFromReplicateRequest, replicateRequestFromBytes, LEFT_OUT.fromFollower],
  ["a leader's to a follower", frameFromReplicateResponse, replicateResponseFromBytes, LEFT_OUT.fromLeader],
] as const)("parts that are left out cost nothing: %s message", (_whose, encode, decode, leftOut) => {
  const message = messageFromFrame(encode({}));
  expect(message).toHaveLength(0);
  const decoded = decode(message);
  const lists = Object.keys(decoded).filter((part) => !(part in leftOut));
  expect(decoded).toStrictEqual({ ...Object.fromEntries(lists.map((part) => [part, []])), ...leftOut });
});

test("a roll-up is told apart from none, even when it is of nothing", () => {
  const nothing = { tableEpoch: epoch(0), digest: EMPTY_DIGEST };
  const registrations = messageFromFrame(frameFromLinkRequest({ registrations: nothing }));
  expect(linkRequestFromBytes(registrations).registrations).toEqual(nothing);
  const copies = messageFromFrame(frameFromLinkResponse({ copies: nothing }));
  expect(linkResponseFromBytes(copies).copies).toEqual(nothing);
  const slots = messageFromFrame(frameFromReplicateResponse({ slots: nothing }));
  expect(replicateResponseFromBytes(slots).slots).toEqual(nothing);
});
