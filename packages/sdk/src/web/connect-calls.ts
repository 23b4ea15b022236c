/** The registry's calls by Connect or gRPC-web, as the browser's `fetch` can make them. */

import { fromBinary, toBinary, type MessageShape } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { RegistryError } from "@rollcall/core";
import {
  InstanceSchema,
  RegistryService,
  bytesFromWatchRequest,
  errorDetailCodec,
  serverMessageFromBytes,
  versionFromWire,
  wireFromKey,
} from "@rollcall/protocol";
import { registryErrorFromConnectError } from "@rollcall/runtime/errors";

import type { RegistryCalls } from "../lease/registry-calls.ts";

/** How a browser's calls are written: both go over HTTP/1.1 and HTTP/2. */
export type WebProtocol = "connect" | "grpc-web";

/**
 * Watch with its messages left as bytes: to a message without fields every field is unknown, and is kept as it came.
 * An instance that is decoded and encoded again need not have the bytes of which its digest was made.
 */
const opaqueWatch = { ...RegistryService.method.watch, input: EmptySchema, output: EmptySchema };

/**
 * Calls to the server at `baseUrl`, each given up after `timeoutMs` but for the stream of pushes.
 * @param keepalive whether calls go on when the page is gone
 */
export function connectCalls(
  protocol: WebProtocol,
  baseUrl: string,
  timeoutMs: number,
  keepalive = false,
): RegistryCalls {
  const transport = transportOf(protocol, baseUrl, keepalive);
  const registry = createClient(RegistryService, transport);
  return {
    async register({ key, instance }, leaseMs, signal) {
      const request = { key: wireFromKey(key), instance: fromBinary(InstanceSchema, instance), leaseMs };
      const granted = await answered(registry.register(request, { signal, timeoutMs }));
      return { version: versionFromWire(granted.version), leaseMs: granted.leaseMs };
    },
    async renew(key, instanceId, signal) {
      await answered(registry.renew({ key: wireFromKey(key), instanceId }, { signal, timeoutMs }));
    },
    async unregister(key, instanceId, signal) {
      const request = { key: wireFromKey(key), instanceId };
      return versionFromWire((await answered(registry.unregister(request, { signal, timeoutMs }))).version);
    },
    async drain(key, instanceId, signal) {
      await answered(registry.drain({ key: wireFromKey(key), instanceId }, { signal, timeoutMs }));
    },
    async *watch(hello, items, signal) {
      const request = fromBinary(EmptySchema, bytesFromWatchRequest(hello, items));
      for await (const message of opaqueMessages(transport, request, signal))
        yield serverMessageFromBytes(toBinary(EmptySchema, message));
    },
  };
}

function transportOf(protocol: WebProtocol, baseUrl: string, keepalive: boolean): Transport {
  const call: typeof fetch = (input, init) => fetch(input, { ...init, keepalive });
  const options = { baseUrl, useBinaryFormat: true, fetch: call };
  return protocol === "connect" ? createConnectTransport(options) : createGrpcWebTransport(options);
}

type Opaque = MessageShape<typeof EmptySchema>;

async function* opaqueMessages(transport: Transport, request: Opaque, signal: AbortSignal): AsyncIterable<Opaque> {
  try {
    const requests = (async function* () {
      yield request;
    })();
    const response = await transport.stream(opaqueWatch, signal, 0, undefined, requests);
    yield* response.message;
  } catch (thrown) {
    throw registryErrorFrom(thrown);
  }
}

async function answered<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (thrown) {
    throw registryErrorFrom(thrown);
  }
}

function registryErrorFrom(thrown: unknown): RegistryError {
  const error = ConnectError.from(thrown);
  // No server of ours says "unknown": it is what `fetch` makes of a server it cannot reach, or that breaks off.
  if (error.code === Code.Unknown) return new RegistryError("unavailable", error.rawMessage, { cause: error });
  return registryErrorFromConnectError(error, errorDetailCodec);
}
