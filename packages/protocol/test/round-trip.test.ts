import { FRAME_HEADER_BYTES, messageFromFrame, type Frame } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clientMessageFromBytes,
  clusterStateFromWire,
  errorDetailCodec,
  errorFromWire,
  frameFromClientMessage,
  frameFromJoinRequest,
  frameFromJoinResponse,
  frameFromLinkRequest,
  frameFromLinkResponse,
  frameFromPush,
  frameFromServerMessage,
  joinRequestFromBytes,
  joinResponseFromBytes,
  linkRequestFromBytes,
  linkResponseFromBytes,
  serverMessageFromBytes,
  wireFromClusterState,
  wireFromError,
} from "../src/index.ts";
import {
  clientMessages,
  clusterStates,
  errors,
  joinRequests,
  joinResponses,
  linkRequests,
  linkResponses,
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
  test("from a session to a client", () =>
    expectRoundTrip(serverMessages, frameFromServerMessage, serverMessageFromBytes));
  test("from a session to a data node", () =>
    expectRoundTrip(linkRequests, frameFromLinkRequest, linkRequestFromBytes));
  test("from a data node to a session", () =>
    expectRoundTrip(linkResponses, frameFromLinkResponse, linkResponseFromBytes));
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
          pushes: [update],
        });
      }),
    );
  });
});

test.each([
  ["a client's", frameFromClientMessage, clientMessageFromBytes],
  ["a session's to a client", frameFromServerMessage, serverMessageFromBytes],
  ["a session's to a data node", frameFromLinkRequest, linkRequestFromBytes],
  ["a data node's", frameFromLinkResponse, linkResponseFromBytes],
] as const)("parts that are left out cost nothing: %s message", (_whose, encode, decode) => {
  const message = messageFromFrame(encode({}));
  expect(message).toHaveLength(0);
  const { hello, ...lists } = decode(message) as { hello?: unknown };
  expect(hello).toBeUndefined();
  for (const list of Object.values(lists)) expect(list).toEqual([]);
});
