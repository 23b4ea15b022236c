/** Streams that go through the typed API because of the form they are called in. */

import { expect, test } from "vitest";

import { frameFromMessage, type StreamHandler } from "@rollcall/core";
import { WATCH_PATH } from "./echo-service.ts";
import { serveEcho } from "./serve.ts";

/** An empty text that is there all the same: decoded and encoded again it would be no bytes at all. */
const ODD = Uint8Array.of(0x0a, 0x00);

const FRAME_HEADER_BYTES = 5;

test.each(["application/connect+proto", "application/grpc-web+proto"])(
  "messages in %s pass in both directions with the bytes that they have",
  async (contentType) => {
    const taken: Uint8Array[] = [];
    const handler: StreamHandler = (stream) => {
      stream.listen({
        message(bytes) {
          taken.push(new Uint8Array(bytes));
          stream.send(frameFromMessage(ODD));
          stream.close();
        },
        closed: () => {},
      });
    };
    const { address } = await serveEcho({ streams: new Map([[WATCH_PATH, handler]]) });
    const response = await fetch(`http://${address}${WATCH_PATH}`, {
      method: "POST",
      headers: { "content-type": contentType },
      body: new Uint8Array(frameFromMessage(ODD)),
    });
    const body = new Uint8Array(await response.arrayBuffer());
    expect(taken).toEqual([ODD]);
    expect(body.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + ODD.length)).toEqual(ODD);
  },
);
