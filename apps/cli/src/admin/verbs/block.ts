/** Whether what is registered in a service or a namespace is shown to anybody. */

import { DEFAULT_GROUP, DEFAULT_NAMESPACE, controlId, type NamespaceBlock, type ServiceBlock } from "@rollcall/core";
import { Option } from "commander";

import { decides, takesBack, type Given } from "../verb.ts";

interface KeyOptions {
  readonly namespace: string;
  readonly group: string;
}

const details = `Consumers see an empty list, and providers notice nothing: they may register and renew, and are shown again when the
block ends.`;

const namespaceArg = [["<namespace>", "name of the namespace"]] as const;
const serviceArg = [["<service>", "name of the service"]] as const;
const keyOptions = [
  new Option("--namespace <name>", "namespace of the service").default(DEFAULT_NAMESPACE),
  new Option("--group <name>", "group of the service").default(DEFAULT_GROUP),
];

export const blockNamespace = decides(
  {
    name: "block namespace",
    summary: "show nothing of a namespace",
    details,
    args: namespaceArg,
    examples: [`block namespace staging --reason "it was reached from production"`],
  },
  namespaceBlockOf,
);

export const unblockNamespace = takesBack(
  {
    name: "unblock namespace",
    summary: "show a namespace again",
    details,
    args: namespaceArg,
    examples: ["unblock namespace staging"],
  },
  (given) => controlId(namespaceBlockOf(given)),
);

export const blockService = decides<KeyOptions>(
  {
    name: "block service",
    summary: "show no instance of a service",
    details,
    args: serviceArg,
    options: keyOptions,
    examples: [`block service orders --namespace shop --expires 1h --wait`],
  },
  serviceBlockOf,
);

export const unblockService = takesBack<KeyOptions>(
  {
    name: "unblock service",
    summary: "show a service again",
    details,
    args: serviceArg,
    options: keyOptions,
    examples: ["unblock service orders --namespace shop"],
  },
  (given) => controlId(serviceBlockOf(given)),
);

function namespaceBlockOf({ args: [namespace = ""] }: Given): NamespaceBlock {
  return { kind: "namespace block", namespace };
}

function serviceBlockOf({ args: [service = ""], options: { namespace, group } }: Given<KeyOptions>): ServiceBlock {
  return { kind: "service block", key: { namespace, group, service } };
}
