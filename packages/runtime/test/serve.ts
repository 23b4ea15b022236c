import { onTestFinished } from "vitest";

import type { StreamHandler } from "@rollcall/core";
import { listen, type Listener, type ListenOptions } from "@rollcall/runtime";
import { createHttp2Dialer, type Http2Dialer, type Http2DialerOptions } from "@rollcall/runtime/stream";
import {
  Echo,
  frameOfText,
  jsonDetail,
  refusal,
  talk,
  TALK_PATH,
  textMessage,
  textOfBytes,
  WATCH_PATH,
} from "./echo-service.ts";

/** Answers one question for ever: the word that was asked for, then counting. */
const watch: StreamHandler = (stream) => {
  stream.listen({
    message: (bytes) => ["1", "2", "3"].forEach((count) => stream.send(frameOfText(`${textOfBytes(bytes)} ${count}`))),
    closed: () => {},
  });
};

/** The echo service in every form, gone at the end of the test. */
export async function serveEcho(options: Partial<ListenOptions> = {}): Promise<Listener> {
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    streams: new Map([
      [TALK_PATH, talk],
      [WATCH_PATH, watch],
    ]),
    streamMethods: [Echo.method.talk, Echo.method.watch],
    routes: (router) => {
      router.rpc(Echo.method.say, ({ value }) => textMessage(value));
      router.rpc(Echo.method.fail, ({ value }) => {
        throw value === "surprise" ? new Error("secret") : refusal;
      });
    },
    errorDetail: jsonDetail,
    ...options,
  });
  onTestFinished(() => listener.close(0));
  return listener;
}

export function dialer(options: Http2DialerOptions = {}): Http2Dialer {
  const created = createHttp2Dialer({ errorDetail: jsonDetail, ...options });
  onTestFinished(() => created.close());
  return created;
}
