/** The physical limit: a server on node:http2 that writes prepared bytes to every stream, and takes no notice of what comes back. */

import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

import { cpuMicroseconds, onLines } from "./child.ts";

const streams = new Set<ServerHttp2Stream>();
const state: { present: Buffer | undefined } = { present: undefined };

const server = createServer();
server.on("stream", (stream) => {
  streams.add(stream);
  stream.once("close", () => streams.delete(stream));
  stream.on("error", () => {});
  stream.resume();
  stream.respond({ ":status": 200, "content-type": "application/connect+proto" });
  stream.write(state.present!);
});

onLines((line) => {
  if (line === "cpu") {
    process.stdout.write(`${cpuMicroseconds()}\n`);
    return;
  }
  const isFirst = state.present === undefined;
  state.present = Buffer.from(line, "base64");
  for (const stream of streams) stream.write(state.present);
  if (isFirst)
    server.listen(0, "127.0.0.1", () => {
      process.stdout.write(`127.0.0.1:${(server.address() as AddressInfo).port}\n`);
    });
});
