/** Where the registry is and how long to wait for it: what every client verb takes. */

import { InvalidArgumentError, type Command } from "commander";

import { CommandFailure, EXIT } from "../failure.ts";

export interface RegistryOptions {
  /** From `--server`, each a comma list; none when it was not given. */
  readonly server?: readonly string[] | undefined;
  readonly namespace?: string | undefined;
  readonly group?: string | undefined;
  readonly json?: boolean | undefined;
  readonly timeout: number;
}

export const DEFAULT_SERVER = "127.0.0.1:9600";
const SERVER_VARIABLE = "ROLLCALL_SERVER";

/** Long enough for a registry that is just starting, short enough for a person who waits. */
const DEFAULT_TIMEOUT_MS = 5_000;

export function addRegistryOptions(command: Command): Command {
  return command
    .option(
      "--server <host:port>",
      `session node, repeatable or with commas (variable ${SERVER_VARIABLE}, default ${DEFAULT_SERVER})`,
      collect,
    )
    .option("--namespace <name>", 'namespace of the service (default "default")')
    .option("--group <name>", 'group of the service (default "default")')
    .option("--json", "one JSON object a line, for scripts")
    .option("--timeout <ms>", "how long to wait for the first answer", wholeNumber, DEFAULT_TIMEOUT_MS);
}

/** The flag wins over the variable, that over the default. */
export function serversFrom({ server }: Pick<RegistryOptions, "server">, env: NodeJS.ProcessEnv): readonly string[] {
  return addressesFrom(server, env[SERVER_VARIABLE], DEFAULT_SERVER, "--server");
}

export function addressesFrom(
  flags: readonly string[] | undefined,
  variable: string | undefined,
  fallback: string,
  flag: string,
): readonly string[] {
  const given = flags ?? [variable || fallback];
  const addresses = given.flatMap((list) => list.split(",")).map((address) => address.trim());
  for (const address of addresses) checkAddress(address, flag);
  return addresses;
}

function checkAddress(address: string, flag: string): void {
  const port = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):(\d{1,5})$/.exec(address)?.[1];
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return;
  throw new CommandFailure(`${flag} must be host:port, such as ${DEFAULT_SERVER}, got ${JSON.stringify(address)}`, {
    exitCode: EXIT.usage,
  });
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

/** `key=value`, collected into one record. */
export function pair(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be key=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
