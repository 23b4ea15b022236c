/** `rollcall drain`: takes out an instance that was registered by a plain call, and waits until everybody knows. */

import { createClient } from "@connectrpc/connect";
import type { Command } from "commander";
import { formatVersion, serviceKey } from "@rollcall/core";
import { RegistryService, versionFromWire, wireFromKey } from "@rollcall/protocol";

import { CommandFailure, noRegistry } from "../failure.ts";
import { jsonFromService, jsonFromVersion, writeJson } from "../output/json.ts";
import { serviceText } from "../output/view.ts";
import type { CommandPorts } from "../ports.ts";
import { callFirst } from "../registry/call.ts";
import { addRegistryOptions, serversFrom, wholeNumber, type RegistryOptions } from "../registry/settings.ts";

interface DrainOptions extends RegistryOptions {
  readonly wait: number;
}

export function addDrain(program: Command, ports: CommandPorts): void {
  const command = program
    .command("drain")
    .description("take out an instance and wait until every live subscriber knows")
    .argument("<service>", "name of the service")
    .argument("<id>", "identity of the instance, as Register gave it")
    .option("--wait <ms>", "how long to wait for subscribers, at most 60000", wholeNumber, 10_000);
  addRegistryOptions(command)
    .addHelpText(
      "after",
      `
For instances that were registered by a plain call, with a lease. A client with a connection drains its own; one that
runs "rollcall register" does so when it is stopped with Ctrl-C.

Examples:
  rollcall drain orders http@10.0.0.7:8080
  rollcall drain orders http@10.0.0.7:8080 --wait 30000`,
    )
    .action((service: string, id: string, options: DrainOptions) => drain(service, id, options, ports));
}

async function drain(
  service: string,
  instanceId: string,
  { wait, json = false, ...options }: DrainOptions,
  { stdout, env, interrupted }: CommandPorts,
): Promise<void> {
  const addresses = serversFrom(options, env);
  const key = serviceKey({ service, namespace: options.namespace, group: options.group });
  const { answer } = await callFirst(
    {
      addresses,
      timeoutMs: wait,
      interrupted,
      noneReached: (why, { reason }) =>
        reason === "deadline_exceeded"
          ? new CommandFailure(`${instanceId} is taken out, but ${why}`)
          : noRegistry(addresses, why),
    },
    (transport, call) => createClient(RegistryService, transport).drain({ key: wireFromKey(key), instanceId }, call),
  );
  const version = versionFromWire(answer.version);
  if (json)
    writeJson(stdout, {
      event: "drained",
      service: jsonFromService(key),
      instanceId,
      version: jsonFromVersion(version),
    });
  else
    stdout.write(
      `drained ${instanceId} of ${serviceText(key)}: everybody knows since version ${formatVersion(version)}\n`,
    );
}
