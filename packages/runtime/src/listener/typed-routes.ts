/** Everything that goes through Connect's typed API: unary RPCs, and streams in the forms not served as bytes. */

import type { DescMethodStreaming } from "@bufbuild/protobuf";
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
  const router = createConnectRouter({
    // Pushes would be compressed for each client anew.
    acceptCompression: [],
    readMaxBytes: limits.messageBytesMax,
    interceptors: [registryErrors(errorDetail, log)],
    shutdownSignal,
  });
  for (const method of streamMethods) {
    const path = pathFromMethod(method);
    const handler = streams?.get(path);
    const readMaxBytes = limits.messageBytesMaxOf.get(path) ?? limits.messageBytesMax;
    if (handler !== undefined) router.rpc(method, typedStreamHandler(method, handler, errorDetail), { readMaxBytes });
  }
  routes?.(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return (request, response) => {
    const handler = handlers.get(pathOf(request));
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
