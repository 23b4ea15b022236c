/** `rollcall resolve`: the instances of a service now. */

import type { Command } from "commander";

import { jsonFromView, writeJson } from "../output/json.ts";
import { viewText } from "../output/view.ts";
import type { CommandPorts } from "../ports.ts";
import { withRegistry } from "../registry/client.ts";
import { addRegistryOptions, type RegistryOptions } from "../registry/settings.ts";
import { addFilterOptions, filterFrom, type FilterOptions } from "./watch.ts";

export function addResolve(program: Command, ports: CommandPorts): void {
  const command = program
    .command("resolve")
    .description("show the instances of a service once")
    .argument("<service>", "name of the service");
  addRegistryOptions(addFilterOptions(command))
    .addHelpText(
      "after",
      `
A service that nobody has registered is an empty list and no failure.

Examples:
  rollcall resolve orders
  rollcall resolve orders --json | jq -r '.instances[].address'`,
    )
    .action((service: string, options: RegistryOptions & FilterOptions) => resolve(service, options, ports));
}

async function resolve(service: string, options: RegistryOptions & FilterOptions, ports: CommandPorts): Promise<void> {
  await withRegistry(options, ports, async ({ client, firstAnswer }) => {
    const view = await firstAnswer(client.subscribe(service, filterFrom(options)).ready);
    if (options.json === true) writeJson(ports.stdout, jsonFromView(view));
    else ports.stdout.write(viewText(view, undefined, ports.stdout));
  });
}
