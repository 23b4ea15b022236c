/** The clients of all registries. */

import type { RegistryKind } from "../registries/registry.ts";
import { connectEtcd } from "./etcd-client.ts";
import type { RegistryClient } from "./registry-client.ts";
import { connectRollcall } from "./rollcall-client.ts";
import { connectZookeeper } from "./zookeeper-client.ts";

const CONNECTS: Readonly<Record<RegistryKind, (address: string, name: string) => Promise<RegistryClient>>> = {
  rollcall: connectRollcall,
  etcd: connectEtcd,
  zookeeper: connectZookeeper,
};

/** @param name that no other client has */
export function connectClient(kind: RegistryKind, address: string, name: string): Promise<RegistryClient> {
  return CONNECTS[kind](address, name);
}
