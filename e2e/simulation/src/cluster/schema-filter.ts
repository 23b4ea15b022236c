/**
 * A node that knows another schema: of what it says and hears on links there is left only what that schema knows. What is
 * bytes to servers, as instances are, passes as it is.
 *
 * The node's logic is this version's. So this shows what a cluster does while some of its nodes neither say nor hear what
 * is new, and not whatever else was different in code that is gone; tests with real processes run that.
 */

import { fromBinary, toBinary, type FileRegistry } from "@bufbuild/protobuf";
import {
  assert,
  frameFromMessage,
  messageFromFrame,
  type Dialer,
  type MessageStream,
  type StreamRoutes,
} from "@rollcall/core";
import { CONNECT_PATH, JOIN_PATH, LINK_PATH, REPLICATE_PATH } from "@rollcall/protocol";

/** What servers take requests and responses of each link for. */
const MESSAGES = new Map([
  [CONNECT_PATH, { request: "OpaqueConnectRequest", response: "OpaqueConnectResponse" }],
  [LINK_PATH, { request: "LinkRequest", response: "LinkResponse" }],
  [REPLICATE_PATH, { request: "ReplicateRequest", response: "ReplicateResponse" }],
  [JOIN_PATH, { request: "JoinRequest", response: "JoinResponse" }],
]);

type Leave = (message: Uint8Array) => Uint8Array;

export class SchemaFilter {
  readonly #schema: FileRegistry;

  constructor(schema: FileRegistry) {
    this.#schema = schema;
  }

  dialer(dialer: Dialer): Dialer {
    return {
      dial: (address, path) =>
        filtered(dialer.dial(address, path), this.#leave(path, "request"), this.#leave(path, "response")),
    };
  }

  streams(routes: StreamRoutes): StreamRoutes {
    const known = [...routes].filter(([path]) => MESSAGES.has(path));
    return new Map(
      known.map(([path, handle]) => [
        path,
        (stream, peer) => handle(filtered(stream, this.#leave(path, "response"), this.#leave(path, "request")), peer),
      ]),
    );
  }

  #leave(path: string, direction: "request" | "response"): Leave {
    const name = MESSAGES.get(path)?.[direction];
    const message = this.#schema.getMessage(`rollcall.v1.${name}`);
    assert(message !== undefined, `the other schema has a ${direction} of ${path}`);
    return (bytes) => toBinary(message, fromBinary(message, bytes, { readUnknownFields: false }));
  }
}

function filtered(stream: MessageStream, said: Leave, heard: Leave): MessageStream {
  return {
    send: (frame) => stream.send(frameFromMessage(said(messageFromFrame(frame)))),
    get congested() {
      return stream.congested;
    },
    close: (error) => stream.close(error),
    listen: (listener) =>
      stream.listen({
        message: (bytes) => listener.message(heard(bytes)),
        drained: () => listener.drained?.(),
        closed: (error) => listener.closed(error),
      }),
  };
}
