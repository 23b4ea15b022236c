/**
 * Everything that goes through Connect's typed API: unary RPCs, and streams in the forms not served as bytes.
 *
 * Of a stream in a binary form only the envelopes are Connect's: its messages pass through as they are. A message that
 * is decoded and encoded again need not have the same bytes, and receivers compute digests of them.
 */

import type { DescMethodStreaming } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { createConnectRouter, createContextValues, type ConnectRouter } from "@connectrpc/connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Log, StreamRoutes } from "@rollcall/core";
import { registryErrors } from "../errors.ts";
import type { ErrorDetailCodec } from "../stream/status.ts";
import { peerAddressKey, typedStreamHandler } from "../typed-stream.ts";
import type { CompleteLimits } from "./limits.ts";
import { answer, pathOf, peerOf, type AnyRequest, type AnyResponse } from "./request.ts";

interface TypedSources {
  readonly streams?: StreamRoutes | undefined;
  readonly streamMethods?: readonly DescMethodStreaming[] | undefined;
  readonly routes?: ((router: ConnectRouter) => void) | undefined;
  readonly errorDetail?: ErrorDetailCodec | undefined;
}

/** Answers a request for a known RPC; returns false for everything else. Throws when the request cannot be read. */
export function createTypedRoutes(
  { streams, streamMethods = [], routes, errorDetail }: TypedSources,
  limits: CompleteLimits,
  shutdownSignal: AbortSignal,
  log: Log,
): (request: AnyRequest, response: AnyResponse) => boolean {
  const options = {
    // Pushes would be compressed for each client anew.
    acceptCompression: [],
    readMaxBytes: limits.messageBytesMax,
    interceptors: [registryErrors(errorDetail, log)],
    shutdownSignal,
  };
  const router = createConnectRouter(options);
  const binaryStreams = createConnectRouter(options);
  for (const method of streamMethods) {
    const path = pathFromMethod(method);
    const handler = streams?.get(path);
    if (handler === undefined) continue;
    const readMaxBytes = limits.messageBytesMaxOf.get(path) ?? limits.messageBytesMax;
    // To a message without fields every field is unknown, and what is unknown is kept as it came.
    const opaque = { ...method, input: EmptySchema, output: EmptySchema };
    router.rpc(method, typedStreamHandler(method, handler, errorDetail), { readMaxBytes });
    binaryStreams.rpc(opaque, typedStreamHandler(opaque, handler, errorDetail), { readMaxBytes });
  }
  routes?.(router);
  const byPath = ({ handlers }: ConnectRouter) => new Map(handlers.map((handler) => [handler.requestPath, handler]));
  const handlers = byPath(router);
  const binaryHandlers = byPath(binaryStreams);

  return (request, response) => {
    const path = pathOf(request);
    const isJson = request.headers["content-type"]?.includes("json") ?? false;
    const handler = (isJson ? undefined : binaryHandlers.get(path)) ?? handlers.get(path);
    if (handler === undefined) return false;
    const values = createContextValues().set(peerAddressKey, peerOf(request));
    const call = handler(universalRequestFromNodeRequest(request, response, undefined, values));
    call
      .then((answered) => universalResponseToNodeResponse(answered, response))
      .catch((error: unknown) => {
        // Mostly a client that went away while it was being answered.
        log.debug("an RPC could not be answered", { method: handler.requestPath, peer: peerOf(request), error });
        answer(response, 500, "text/plain", "internal error\n");
      });
    return true;
  };
}

export function pathFromMethod(method: DescMethodStreaming): string {
  return `/${method.parent.typeName}/${method.name}`;
}
