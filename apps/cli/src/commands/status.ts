/** `rollcall status`: who is in the cluster, what each leads, and whether it does its work. */

import { setTimeout as elapse } from "node:timers/promises";

import { ConnectError, createClient, type CallOptions } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Command } from "commander";
import { SLOT_COUNT, type ClusterState } from "@rollcall/core";
import { MetaService, clusterStateFromWire, errorDetailCodec, type GetClusterResponse } from "@rollcall/protocol";
import { registryErrorFromConnectError } from "@rollcall/runtime";

import { CommandFailure } from "../failure.ts";
import { writeJson } from "../output/json.ts";
import { bold, counted, printable, tableLines } from "../output/table.ts";
import type { CommandPorts } from "../ports.ts";
import { callFirst, type CallTarget } from "../registry/call.ts";
import { readinessOf, type Readiness } from "../registry/readiness.ts";
import { addressesFrom, collect, wholeNumber } from "../registry/settings.ts";

/** The cluster as a meta tells it. */
type Told = Pick<GetClusterResponse, "state" | "leader" | "loads">;

interface StatusOptions {
  readonly meta?: readonly string[] | undefined;
  readonly watch?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly timeout: number;
}

/** One line of the table; the names of the fields are those of `--json`. */
interface NodeStatus extends Readiness {
  readonly role: string;
  /** Null for meta, which is no member and tells only its address. */
  readonly nodeId: string | null;
  readonly incarnation: number | null;
  readonly address: string;
  /** Slots it leads; null for nodes that lead none by their role. */
  readonly slots: number | null;
  /** Slots it follows; null like `slots`. */
  readonly follows: number | null;
  /** Clients connected to it, as it has last said; null for nodes that have none by their role, and while it is not known. */
  readonly clients: number | null;
  /** Where it runs, as it says; null for meta. */
  readonly zone: string | null;
  /** Version of its software, as it says; null for meta. */
  readonly software: string | null;
  /** It hands its slots over. */
  readonly draining: boolean;
  /** It comes and goes, and is given no slots for a while. */
  readonly unsteady: boolean;
  /** Ids of nodes that cannot reach it at its address. */
  readonly unreachableFrom: readonly string[];
}

const HEADINGS = ["ROLE", "NODE", "ADDRESS", "ZONE", "VERSION", "SLOTS", "FOLLOWS", "CLIENTS", "READY"];

export const DEFAULT_META = "127.0.0.1:9610";
export const META_VARIABLE = "ROLLCALL_META";

export function addStatus(program: Command, ports: CommandPorts): void {
  program
    .command("status")
    .description(
      "show the nodes of the cluster, the slots they lead and follow, their clients and whether they are ready",
    )
    .option("--meta <host:port>", `meta node, repeatable (variable ${META_VARIABLE}, default ${DEFAULT_META})`, collect)
    .option("--watch", "go on and show it whenever it changes, until Ctrl-C")
    .option("--json", "one JSON object, for scripts; with --watch one a line")
    .option("--timeout <ms>", "how long to wait for each answer", wholeNumber, 5_000)
    .addHelpText(
      "after",
      `
Ends with exit code 1 when a node is not ready or a slot has no leader.

Examples:
  rollcall status
  rollcall status --watch
  rollcall status --meta 10.0.0.5:9610 --json | jq '.nodes[] | select(.ready | not)'`,
    )
    .action((options: StatusOptions) => (options.watch === true ? watch(options, ports) : status(options, ports)));
}

async function status(options: StatusOptions, ports: CommandPorts): Promise<void> {
  const addresses = addressesFrom(options.meta, ports.env[META_VARIABLE], DEFAULT_META, "--meta");
  const noneReached = (why: string): CommandFailure => noMeta(addresses, why);
  const target = { addresses, timeoutMs: options.timeout, interrupted: ports.interrupted, noneReached };
  const { address, answer } = await callFirst(target, (transport, call) =>
    createClient(MetaService, transport).getCluster({}, call),
  );
  const loads = await loadsBy(answer, address, target);
  const { slots, nodes } = await show({ ...answer, loads }, address, options, ports);
  const unready = nodes.filter(({ ready }) => !ready).length;
  if (unready > 0) throw new CommandFailure(`${counted(unready, "node")} of ${nodes.length} not ready`);
  if (slots.led < slots.total) {
    throw new CommandFailure(`${counted(slots.total - slots.led, "slot")} without a leader: start a data node`);
  }
}

/** Only the meta that leads knows loads. The cluster can be shown without them. */
async function loadsBy(
  { leader, loads }: Told,
  address: string,
  { timeoutMs, interrupted }: Pick<CallTarget, "timeoutMs" | "interrupted">,
): Promise<Told["loads"]> {
  if (leader === "" || leader === address) return loads;
  const transport = createConnectTransport({ baseUrl: `http://${leader}`, httpVersion: "1.1" });
  const call: CallOptions = { timeoutMs, signal: interrupted };
  return createClient(MetaService, transport)
    .getCluster({}, call)
    .then(
      (answer) => answer.loads,
      () => [],
    );
}

/** Time between two looks for a meta after one was lost, in milliseconds. */
const LOOK_AGAIN_MS = 1_000;

/** How long a meta may be silent before it is asked whether it is still there, in milliseconds. */
const ASK_WHETHER_THERE_EVERY_MS = 1_000;

/** Any meta will do; when one is gone the next is asked. Only at the first time somebody has to be there. */
async function watch(options: StatusOptions, ports: CommandPorts): Promise<void> {
  const { env, stderr, interrupted } = ports;
  const addresses = addressesFrom(options.meta, env[META_VARIABLE], DEFAULT_META, "--meta");
  let hasSeen = false;
  for (let at = 0; !interrupted.aborted; at++) {
    const address = addresses[at % addresses.length]!;
    try {
      const transport = createConnectTransport({
        baseUrl: `http://${address}`,
        // With HTTP/2 it can be asked whether it is still there, when there is no news.
        httpVersion: "2",
        pingIntervalMs: ASK_WHETHER_THERE_EVERY_MS,
        pingTimeoutMs: options.timeout,
      });
      for await (const answer of createClient(MetaService, transport).watchCluster({}, { signal: interrupted })) {
        await show(answer, address, options, ports);
        hasSeen = true;
      }
    } catch (thrown) {
      if (interrupted.aborted) return;
      const { message } = registryErrorFromConnectError(ConnectError.from(thrown), errorDetailCodec);
      if (!hasSeen && at === addresses.length - 1) throw noMeta(addresses, message);
      stderr.write(`rollcall: lost ${address} (${message}); asking another meta\n`);
    }
    if (at % addresses.length === addresses.length - 1)
      await elapse(LOOK_AGAIN_MS, undefined, { signal: interrupted }).catch(() => {});
  }
}

function stateFrom({ state }: Told, address: string): ClusterState {
  if (state === undefined) throw new CommandFailure(`${address} answered without the state of the cluster`);
  return clusterStateFromWire(state);
}

async function show(
  told: Told,
  address: string,
  { json, timeout }: StatusOptions,
  { stdout }: CommandPorts,
): Promise<{ readonly slots: SlotCounts; readonly nodes: readonly NodeStatus[] }> {
  const state = stateFrom(told, address);
  const nodes = await Promise.all(
    nodesOf(state, told.loads, address).map(async (node) => ({
      ...node,
      ...(await readinessOf(node.address, timeout)),
    })),
  );
  const slots = slotsOf(state);
  const { clusterId, version } = state;
  if (json === true) writeJson(stdout, { clusterId, version, tableEpoch: state.table.epoch, slots, nodes });
  else stdout.write(statusText(state, slots, nodes, stdout));
  return { slots, nodes };
}

export function noMeta(addresses: readonly string[], why: string): CommandFailure {
  const where = addresses.join(" or ");
  return new CommandFailure(
    `no meta node at ${where} (${why}): start one with \`npm start\` or \`npx rollcall dev\`, or name another with --meta`,
  );
}

interface SlotCounts {
  readonly total: number;
  readonly led: number;
  /** Slots that outlive their leader: somebody follows them. */
  readonly followed: number;
}

/** Meta leaves a slot to a node that is gone while there is nobody to give it to. */
function slotsOf({ members, table }: ClusterState): SlotCounts {
  const live = new Set(members.filter(({ role }) => role === "data").map(({ nodeId }) => nodeId));
  const led = table.owners.filter(({ leader }) => leader !== undefined && live.has(leader)).length;
  const followed = table.owners.filter(({ followers }) => followers.some((nodeId) => live.has(nodeId))).length;
  return { total: SLOT_COUNT, led, followed };
}

function nodesOf(
  { members, table }: ClusterState,
  loads: Told["loads"],
  metaAddress: string,
): Omit<NodeStatus, keyof Readiness>[] {
  const meta = {
    role: "meta",
    nodeId: null,
    incarnation: null,
    address: metaAddress,
    slots: null,
    follows: null,
    clients: null,
    zone: null,
    software: null,
    draining: false,
    unsteady: false,
    unreachableFrom: [],
  };
  const order = ["session", "data", "meta"];
  return [
    ...members
      .toSorted((a, b) => order.indexOf(a.role) - order.indexOf(b.role) || a.nodeId.localeCompare(b.nodeId, "en"))
      .map((member) => {
        const { role, nodeId } = member;
        const { zone = "", software = "", draining = false, unsteady = false, unreachableFrom = [] } = member;
        const { incarnation, address } = member;
        const node = { role, nodeId, incarnation, address, zone, software, draining, unsteady, unreachableFrom };
        if (role !== "data") {
          const clients = loads.find((load) => load.nodeId === nodeId)?.clients ?? null;
          return { ...node, slots: null, follows: null, clients };
        }
        const slots = table.owners.filter(({ leader }) => leader === nodeId).length;
        const follows = table.owners.filter(({ followers }) => followers.includes(nodeId)).length;
        return { ...node, slots, follows, clients: null };
      }),
    meta,
  ];
}

function statusText(
  { clusterId, version, table }: ClusterState,
  { total, led, followed }: SlotCounts,
  nodes: readonly NodeStatus[],
  stream: NodeJS.WritableStream,
): string {
  const epochs = `version ${version}, slot table epoch ${table.epoch}`;
  const heading = `${bold(`cluster ${clusterId}`, stream)}  ${epochs}, ${led} of ${total} slots led, ${followed} followed`;
  const rows = nodes.map((node) => {
    const { role, nodeId, address, zone, software, slots, follows, clients } = node;
    const counts = [slots, follows, clients].map((count) => (count === null ? "" : String(count)));
    return [role, nodeId ?? "", address, zone ?? "", software ?? "", ...counts, conditionOf(node)];
  });
  const lines = tableLines(HEADINGS, rows, stream);
  return `${[heading, ...lines, ...noticesText(nodes)].join("\n")}\n`;
}

function conditionOf({ ready, reasons, draining, unsteady, unreachableFrom }: NodeStatus): string {
  const marks = [
    ...(draining ? ["draining"] : []),
    ...(unsteady ? ["unsteady"] : []),
    ...(unreachableFrom.length > 0 ? [`out of reach of ${unreachableFrom.join(", ")}`] : []),
  ];
  const mark = marks.length === 0 ? "" : ` (${marks.join(", ")})`;
  return `${ready ? "yes" : `no: ${reasons.join("; ")}`}${mark}`;
}

/** What nodes say though they do their work: one line each, with who says it when not all nodes of the role do. */
function noticesText(nodes: readonly NodeStatus[]): string[] {
  const saying = new Map<string, NodeStatus[]>();
  for (const node of nodes)
    for (const notice of node.notices) saying.set(notice, [...(saying.get(notice) ?? []), node]);
  return [...saying].map(([notice, by]) => {
    const others = nodes.filter(({ role, ready }) => ready && role === by[0]!.role).length - by.length;
    return printable(others <= 0 ? notice : `${notice} (as ${by.map(({ nodeId }) => nodeId).join(", ")} say)`);
  });
}
