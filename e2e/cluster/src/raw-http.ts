/** HTTP as a stranger may speak it: byte by byte, with nothing that checks what is sent. */

import type { EventEmitter } from "node:events";
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import * as net from "node:net";

export const CONNECT_PROTO = "application/connect+proto";

/** A TCP connection whose errors are nobody's concern. */
export function openSocket(address: string): net.Socket {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = net.connect(Number(port), hostname);
  socket.on("error", () => {});
  return socket;
}

/** Resolves when it is closed, in whatever way that comes. */
export function closeOf(emitter: EventEmitter): Promise<void> {
  return new Promise((resolve) => emitter.once("close", () => resolve()));
}

/** An HTTP/2 connection whose errors are nobody's concern. */
export function openSession(address: string): ClientHttp2Session {
  const session = connect(`http://${address}`);
  session.on("error", () => {});
  return session;
}

export function openStream(
  session: ClientHttp2Session,
  path: string,
  headers: OutgoingHttpHeaders = {},
): ClientHttp2Stream {
  const request = session.request({ ":method": "POST", ":path": path, "content-type": CONNECT_PROTO, ...headers });
  request.on("error", () => {});
  return request;
}

/** Sends `bytes` on a connection of its own and gives what came back until the other side closed it. */
export async function sendBytes(address: string, bytes: string | Uint8Array): Promise<string> {
  const socket = openSocket(address);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const closed = closeOf(socket);
  socket.write(bytes);
  await closed;
  return Buffer.concat(chunks).toString("latin1");
}

/** Sends `body` on a stream of its own connection and gives the whole answer, with gRPC's message at its end. */
export async function sendOnStream(
  address: string,
  path: string,
  body: Uint8Array,
  headers: OutgoingHttpHeaders = {},
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const session = openSession(address);
  try {
    const request = openStream(session, path, headers);
    let status: number | undefined;
    request.once("response", (answer) => (status = Number(answer[":status"])));
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    let message = "";
    request.on("trailers", ({ "grpc-message": said }: IncomingHttpHeaders) => {
      if (typeof said === "string") message = decodeURIComponent(said);
    });
    const closed = closeOf(request);
    request.end(body);
    await closed;
    return { status, text: Buffer.concat(chunks).toString("utf8") + message };
  } finally {
    session.destroy();
  }
}
