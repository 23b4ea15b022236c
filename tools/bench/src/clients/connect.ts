/** The clients of all registries. Each is loaded where it is used: a process of a benchmark talks to one registry. */

import type { RegistryKind } from "../registries/registry.ts";
import type { RegistryClient } from "./registry-client.ts";

export interface ConnectOptions {
  /**
   * How long the registry keeps what a client has registered that falls silent: longer than anything that is measured by
   * default, so that renewals are no part of it. Connections of Rollcall that end need no lease.
   */
  readonly leaseMs?: number | undefined;
  /** When to give up a change that is not answered, for clients that do not know themselves. */
  readonly answerMs?: number | undefined;
  /** It begins at the first of the addresses, with clients that can be told so; otherwise at any. */
  readonly atFirst?: boolean | undefined;
}

/** @param name that no other client has */
export async function connectClient(
  kind: RegistryKind,
  address: string,
  name: string,
  { leaseMs, answerMs, atFirst }: ConnectOptions = {},
): Promise<RegistryClient> {
  switch (kind) {
    case "rollcall":
      return (await import("./rollcall-client.ts")).connectRollcall(address, name, { atFirst });
    case "etcd":
      return (await import("./etcd-client.ts")).connectEtcd(address, name, { leaseMs, answerMs });
    case "zookeeper":
      return (await import("./zookeeper-client.ts")).connectZookeeper(address, leaseMs);
  }
}
