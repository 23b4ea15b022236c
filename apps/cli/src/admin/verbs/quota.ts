/** How much may be registered in a namespace. */

import { controlId, type Quota } from "@rollcall/core";
import { Option } from "commander";

import { wholeNumber } from "../../registry/settings.ts";
import { decides, takesBack, type Given } from "../verb.ts";

interface QuotaOptions {
  readonly instances?: number | undefined;
  readonly services?: number | undefined;
}

const details = `A registration above it is refused with limit_exceeded; what is registered stays, also when the quota is lower than that.`;
const args = [["<namespace>", "name of the namespace"]] as const;

export const quotaSet = decides<QuotaOptions>(
  {
    name: "quota set",
    summary: "bound what may be registered in a namespace",
    details,
    args,
    options: [
      new Option("--instances <n>", "instances at most").argParser(wholeNumber),
      new Option("--services <n>", "services at most").argParser(wholeNumber),
    ],
    examples: ["quota set tenant-7 --instances 500 --services 50"],
  },
  quotaOf,
);

export const quotaUnset = takesBack(
  {
    name: "quota unset",
    summary: "let a namespace have as much as it likes",
    details,
    args,
    examples: ["quota unset tenant-7"],
  },
  (given) => controlId(quotaOf({ ...given, options: {} })),
);

function quotaOf({ args: [namespace = ""], options: { instances, services } }: Given<QuotaOptions>): Quota {
  return { kind: "quota", namespace, instances, services };
}
