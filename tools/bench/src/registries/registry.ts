/** A registry of real processes, of whichever make, for the time of a benchmark. What it keeps, it keeps in memory files. */

import type { Server } from "../harness/usage.ts";
import { startEtcd } from "./etcd.ts";
import { startRollcall } from "./rollcall.ts";
import { startZookeeper } from "./zookeeper.ts";

export type RegistryKind = "rollcall" | "etcd" | "zookeeper";

export interface Registry extends AsyncDisposable {
  readonly kind: RegistryKind;
  /** `host:port` for clients. */
  readonly address: string;
  readonly servers: readonly Server[];
}

const STARTS: Readonly<Record<RegistryKind, () => Promise<Registry>>> = {
  rollcall: startRollcall,
  etcd: startEtcd,
  zookeeper: startZookeeper,
};

export function startRegistry(kind: RegistryKind): Promise<Registry> {
  return STARTS[kind]();
}
