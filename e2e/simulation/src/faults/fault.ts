/** What can go wrong in a simulated cluster, one fault at a time, and how often in a scenario. */

import type { NodeRole } from "@rollcall/core";
import type { HistoryRecorder, LinkFaults, SeededRandom } from "@rollcall/testing";

import type { SimCluster } from "../cluster/sim-cluster.ts";
import type { SimNode } from "../cluster/sim-node.ts";

export interface FaultScene {
  readonly cluster: SimCluster;
  /** Addresses of the clients that were opened so far. */
  readonly clients: readonly string[];
  /** Of this fault alone. */
  readonly random: SeededRandom;
  readonly history: HistoryRecorder;
  /** How many nodes of a role may be out of action at a time. */
  readonly downMax: (role: NodeRole) => number;
}

/** A fault that has begun. */
export interface Begun {
  /** What has happened, for whoever reads the history. */
  readonly words: string;
  end(): void;
}

/** Begins the fault; gives undefined when the cluster is not in a state for it. */
export type Fault = (scene: FaultScene) => Begun | undefined;

/** One kind of fault, how often it comes compared with others, and how long it goes on, in milliseconds. */
export interface Chance {
  readonly weight: number;
  readonly lastsMs: readonly [low: number, high: number];
  readonly fault: Fault;
}

export interface FaultProfile {
  /** What all links suffer from beginning to end. By default nothing. */
  readonly links?: ((random: SeededRandom) => Partial<LinkFaults>) | undefined;
  /** Time between the beginnings of two faults, in milliseconds. */
  readonly everyMs: readonly [low: number, high: number];
  readonly chances: readonly Chance[];
  /** How many nodes of a role may be out of action at a time: by default one. */
  readonly downMax?: Partial<Record<NodeRole, number>> | undefined;
}

/** A node of the role that is up, if one more of them may be taken out of action; of those that are `wanted`. */
export function pickUp(
  { cluster, random, downMax }: FaultScene,
  role: NodeRole,
  wanted: (node: SimNode) => boolean = () => true,
): SimNode | undefined {
  const nodes = cluster.nodesOf(role);
  const up = nodes.filter((node) => node.state === "up" && wanted(node));
  const out = nodes.filter(({ state }) => state !== "up").length;
  return up.length === 0 || out >= downMax(role) ? undefined : random.pick(up);
}

export function addressOf({ address }: SimNode): string {
  return address;
}
