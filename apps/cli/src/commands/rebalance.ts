/** `rollcall rebalance`: whether slots are moved to make things even, and who has decided that they are not. */

import { ConnectError, createClient, type Client } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Command } from "commander";
import { RegistryError, controlId, invalidField, type ControlRecord } from "@rollcall/core";
import { ControlService, controlRecordFromWire, errorDetailCodec, wireFromControlRecord } from "@rollcall/protocol";
import { registryErrorFromConnectError } from "@rollcall/runtime";

import { CommandFailure } from "../failure.ts";
import { writeJson } from "../output/json.ts";
import type { CommandPorts } from "../ports.ts";
import { DEFAULT_META, META_VARIABLE } from "./status.ts";
import { addressesFrom, collect, wholeNumber } from "../registry/settings.ts";

interface RebalanceOptions {
  readonly meta?: readonly string[] | undefined;
  readonly reason: string;
  readonly for?: number | undefined;
  readonly json?: boolean | undefined;
  readonly timeout: number;
}

const OFF = { kind: "rebalance off" } as const;

export function addRebalance(program: Command, ports: CommandPorts): void {
  program
    .command("rebalance [off|on]")
    .description("show, or decide, whether slots are moved to make the load of data nodes even")
    .option("--reason <text>", "why, for whoever finds it so", "")
    .option("--for <seconds>", "on again by itself after so long", wholeNumber)
    .option("--meta <host:port>", `meta node, repeatable (variable ${META_VARIABLE}, default ${DEFAULT_META})`, collect)
    .option("--json", "one JSON object, for scripts")
    .option("--timeout <ms>", "how long to wait for each answer", wholeNumber, 5_000)
    .addHelpText(
      "after",
      `
A lost leader is replaced all the same. The decision is kept over restarts until it is taken back.

Examples:
  rollcall rebalance
  rollcall rebalance off --reason "tonight's import" --for 7200
  rollcall rebalance on`,
    )
    .action((wanted: string | undefined, options: RebalanceOptions) => rebalance(wanted, options, ports));
}

async function rebalance(wanted: string | undefined, options: RebalanceOptions, ports: CommandPorts): Promise<void> {
  if (wanted !== undefined && wanted !== "off" && wanted !== "on") throw invalidField("rebalance", "off or on", wanted);
  const addresses = addressesFrom(options.meta, ports.env[META_VARIABLE], DEFAULT_META, "--meta");
  const record = await askLeader(addresses, options.timeout, ports, async (service, call) => {
    const author = ports.env["USER"] ?? "unknown";
    const { reason } = options;
    if (wanted === "off") {
      const expiresInMs = options.for === undefined ? undefined : options.for * 1_000;
      const asked = { id: "", version: 0, author, reason, decidedAt: "", expiresInMs, control: OFF };
      await service.setControl({ record: wireFromControlRecord(asked) }, call);
    }
    const present = await find(service, call);
    if (wanted !== "on" || present === undefined) return present;
    await service.removeControl({ id: present.id, author, reason }, call);
    return undefined;
  });
  if (options.json === true) writeJson(ports.stdout, jsonFromRecord(record));
  else ports.stdout.write(`${inWords(record)}\n`);
}

type Service = Client<typeof ControlService>;
type Call = { readonly timeoutMs: number; readonly signal: AbortSignal };

async function find(service: Service, call: Call): Promise<ControlRecord | undefined> {
  const id = controlId(OFF);
  const { records } = await service.listControls({ prefix: id }, call);
  return records.map(controlRecordFromWire).find((record) => record.id === id);
}

/** Asks the first meta that answers, and the one it names when it does not lead. */
async function askLeader<Answer>(
  addresses: readonly string[],
  timeoutMs: number,
  { interrupted: signal }: CommandPorts,
  ask: (service: Service, call: Call) => Promise<Answer>,
): Promise<Answer> {
  const left = [...addresses];
  let why = "no address";
  for (let tries = 0; tries <= addresses.length; tries++) {
    const address = left.shift();
    if (address === undefined) break;
    const transport = createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1" });
    try {
      return await ask(createClient(ControlService, transport), { timeoutMs, signal });
    } catch (thrown) {
      const failure =
        thrown instanceof RegistryError
          ? thrown
          : registryErrorFromConnectError(ConnectError.from(thrown), errorDetailCodec);
      if (failure.reason === "not_leader" && failure.subject !== undefined) left.unshift(failure.subject.limit);
      else if (!["unavailable", "not_ready", "deadline_exceeded"].includes(failure.reason)) throw failure;
      why = failure.message;
    }
  }
  throw new CommandFailure(`no meta that leads answers at ${addresses.join(", ")}: ${why}`);
}

function jsonFromRecord(record: ControlRecord | undefined): object {
  if (record === undefined) return { rebalance: "on" };
  const { author, reason, decidedAt, expiresInMs = null, version } = record;
  return { rebalance: "off", author, reason, decidedAt, expiresInMs, version };
}

function inWords(record: ControlRecord | undefined): string {
  if (record === undefined) return "slots are moved to make things even";
  const { author, reason, decidedAt, expiresInMs } = record;
  const why = reason === "" ? "" : `: ${reason}`;
  const until = expiresInMs === undefined ? "" : `, for ${Math.ceil(expiresInMs / 1_000)} s more`;
  return `slots stay where they are, decided by ${author} at ${decidedAt}${until}${why}`;
}
