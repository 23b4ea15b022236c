/** Whether subscribers are pushed what changes. */

import { controlId, type PushOff, type PushScope } from "@rollcall/core";
import { Option } from "commander";

import { CommandFailure, EXIT } from "../../failure.ts";
import { collect } from "../../registry/settings.ts";
import { decides, takesBack } from "../verb.ts";

interface ScopeOptions {
  readonly namespace?: string | undefined;
  readonly zone?: string | undefined;
}

interface OffOptions extends ScopeOptions {
  readonly except?: readonly string[] | undefined;
}

const scopeOptions = [
  new Option("--namespace <name>", "only pushes of this namespace"),
  new Option("--zone <zone>", "only pushes to subscriptions that name this zone"),
];

const details = `While it is off, consumers go on with the lists they have, and Resolve is refused. Registrations are taken. When it is on
again, each subscriber that has missed something is pushed the present list, once.`;

export const pushOff = decides<OffOptions>(
  {
    name: "push off",
    summary: "push nothing to subscribers",
    details,
    options: [
      ...scopeOptions,
      new Option(
        "--except <client>",
        "push to this one all the same, repeatable: a client id, the name in it, or an address",
      ).argParser(collect),
    ],
    examples: [
      `push off --reason "a deployment went wrong" --wait`,
      "push off --namespace shop --except canary --except 10.0.0.7",
    ],
  },
  ({ options }) => ({ ...offOf(options), exceptClients: [...(options.except ?? [])] }),
);

export const pushOn = takesBack<ScopeOptions>(
  {
    name: "push on",
    summary: "push again, and first what was missed",
    details,
    options: scopeOptions,
    examples: ["push on", "push on --namespace shop"],
  },
  ({ options }) => controlId(offOf(options)),
);

function offOf(options: ScopeOptions): PushOff {
  return { kind: "push off", scope: scopeOf(options), exceptClients: [] };
}

function scopeOf({ namespace, zone }: ScopeOptions): PushScope {
  if (namespace !== undefined && zone !== undefined)
    throw new CommandFailure("name a namespace or a zone, not both: each is a decision of its own", {
      exitCode: EXIT.usage,
    });
  if (namespace !== undefined) return { kind: "namespace", namespace };
  return zone === undefined ? { kind: "cluster" } : { kind: "zone", zone };
}
