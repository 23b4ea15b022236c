/** Our errors in Connect's words and back, for the RPCs that go through the typed API. */

import { RegistryError, silentLog, type ErrorValue, type Log } from "@rollcall/core";
import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { codeFromReason, reasonFromStatus, STATUS_NAMES, type ErrorDetailCodec } from "./stream/status.ts";

export function connectErrorFromRegistryError(error: ErrorValue, codec?: ErrorDetailCodec): ConnectError {
  const connectError = new ConnectError(error.message, codeFromReason(error.reason));
  if (codec !== undefined) connectError.details = [{ type: codec.typeName, value: codec.encode(error) }];
  return connectError;
}

export function registryErrorFromConnectError(error: ConnectError, codec?: ErrorDetailCodec): RegistryError {
  const found = error.details.find((detail) => "type" in detail && detail.type === codec?.typeName);
  const detail = found !== undefined && "type" in found ? codec?.decode(found.value) : undefined;
  const reason = detail?.reason ?? reasonFromStatus(STATUS_NAMES[error.code] ?? "unknown");
  const { subject, retryAfterMs } = detail ?? {};
  return new RegistryError(reason, error.rawMessage, { subject, retryAfterMs, cause: error });
}

/**
 * Lets typed handlers throw `RegistryError`s. What else they throw is a fault of ours: it is logged, and the client
 * learns only that there was one.
 */
export function registryErrors(codec: ErrorDetailCodec | undefined, log: Log = silentLog): Interceptor {
  const translate = (thrown: unknown, method: string): ConnectError => {
    if (thrown instanceof ConnectError) return thrown;
    if (thrown instanceof RegistryError) return connectErrorFromRegistryError(thrown, codec);
    log.error("an RPC failed by a fault of the server", { method, error: thrown });
    return connectErrorFromRegistryError(new RegistryError("internal", "internal error"), codec);
  };
  return (next) => async (request) => {
    const method = `${request.service.typeName}/${request.method.name}`;
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: translated(response.message, (thrown) => translate(thrown, method)) };
    } catch (thrown) {
      throw translate(thrown, method);
    }
  };
}

async function* translated<T>(
  messages: AsyncIterable<T>,
  translate: (thrown: unknown) => ConnectError,
): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (thrown) {
    throw translate(thrown);
  }
}
