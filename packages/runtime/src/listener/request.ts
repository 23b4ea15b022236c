import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request in either HTTP version, and where its answer goes. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

export type RequestHandler = (request: AnyRequest, response: AnyResponse) => void;

export function pathOf(request: AnyRequest): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}

export function peerOf({ socket }: AnyRequest): string {
  return `${socket.remoteAddress ?? "unknown"}:${socket.remotePort ?? 0}`;
}

export function answer(
  response: AnyResponse,
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) return;
  // The two response types have the same method, but not in a union that TypeScript can call.
  (response as ServerResponse).writeHead(status, { "content-type": contentType, ...headers });
  (response as ServerResponse).end(body);
}
