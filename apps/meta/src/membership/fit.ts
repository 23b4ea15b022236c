/**
 * Whether a node can be in the cluster at all. What decides where a service lies has to be the same everywhere, or what is
 * registered at one node is looked for at another; and nobody is to join a cluster that he was not meant for.
 */

import { SLOT_COUNT, SLOT_HASH, invalidField, type NodeHello } from "@rollcall/core";

export interface CommonGround {
  readonly clusterId: string;
  readonly replicas: number;
}

/** @throws RegistryError `invalid_field` naming the first thing in which the node differs. */
export function checkFit(hello: NodeHello, { clusterId, replicas }: CommonGround): void {
  const { slotCount, hash } = hello;
  // What an older node does not say is what it was before anybody could say it.
  if (slotCount !== 0 && slotCount !== SLOT_COUNT) refuse("slot_count", `${SLOT_COUNT}`, slotCount);
  if (hash !== "" && hash !== SLOT_HASH) refuse("hash", SLOT_HASH, hash);
  if (hello.replicas !== 0 && hello.replicas !== replicas) refuse("replicas", `${replicas}`, hello.replicas);
  if (hello.clusterId !== "" && hello.clusterId !== clusterId) refuse("cluster_id", clusterId, hello.clusterId);
}

function refuse(field: string, common: string, value: unknown): never {
  throw invalidField(field, `${common}, as in this cluster`, value);
}
