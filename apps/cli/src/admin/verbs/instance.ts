/** How instances are shown, whatever their providers say. */

import {
  RegistryError,
  controlId,
  invalidField,
  serviceKey,
  type OverrideEffect,
  type OverrideTarget,
} from "@rollcall/core";
import { Option } from "commander";

import { decides, takesBack, type Given, type VerbWords } from "../verb.ts";

interface InstanceOptions {
  readonly at?: string | undefined;
  readonly client?: string | undefined;
  readonly namespace?: string | undefined;
  readonly group?: string | undefined;
}

const args: NonNullable<VerbWords["args"]> = [
  ["[service]", "of which service; not with --at"],
  ["[instance]", "which instance, by its id"],
];

const options: readonly Option[] = [
  new Option("--at <address>", "all instances of all services at host:port, or at a host"),
  new Option("--namespace <name>", 'namespace of the service (default "default")'),
  new Option("--group <name>", 'group of the service (default "default")'),
];

const decidingOptions: readonly Option[] = [
  ...options,
  new Option("--client <id>", "only as this client has registered it: it ends with that process"),
];

const details = [
  "It holds until `instance reset`, or until its time is over: whoever registers the instance, and over restarts of",
  "everything. With --client it holds for the process that has registered the instance, which `rollcall why` names.",
].join("\n");

function verb(
  name: string,
  summary: string,
  effectOf: (given: Given<InstanceOptions>) => OverrideEffect,
  { before = [], examples }: { readonly before?: NonNullable<VerbWords["args"]>; readonly examples: readonly string[] },
) {
  const words = { name: `instance ${name}`, summary, args: [...before, ...args], details, examples };
  return decides<InstanceOptions>({ ...words, options: decidingOptions }, (given) => ({
    kind: "instance override",
    target: targetOf(given.args.slice(before.length), given.options),
    effect: effectOf(given),
    clientId: given.options.client,
  }));
}

export const instanceDisable = verb(
  "disable",
  "let an instance stay listed, as one that wants no traffic",
  () => ({ kind: "disabled" }),
  { examples: ["instance disable orders orders-7", `instance disable --at 10.0.0.7 --reason "disk is failing"`] },
);

export const instanceDrain = verb(
  "drain",
  "take an instance out of all lists, as if it had been unregistered",
  () => ({ kind: "drained" }),
  { examples: ["instance drain orders orders-7 --wait", "instance drain --at 10.0.0.7 --expires 2h"] },
);

export const instanceWeight = verb(
  "weight",
  "give an instance another share of the traffic",
  ({ args: [weight] }) => ({ kind: "weight", weight: weightFrom(weight!) }),
  {
    before: [["<weight>", "0 to 10,000; an instance has 100 unless its provider says otherwise"]],
    examples: ["instance weight 10 orders orders-7", "instance weight 0 --at 10.0.0.7:8080"],
  },
);

export const instanceReset = takesBack<InstanceOptions>(
  {
    name: "instance reset",
    summary: "show an instance again as its provider registers it",
    args,
    options,
    examples: ["instance reset orders orders-7", "instance reset --at 10.0.0.7"],
  },
  ({ args: given, options: { at, ...rest } }) => {
    const target = targetOf(given, { at, ...rest });
    return controlId({ kind: "instance override", target, effect: { kind: "drained" }, clientId: undefined });
  },
);

function targetOf(args: readonly (string | undefined)[], options: InstanceOptions): OverrideTarget {
  const [service, instanceId] = args;
  const { at, namespace, group } = options;
  if (at !== undefined && service === undefined) return { kind: "address", address: at };
  if (at === undefined && service !== undefined && instanceId !== undefined)
    return { kind: "instance", key: serviceKey({ service, namespace, group }), instanceId };
  throw new RegistryError("invalid_field", "give a service and the id of an instance, or --at and an address");
}

function weightFrom(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw invalidField("weight", "a whole number from 0 to 10000", text);
}
