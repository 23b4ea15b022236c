/** Single calls over Connect, to the first server that answers. */

import { ConnectError, type CallOptions, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { RegistryError } from "@rollcall/core";
import { errorDetailCodec } from "@rollcall/protocol";
import { registryErrorFromConnectError } from "@rollcall/runtime";

export interface CallTarget {
  readonly addresses: readonly string[];
  /** How long each may take to answer. */
  readonly timeoutMs: number;
  readonly interrupted: AbortSignal;
  /** The failure when none can be reached. */
  readonly noneReached: (why: string, failure: RegistryError) => Error;
}

/**
 * What `call` gives at the first address that can be reached and is ready. Rejects with what the server refused, or
 * with `noneReached`.
 */
export async function callFirst<Answer>(
  { addresses, timeoutMs, interrupted, noneReached }: CallTarget,
  call: (transport: Transport, options: CallOptions) => Promise<Answer>,
): Promise<{ readonly address: string; readonly answer: Answer }> {
  let failure = new RegistryError("unavailable", "no address");
  for (const address of addresses) {
    const transport = createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1" });
    try {
      const answer = await call(transport, { timeoutMs, signal: interrupted });
      return { address, answer };
    } catch (thrown) {
      failure = registryErrorFromConnectError(ConnectError.from(thrown), errorDetailCodec);
      if (!isElsewhere(failure)) throw failure;
    }
  }
  throw noneReached(failure.message, failure);
}

/** Whether another server may do better. */
function isElsewhere({ reason }: RegistryError): boolean {
  return ["unavailable", "not_ready", "shutting_down", "deadline_exceeded"].includes(reason);
}
