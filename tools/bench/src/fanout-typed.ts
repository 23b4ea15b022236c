/**
 * What one would write first: each subscriber is an async generator of the typed API of connect-node. It does not even
 * read what its subscribers say.
 */

import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";

import { fromBinary } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { FRAME_HEADER_BYTES } from "@rollcall/core";
import { RegistryService } from "@rollcall/protocol";

import { cpuMicroseconds, onLines } from "./child.ts";

const { output } = RegistryService.method.connect;
const state = {
  present: fromBinary(output, new Uint8Array(0)),
  changed: Promise.withResolvers<void>(),
  isListening: false,
};

const adapter = connectNodeAdapter({
  acceptCompression: [],
  routes: (router) =>
    router.rpc(RegistryService.method.connect, async function* () {
      for (;;) {
        const next = state.changed.promise;
        yield state.present;
        await next;
      }
    }),
});
const server = createServer(adapter);

onLines((line) => {
  if (line === "cpu") {
    process.stdout.write(`${cpuMicroseconds()}\n`);
    return;
  }
  state.present = fromBinary(output, Buffer.from(line, "base64").subarray(FRAME_HEADER_BYTES));
  state.changed.resolve();
  state.changed = Promise.withResolvers();
  if (state.isListening) return;
  state.isListening = true;
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
});
