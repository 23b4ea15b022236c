/** Whether slots are moved to make the load of data nodes even. */

import { controlId } from "@rollcall/core";

import { decides, takesBack } from "../verb.ts";

const OFF = { kind: "rebalance off" } as const;

const details = "A lost leader is replaced all the same.";

export const rebalanceOff = decides(
  {
    name: "rebalance off",
    summary: "leave slots where they are",
    details,
    examples: [`rebalance off --reason "tonight's import" --expires 2h`],
  },
  () => OFF,
);

export const rebalanceOn = takesBack(
  {
    name: "rebalance on",
    summary: "move slots again to make the load of data nodes even",
    details,
    examples: ["rebalance on"],
  },
  () => controlId(OFF),
);
