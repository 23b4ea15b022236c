/** Whether a data node owns slots. */

import { controlId, type Control } from "@rollcall/core";

import { decides, takesBack, type Given } from "../verb.ts";

const ARGS = [["<node>", "id of a data node, as `rollcall status` shows it"]] as const;

const drainOf = ({ args: [nodeId] }: Given): Control => ({ kind: "node drain", nodeId: nodeId! });

export const nodeDrain = decides(
  {
    name: "node drain",
    summary: "hand the slots of a data node over to others",
    args: ARGS,
    details:
      "It serves until it owns none, and is given none until it is told to join again, also when it restarts. Where no\nother node is there to take them it keeps them.",
    examples: [`node drain data-2 --reason "a new disk" --expires 2h`],
  },
  drainOf,
);

export const nodeJoin = takesBack(
  {
    name: "node join",
    summary: "give slots again to a data node that was drained",
    args: ARGS,
    examples: ["node join data-2"],
  },
  (given) => controlId(drainOf(given)),
);
