/** A probe as it is written on the command line: `tcp`, `http:204/healthz`, `grpc:shop.Orders`. */

import { probeFromInput, type Probe, type ProbeInput } from "@rollcall/core";
import { InvalidArgumentError, Option } from "commander";

import { wholeNumber } from "./settings.ts";

export interface ProbeOptions {
  readonly probe?: ProbeInput | undefined;
  readonly probeInterval?: number | undefined;
  readonly probeTimeout?: number | undefined;
}

const FORMS = "tcp, http[:<status>][/<path>], or grpc[:<service>]";

export const probeOptions: readonly Option[] = [
  new Option("--probe <question>", `how the registry finds out whether the instance can take work: ${FORMS}`).argParser(
    probeFromText,
  ),
  new Option("--probe-interval <ms>", "time between two probes (default 5000)").argParser(wholeNumber),
  new Option("--probe-timeout <ms>", "how long an answer is waited for (default 1000)").argParser(wholeNumber),
];

/** @throws RegistryError `invalid_field` when the times make no sense. */
export function probeFromOptions({ probe, probeInterval, probeTimeout }: ProbeOptions): Probe | undefined {
  if (probe === undefined) return undefined;
  return probeFromInput({
    ...probe,
    ...(probeInterval !== undefined && { intervalMs: probeInterval }),
    ...(probeTimeout !== undefined && { timeoutMs: probeTimeout }),
  });
}

export function probeFromText(text: string): ProbeInput {
  if (text === "tcp") return { kind: "tcp" };
  const http = /^http(?::(\d{3}))?(\/.*)?$/.exec(text);
  if (http !== null)
    return { kind: "http", path: http[2], status: http[1] === undefined ? undefined : Number(http[1]) };
  const grpc = /^grpc(?::(.+))?$/.exec(text);
  if (grpc !== null) return { kind: "grpc", service: grpc[1] };
  throw new InvalidArgumentError(`It must be ${FORMS}.`);
}
