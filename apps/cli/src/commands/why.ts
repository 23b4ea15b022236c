/** `rollcall why`: what the nodes remember of a service, as one story. */

import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { InvalidArgumentError, type Command } from "commander";
import {
  DEFAULT_GROUP,
  DEFAULT_NAMESPACE,
  EVENTS_PER_SERVICE_MAX,
  formatVersion,
  ownerOf,
  serviceKey,
  slotOfServiceKey,
  type ClusterState,
  type Member,
  type ServiceKey,
} from "@rollcall/core";
import {
  IntrospectionService,
  MetaService,
  clusterStateFromWire,
  serviceEventFromWire,
  wireFromKey,
} from "@rollcall/protocol";

import { CommandFailure } from "../failure.ts";
import { jsonFromService, jsonFromVersion, writeJson } from "../output/json.ts";
import { bold, dim, printable, tableLines } from "../output/table.ts";
import { serviceText } from "../output/view.ts";
import type { CommandPorts } from "../ports.ts";
import { callFirst } from "../registry/call.ts";
import { addressesFrom, collect, wholeNumber } from "../registry/settings.ts";
import { sentenceOf, storyOf, type NodeMemory, type StoryLine } from "../story.ts";
import { DEFAULT_META, META_VARIABLE, noMeta } from "./status.ts";

interface WhyOptions {
  readonly meta?: readonly string[] | undefined;
  readonly namespace?: string | undefined;
  readonly group?: string | undefined;
  readonly limit: number;
  readonly json?: boolean | undefined;
  readonly timeout: number;
}

export function addWhy(program: Command, ports: CommandPorts): void {
  program
    .command("why")
    .description("tell what happened to a service of late, on all nodes: who registered what, and who was told when")
    .argument("<service>", "name of the service")
    .option("--meta <host:port>", `meta node, repeatable (variable ${META_VARIABLE}, default ${DEFAULT_META})`, collect)
    .option("--namespace <name>", 'namespace of the service (default "default")')
    .option("--group <name>", 'group of the service (default "default")')
    .option("--limit <count>", "events of each node, the newest", limitFrom, EVENTS_PER_SERVICE_MAX)
    .option("--json", "one JSON object, for scripts")
    .option("--timeout <ms>", "how long to wait for each answer", wholeNumber, 5_000)
    .addHelpText(
      "after",
      `
Nodes remember the last ${EVENTS_PER_SERVICE_MAX} events of a service, since they were started.

Examples:
  rollcall why orders
  rollcall why orders --limit 10 --json | jq '.events[] | select(.kind == "ended")'`,
    )
    .action((service: string, options: WhyOptions) => why(service, options, ports));
}

async function why(
  service: string,
  options: WhyOptions,
  { stdout, stderr, env, interrupted }: CommandPorts,
): Promise<void> {
  const { namespace = DEFAULT_NAMESPACE, group = DEFAULT_GROUP, timeout: timeoutMs } = options;
  const key = serviceKey({ namespace, group, service });
  const addresses = addressesFrom(options.meta, env[META_VARIABLE], DEFAULT_META, "--meta");
  const target = { addresses, timeoutMs, interrupted, noneReached: (reason: string) => noMeta(addresses, reason) };
  const { address, answer } = await callFirst(target, (transport, call) =>
    createClient(MetaService, transport).getCluster({}, call),
  );
  if (answer.state === undefined) throw new CommandFailure(`${address} answered without the state of the cluster`);
  const state = clusterStateFromWire(answer.state);
  const asked = state.members.filter(({ role }) => role === "session" || role === "data");
  const answers = await Promise.allSettled(asked.map((member) => memoryOf(member, key, options.limit, timeoutMs)));
  const memories = answers.flatMap((settled) => (settled.status === "fulfilled" ? [settled.value] : []));
  const silent = asked.filter((_member, at) => answers[at]?.status === "rejected").map(({ nodeId }) => nodeId);
  if (silent.length > 0) stderr.write(`rollcall: no answer from ${silent.join(", ")}: their part is missing\n`);
  if (memories.length === 0) throw new CommandFailure("no session or data node answers: see `rollcall status`");
  const now = performance.now();
  const story = storyOf(memories);
  const { leader, leaderEpoch } = ownerOf(state.table, slotOfServiceKey(key));
  if (options.json === true) {
    const events = story.map((line) => jsonFromLine(line, now));
    writeJson(stdout, { service: jsonFromService(key), leader: leader ?? null, leaderEpoch, silent, events });
  } else {
    stdout.write(storyText(key, leaderText(state, leader), story, now, stdout));
  }
}

function limitFrom(text: string): number {
  const limit = wholeNumber(text);
  if (limit >= 1 && limit <= EVENTS_PER_SERVICE_MAX) return limit;
  throw new InvalidArgumentError(`It must be 1 to ${EVENTS_PER_SERVICE_MAX}.`);
}

async function memoryOf(
  { nodeId, role, address }: Member,
  key: ServiceKey,
  limit: number,
  timeoutMs: number,
): Promise<NodeMemory> {
  const transport = createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1" });
  const { events } = await createClient(IntrospectionService, transport).getEvents(
    { key: wireFromKey(key), limit },
    { timeoutMs },
  );
  return { nodeId, role, answeredAt: performance.now(), events: events.map(serviceEventFromWire) };
}

function leaderText({ members }: ClusterState, leader: string | undefined): string {
  if (leader === undefined) return "nobody leads its slot";
  return members.some(({ nodeId }) => nodeId === leader) ? `led by ${leader}` : `led by ${leader}, which is gone`;
}

function jsonFromLine({ nodeId, role, at, event }: StoryLine, now: number): object {
  const { kind, lastedUs, version, instanceId, who, count, via, why } = event;
  return {
    nodeId,
    role,
    kind,
    agoMs: Math.round((now - at) * 1_000) / 1_000,
    lastedMs: lastedUs / 1_000,
    version: version === undefined ? null : jsonFromVersion(version),
    instanceId: instanceId || null,
    who,
    count,
    via: via || null,
    why: why || null,
  };
}

function storyText(
  key: ServiceKey,
  leader: string,
  story: readonly StoryLine[],
  now: number,
  stream: NodeJS.WritableStream,
): string {
  const heading = `${bold(serviceText(key), stream)}  ${leader}`;
  if (story.length === 0) return `${heading}\n${dim("nothing happened to it that a node remembers", stream)}\n`;
  const rows = story.map(({ nodeId, at, event }) => [
    `${((now - at) / 1_000).toFixed(3)} s ago`,
    event.version === undefined ? "" : formatVersion(event.version),
    nodeId,
    printable(sentenceOf(event)),
  ]);
  return `${[heading, ...tableLines(["WHEN", "VERSION", "NODE", "WHAT IT DID"], rows, stream)].join("\n")}\n`;
}
