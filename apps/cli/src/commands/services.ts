/** `rollcall services`: the services of a namespace that have instances, now or at every change. */

import { createClient } from "@connectrpc/connect";
import type { Command } from "commander";
import { isOfPattern, servicePattern, textFromServiceKey, type ServiceKey, type ServiceSummary } from "@rollcall/core";
import { RegistryService, keyFromWire } from "@rollcall/protocol";
import type { ServiceList } from "@rollcall/sdk";

import { noRegistry } from "../failure.ts";
import { jsonFromService, writeJson } from "../output/json.ts";
import { bold, counted, tableLines } from "../output/table.ts";
import type { CommandPorts } from "../ports.ts";
import { callFirst } from "../registry/call.ts";
import { withRegistry } from "../registry/client.ts";
import { addRegistryOptions, serversFrom, type RegistryOptions } from "../registry/settings.ts";

export function addServices(program: Command, ports: CommandPorts): void {
  addRegistryOptions(
    program
      .command("services")
      .description("list the services of a namespace that have instances")
      .option("--prefix <text>", "only services whose name begins with it")
      .option("--watch", "list them again at every change, until Ctrl-C"),
  )
    .addHelpText(
      "after",
      `
Examples:
  rollcall services
  rollcall services --namespace shop --group blue
  rollcall services --watch --prefix orders.
  rollcall services --json | jq -r '.services[].service.service'`,
    )
    .action((options: ServicesOptions) => (options.watch === true ? watch(options, ports) : list(options, ports)));
}

interface ServicesOptions extends RegistryOptions {
  readonly prefix?: string | undefined;
  readonly watch?: boolean | undefined;
}

async function watch(options: ServicesOptions, ports: CommandPorts): Promise<void> {
  const { stdout, interrupted } = ports;
  const { group, prefix } = options;
  await withRegistry(options, ports, async ({ client, firstAnswer }) => {
    const subscription = client.subscribeServices({ group, prefix }, { signal: interrupted });
    await firstAnswer(subscription.ready);
    let before: ServiceList | undefined;
    for await (const view of subscription) {
      const { namespace } = view.pattern;
      if (options.json === true) writeJson(stdout, { namespace, services: view.services.map(jsonFromService) });
      else stdout.write(`${before === undefined ? "" : "\n"}${listText(view, before, stdout)}`);
      before = view;
    }
  });
}

function listText(
  { pattern, services }: ServiceList,
  before: ServiceList | undefined,
  stream: NodeJS.WritableStream,
): string {
  const changes =
    before === undefined ? [] : [count(services, before.services, "new"), count(before.services, services, "gone")];
  const heading = [counted(services.length, "service"), ...changes.filter((part) => part !== "")].join(", ");
  const rows = services.map(({ service, group }) => [service, group]);
  const table = rows.length === 0 ? [] : tableLines(["SERVICE", "GROUP"], rows, stream);
  return `${[`${bold(`namespace ${pattern.namespace}`, stream)}  ${heading}`, ...table].join("\n")}\n`;
}

/** `3 new`: how many of `some` are not among `others`. */
function count(some: readonly ServiceKey[], others: readonly ServiceKey[], word: string): string {
  const known = new Set(others.map(textFromServiceKey));
  const more = some.filter((key) => !known.has(textFromServiceKey(key))).length;
  return more === 0 ? "" : `${more} ${word}`;
}

async function list(options: ServicesOptions, { stdout, env, interrupted }: CommandPorts): Promise<void> {
  const addresses = serversFrom(options, env);
  const pattern = servicePattern({ namespace: options.namespace, group: options.group, prefix: options.prefix });
  const { namespace } = pattern;
  const target = { timeoutMs: options.timeout, interrupted, noneReached: (why: string) => noRegistry(addresses, why) };
  const { answer } = await callFirst({ addresses, ...target }, (transport, call) =>
    createClient(RegistryService, transport).listServices({ namespace }, call),
  );
  const found = answer.services
    .map(({ key, instances }): ServiceSummary => ({ key: keyFromWire(key), instances }))
    .filter(({ key }) => isOfPattern(pattern, key));
  if (options.json === true) {
    const list = found.map(({ key, instances }) => ({ service: jsonFromService(key), instances }));
    writeJson(stdout, { namespace, services: list });
  } else if (found.length === 0) {
    stdout.write(`nobody has registered anything in namespace ${namespace}\n`);
  } else {
    const rows = found.map(({ key, instances }) => [key.service, key.group, String(instances)]);
    stdout.write(`${tableLines(["SERVICE", "GROUP", "INSTANCES"], rows, stdout).join("\n")}\n`);
  }
}
