/** What is done to a cluster whose nodes are of two versions. */

import type { NodeRole } from "@rollcall/core";

import { pickUp, type Fault } from "./fault.ts";

const ROLES: readonly NodeRole[] = ["meta", "data", "session"];

/** How often a node is taken back to the former version while others wait to be upgraded. */
const TAKEN_BACK = 0.2;

/** A node is told to stop, and started again as the other version: mostly as the new one. */
export const changeVersion: Fault = (scene) => {
  const { random } = scene;
  const node = pickUp(
    scene,
    random.pick(ROLES),
    ({ version }) => version === (random.chance(TAKEN_BACK) ? "this" : "former"),
  );
  if (node === undefined) return undefined;
  const next = node.version === "this" ? "former" : "this";
  void node.stop();
  return {
    words: `${node.nodeId} is told to stop, and becomes ${next} version`,
    end: () => {
      // Who waits for it has waited long enough.
      node.crash();
      node.version = next;
      node.restart({ disk: "kept" });
    },
  };
};
