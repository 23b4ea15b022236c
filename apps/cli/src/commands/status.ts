/** `rollcall status`: who is in the cluster, what each leads, and whether it does its work. */

import { createClient } from "@connectrpc/connect";
import type { Command } from "commander";
import { SLOT_COUNT, type ClusterState } from "@rollcall/core";
import { MetaService, clusterStateFromWire } from "@rollcall/protocol";

import { CommandFailure } from "../failure.ts";
import { writeJson } from "../output/json.ts";
import { bold, counted, tableLines } from "../output/table.ts";
import type { CommandPorts } from "../ports.ts";
import { callFirst } from "../registry/call.ts";
import { readinessOf, type Readiness } from "../registry/readiness.ts";
import { addressesFrom, collect, wholeNumber } from "../registry/settings.ts";

interface StatusOptions {
  readonly meta?: readonly string[] | undefined;
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
}

export const DEFAULT_META = "127.0.0.1:9610";
const META_VARIABLE = "ROLLCALL_META";

export function addStatus(program: Command, ports: CommandPorts): void {
  program
    .command("status")
    .description("show the nodes of the cluster, the slots they lead and whether they are ready, once")
    .option("--meta <host:port>", `meta node, repeatable (variable ${META_VARIABLE}, default ${DEFAULT_META})`, collect)
    .option("--json", "one JSON object, for scripts")
    .option("--timeout <ms>", "how long to wait for each answer", wholeNumber, 5_000)
    .addHelpText(
      "after",
      `
Ends with exit code 1 when a node is not ready or a slot has no leader.

Examples:
  rollcall status
  rollcall status --meta 10.0.0.5:9610 --json | jq '.nodes[] | select(.ready | not)'`,
    )
    .action((options: StatusOptions) => status(options, ports));
}

async function status(options: StatusOptions, { stdout, env, interrupted }: CommandPorts): Promise<void> {
  const addresses = addressesFrom(options.meta, env[META_VARIABLE], DEFAULT_META, "--meta");
  const target = { timeoutMs: options.timeout, interrupted, noneReached: (why: string) => noMeta(addresses, why) };
  const { address, answer } = await callFirst({ addresses, ...target }, (transport, call) =>
    createClient(MetaService, transport).getCluster({}, call),
  );
  if (answer.state === undefined) throw new CommandFailure(`${address} answered without the state of the cluster`);
  const state = clusterStateFromWire(answer.state);
  const nodes = await Promise.all(
    nodesOf(state, address).map(async (node) => ({ ...node, ...(await readinessOf(node.address, options.timeout)) })),
  );
  const led = state.table.owners.filter(({ leader }) => leader !== undefined).length;
  if (options.json === true) {
    const { clusterId, version } = state;
    writeJson(stdout, { clusterId, version, tableEpoch: state.table.epoch, slots: { total: SLOT_COUNT, led }, nodes });
  } else {
    stdout.write(statusText(state, led, nodes, stdout));
  }
  const unready = nodes.filter(({ ready }) => !ready).length;
  if (unready > 0) throw new CommandFailure(`${counted(unready, "node")} of ${nodes.length} not ready`);
  if (led < SLOT_COUNT) {
    throw new CommandFailure(`${counted(SLOT_COUNT - led, "slot")} without a leader: start a data node`);
  }
}

function noMeta(addresses: readonly string[], why: string): CommandFailure {
  const where = addresses.join(" or ");
  return new CommandFailure(
    `no meta node at ${where} (${why}): start one with \`npm start\` or \`npx rollcall dev\`, or name another with --meta`,
  );
}

function nodesOf({ members, table }: ClusterState, metaAddress: string): Omit<NodeStatus, keyof Readiness>[] {
  const meta = { role: "meta", nodeId: null, incarnation: null, address: metaAddress, slots: null };
  const order = ["session", "data", "meta"];
  return [
    ...members
      .toSorted((a, b) => order.indexOf(a.role) - order.indexOf(b.role) || a.nodeId.localeCompare(b.nodeId, "en"))
      .map(({ role, nodeId, incarnation, address }) => {
        const leads = table.owners.filter(({ leader }) => leader === nodeId).length;
        return { role, nodeId, incarnation, address, slots: role === "data" ? leads : null };
      }),
    meta,
  ];
}

function statusText(
  { clusterId, version, table }: ClusterState,
  led: number,
  nodes: readonly NodeStatus[],
  stream: NodeJS.WritableStream,
): string {
  const slots = `${led} of ${SLOT_COUNT} slots led`;
  const heading = `${bold(`cluster ${clusterId}`, stream)}  version ${version}, slot table epoch ${table.epoch}, ${slots}`;
  const rows = nodes.map(({ role, nodeId, address, slots, ready, reasons }) => {
    return [
      role,
      nodeId ?? "",
      address,
      slots === null ? "" : String(slots),
      ready ? "yes" : `no: ${reasons.join("; ")}`,
    ];
  });
  return `${[heading, ...tableLines(["ROLE", "NODE", "ADDRESS", "SLOTS", "READY"], rows, stream)].join("\n")}\n`;
}
