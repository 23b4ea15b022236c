import type { ClientHello, RegisterItem, ServerMessage, ServiceKey, Version } from "@rollcall/core";
import type { WatchedItems } from "@rollcall/protocol";

/**
 * What one server can be asked, call by call. Each rejects with a RegistryError; `unavailable` also says that the
 * server could not be reached. An aborted call may have been carried out.
 */
export interface RegistryCalls {
  /** Registers under a lease of `leaseMs`; resolves, with the length that was granted, when it is applied. */
  register(
    item: Pick<RegisterItem, "key" | "instance">,
    leaseMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly version: Version; readonly leaseMs: number }>;
  /** Rejects with `unknown_registration` when the lease has ended. */
  renew(key: ServiceKey, instanceId: string, signal: AbortSignal): Promise<void>;
  unregister(key: ServiceKey, instanceId: string, signal: AbortSignal): Promise<Version>;
  /** Unregisters, and resolves when every live subscriber knows. */
  drain(key: ServiceKey, instanceId: string, signal: AbortSignal): Promise<void>;
  /** What the server pushes, beginning with its hello, until it ends the stream or loses it. */
  watch(hello: ClientHello, items: WatchedItems, signal: AbortSignal): AsyncIterable<ServerMessage>;
}
