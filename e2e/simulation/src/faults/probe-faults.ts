/** Faults of the ways to instances. */

import { pickUp, type Fault } from "./fault.ts";

/** A data node reaches no instance any more, though it reaches everybody else. */
export function cutProbes(): Fault {
  return (scene) => {
    const node = pickUp(scene, "data");
    if (node === undefined) return undefined;
    const probes = scene.cluster.probesOf(node);
    probes.setCut(true);
    return { words: `${node.nodeId} reaches no instance`, end: () => probes.setCut(false) };
  };
}
