/** A registry of real processes, of whichever make, for the time of a benchmark. */

import type { Medium } from "../harness/own-folder.ts";
import type { Server } from "../harness/usage.ts";
import { startEtcd } from "./etcd.ts";
import { startRollcall } from "./rollcall.ts";
import { startZookeeper } from "./zookeeper.ts";

export type RegistryKind = "rollcall" | "etcd" | "zookeeper";

export interface Registry extends AsyncDisposable {
  readonly kind: RegistryKind;
  /** `host:port` for clients, several with commas between them. */
  readonly address: string;
  /** Those that run. */
  readonly servers: readonly Server[];
  /** The one that leads, or leads most. */
  findLeader(services: readonly string[]): Promise<Leader>;
}

/** Where clients find it. */
export type RegistryAddress = Pick<Registry, "kind" | "address">;

export interface Leader {
  /** Which of the services it leads. */
  readonly leads: ReadonlySet<string>;
  /** `kill -9`. */
  kill(): Promise<void>;
}

export interface RegistryShape {
  /** Where it keeps what it keeps: in memory by default, so that no disk is the limit of anybody. */
  readonly medium: Medium;
  /** Servers that replicate what is registered: 1 by default. */
  readonly members: number;
}

const STARTS: Readonly<Record<RegistryKind, (shape: RegistryShape) => Promise<Registry>>> = {
  rollcall: startRollcall,
  etcd: startEtcd,
  zookeeper: startZookeeper,
};

export function startRegistry(
  kind: RegistryKind,
  { medium = "memory", members = 1 }: Partial<RegistryShape> = {},
): Promise<Registry> {
  return STARTS[kind]({ medium, members });
}
