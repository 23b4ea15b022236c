/** `rollcall register`: an instance that is registered until Ctrl-C. */

import type { Command } from "commander";
import { formatVersion } from "@rollcall/core";
import { RegistryError, type InstanceInput, type Registration } from "@rollcall/sdk";

import { CommandFailure } from "../failure.ts";
import { jsonFromInstance, jsonFromService, jsonFromVersion, writeJson } from "../output/json.ts";
import { serviceText } from "../output/view.ts";
import type { CommandPorts } from "../ports.ts";
import { untilInterrupted, withRegistry } from "../registry/client.ts";
import { probeFromOptions, probeOptions, type ProbeOptions } from "../registry/probe-option.ts";
import { addRegistryOptions, pair, wholeNumber, type RegistryOptions } from "../registry/settings.ts";

interface RegisterOptions extends RegistryOptions, ProbeOptions {
  readonly protocol?: string | undefined;
  readonly id?: string | undefined;
  readonly weight?: number | undefined;
  readonly zone?: string | undefined;
  readonly meta?: Readonly<Record<string, string>> | undefined;
}

/** Whoever pressed Ctrl-C waits no longer; the registry takes the instance out by itself then. */
const DRAIN_WITHIN_MS = 2_000;

export function addRegister(program: Command, ports: CommandPorts): void {
  const command = program
    .command("register")
    .description("register an instance of a service and keep it registered until Ctrl-C")
    .argument("<service>", "name of the service")
    .argument("<address>", "host:port that others reach the instance by")
    .option("--protocol <name>", 'what the address speaks, such as http or grpc (default "tcp")')
    .option("--id <id>", "identity of the instance within the service (default random)")
    .option("--weight <number>", "share of traffic, 0 to 10000 (default 100)", wholeNumber)
    .option("--zone <name>", "where it runs")
    .option("--meta <key=value>", "metadata, repeatable", pair);
  for (const option of probeOptions) command.addOption(option);
  addRegistryOptions(command)
    .addHelpText(
      "after",
      `
Nothing has to listen at the address: the registry does not call it, unless --probe asks for that.

Examples:
  rollcall register orders 127.0.0.1:8080
  rollcall register orders 10.0.0.7:8080 --protocol http --zone a --meta version=1.2 --meta canary=true`,
    )
    .action((service: string, address: string, options: RegisterOptions) =>
      register(service, { ...instanceOptions(options), address }, options, ports),
    );
}

function instanceOptions(options: RegisterOptions): Omit<InstanceInput, "address"> {
  const { protocol, id, weight, zone, meta } = options;
  const given = Object.entries({ protocol, id, weight, zone, metadata: meta, probe: probeFromOptions(options) });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

async function register(
  service: string,
  instance: InstanceInput,
  { json = false, ...options }: RegisterOptions,
  ports: CommandPorts,
): Promise<void> {
  await withRegistry(options, ports, async ({ client, firstAnswer }) => {
    const registration = await firstAnswer(client.register({ ...instance, service }));
    tell("registered", registration, json, ports.stdout);
    const before = registration.version;
    await untilInterrupted(ports.interrupted);
    const failure = await drained(registration);
    const { address } = registration.instance;
    if (registration.version === before) {
      ports.stderr.write(
        `rollcall: the registry could not be told that ${address} is gone; it will find out by itself\n`,
      );
      return;
    }
    tell("unregistered", registration, json, ports.stdout);
    if (failure !== undefined) ports.stderr.write(`rollcall: ${failure.message}\n`);
  });
}

/** Why it cannot be said that everybody knows, if so. */
async function drained(registration: Registration): Promise<RegistryError | undefined> {
  try {
    await registration.drain({ timeoutMs: DRAIN_WITHIN_MS });
    return undefined;
  } catch (thrown) {
    return RegistryError.fromUnknown(thrown);
  }
}

function tell(
  event: "registered" | "unregistered",
  { service, instance, version }: Registration,
  json: boolean,
  stdout: NodeJS.WritableStream,
): void {
  if (version === undefined) throw new CommandFailure("an applied registration has a version");
  if (json) {
    const parts = { service: jsonFromService(service), version: jsonFromVersion(version) };
    writeJson(stdout, { event, ...parts, instance: jsonFromInstance(instance) });
    return;
  }
  const { protocol, address, id } = instance;
  const hint = event === "registered" ? "; Ctrl-C unregisters it" : "";
  stdout.write(`${event} ${protocol}://${address} for ${serviceText(service)} with id ${id}`);
  stdout.write(` at version ${formatVersion(version)}${hint}\n`);
}
