/** `rollcall services`: the services of a namespace that have instances. */

import { createClient } from "@connectrpc/connect";
import type { Command } from "commander";
import { DEFAULT_NAMESPACE, checkShortName, type ServiceSummary } from "@rollcall/core";
import { RegistryService, keyFromWire } from "@rollcall/protocol";

import { noRegistry } from "../failure.ts";
import { jsonFromService, writeJson } from "../output/json.ts";
import { tableLines } from "../output/table.ts";
import type { CommandPorts } from "../ports.ts";
import { callFirst } from "../registry/call.ts";
import { addRegistryOptions, serversFrom, type RegistryOptions } from "../registry/settings.ts";

export function addServices(program: Command, ports: CommandPorts): void {
  addRegistryOptions(
    program.command("services").description("list the services of a namespace that have instances, once"),
  )
    .addHelpText(
      "after",
      `
Examples:
  rollcall services
  rollcall services --namespace shop --group blue
  rollcall services --json | jq -r '.services[].service.service'`,
    )
    .action((options: RegistryOptions) => services(options, ports));
}

async function services(options: RegistryOptions, { stdout, env, interrupted }: CommandPorts): Promise<void> {
  const addresses = serversFrom(options, env);
  const namespace = checkShortName("namespace", options.namespace || DEFAULT_NAMESPACE);
  const target = { timeoutMs: options.timeout, interrupted, noneReached: (why: string) => noRegistry(addresses, why) };
  const { answer } = await callFirst({ addresses, ...target }, (transport, call) =>
    createClient(RegistryService, transport).listServices({ namespace }, call),
  );
  const found = answer.services
    .map(({ key, instances }): ServiceSummary => ({ key: keyFromWire(key), instances }))
    .filter(({ key }) => options.group === undefined || key.group === options.group);
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
