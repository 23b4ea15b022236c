/** `rollcall watch`: a service now and at every change, until Ctrl-C. */

import { Option, type Command } from "commander";
import type { FilterInput, ServiceView } from "@rollcall/sdk";

import { jsonFromView, writeJson } from "../output/json.ts";
import { viewText } from "../output/view.ts";
import type { CommandPorts } from "../ports.ts";
import { withRegistry } from "../registry/client.ts";
import { addRegistryOptions, pair, type RegistryOptions } from "../registry/settings.ts";

export interface FilterOptions {
  readonly protocol?: string | undefined;
  readonly meta?: Readonly<Record<string, string>> | undefined;
  readonly zone?: string | undefined;
  readonly onlyZone?: string | undefined;
  readonly unhealthy?: boolean | undefined;
}

export function filterFrom({ protocol, meta, zone, onlyZone, unhealthy }: FilterOptions): FilterInput {
  const wanted = onlyZone === undefined ? zone : { only: onlyZone };
  return { protocol, metadata: meta, zone: wanted, includeUnhealthy: unhealthy };
}

export function addFilterOptions(command: Command): Command {
  return command
    .option("--protocol <name>", "only instances that speak it")
    .option("--meta <key=value>", "only instances with this metadata, repeatable", pair)
    .addOption(
      new Option("--zone <name>", "instances of this zone while any of them can take work, else all").conflicts(
        "onlyZone",
      ),
    )
    .option("--only-zone <name>", "only instances of this zone")
    .option("--unhealthy", "instances that cannot take work as well, as their probes have found");
}

export function addWatch(program: Command, ports: CommandPorts): void {
  const command = program
    .command("watch")
    .description("show a service now and at every change, until Ctrl-C")
    .argument("<service>", "name of the service; it need not be there yet");
  addRegistryOptions(addFilterOptions(command))
    .addHelpText(
      "after",
      `
Examples:
  rollcall watch orders
  rollcall watch orders --protocol http --meta version=1.2
  rollcall watch orders --zone eu-1
  rollcall watch orders --json | jq -r '[.instances[].address] | join(" ")'`,
    )
    .action((service: string, options: RegistryOptions & FilterOptions) => watch(service, options, ports));
}

async function watch(service: string, options: RegistryOptions & FilterOptions, ports: CommandPorts): Promise<void> {
  const { stdout, interrupted } = ports;
  await withRegistry(options, ports, async ({ client, firstAnswer }) => {
    const subscription = client.subscribe(service, filterFrom(options), { signal: interrupted });
    await firstAnswer(subscription.ready);
    let before: ServiceView | undefined;
    for await (const view of subscription) {
      if (options.json === true) writeJson(stdout, jsonFromView(view));
      else stdout.write(`${before === undefined ? "" : "\n"}${viewText(view, before, stdout)}`);
      before = view;
    }
  });
}
