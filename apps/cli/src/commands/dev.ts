/** `rollcall dev`: a registry to try things with, in one process, until Ctrl-C. */

import { setTimeout as elapse } from "node:timers/promises";

import type { Command } from "commander";
import type { NodeRole } from "@rollcall/core";
import { createLog } from "@rollcall/runtime";

import { DevCluster, NODES_MAX, type DevNode } from "../dev/dev-cluster.ts";
import { DEFAULT_LOG_LEVEL, DEFAULT_PORT, LOG_LEVELS, devSettings, type DevOptions } from "../dev/settings.ts";
import { CommandFailure } from "../failure.ts";
import { bold, tableLines } from "../output/table.ts";
import type { CommandPorts } from "../ports.ts";
import { untilInterrupted } from "../registry/client.ts";
import { DEFAULT_SERVER, wholeNumber } from "../registry/settings.ts";
import { DEFAULT_META } from "./status.ts";

/** On an idle machine it takes a tenth of a second; later than this something is wrong. */
const READY_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 10;

export function addDev(program: Command, ports: CommandPorts): void {
  program
    .command("dev")
    .description("run a whole cluster in this process, to try things with, until Ctrl-C")
    .option("--sessions <number>", `session nodes, 1 to ${NODES_MAX}`, wholeNumber, 1)
    .option("--data <number>", `data nodes, 1 to ${NODES_MAX}`, wholeNumber, 1)
    .option(
      "--port <port>",
      "port of the first session, the others near it; 0 takes free ones",
      wholeNumber,
      DEFAULT_PORT,
    )
    .option("--host <host>", "interface the sessions listen on", "127.0.0.1")
    .option("--insecure", "allow a host that others can reach, although nobody has to prove who they are")
    .option("--cors-origins <origins>", "origins whose scripts may call from a browser, separated by commas, or *")
    .option("--log-level <level>", `least level that is logged: ${LOG_LEVELS.join(", ")}`, DEFAULT_LOG_LEVEL)
    .addHelpText(
      "after",
      `
Nothing is kept: a cluster that was stopped is forgotten. Logs go to standard error.

Examples:
  rollcall dev
  rollcall dev --sessions 2 --data 3
  rollcall dev --port 0 --log-level info`,
    )
    .action((options: DevOptions) => dev(options, ports));
}

async function dev(options: DevOptions, { stdout, stderr, interrupted }: CommandPorts): Promise<void> {
  const settings = devSettings(options, NODES_MAX);
  const destination = { write: (line: string) => void stderr.write(line) };
  const logOf = (role: NodeRole, node: string) =>
    createLog({ level: settings.logLevel, fields: { role, node }, destination });
  const cluster = await DevCluster.start(settings, logOf);
  try {
    await untilReady(cluster, interrupted);
    if (!interrupted.aborted) stdout.write(welcome(cluster.nodes, stdout));
    await untilInterrupted(interrupted);
  } finally {
    await cluster.stop();
  }
  stdout.write("Rollcall has stopped.\n");
}

async function untilReady(cluster: DevCluster, interrupted: AbortSignal): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (let waitsFor = cluster.unready(); waitsFor.length > 0; waitsFor = cluster.unready()) {
    if (interrupted.aborted) return;
    if (performance.now() > deadline) {
      throw new CommandFailure(
        `the cluster is not ready after ${READY_WITHIN_MS} ms: ${waitsFor.join("; ")}. Look at the log with --log-level info`,
      );
    }
    await elapse(LOOK_EVERY_MS);
  }
}

function welcome(nodes: readonly DevNode[], stream: NodeJS.WritableStream): string {
  const rows = nodes.map(({ role, node }) => [role, node.nodeId, node.address]);
  const server = flagUnless(DEFAULT_SERVER, "--server", addressOf(nodes, "session"));
  const meta = flagUnless(DEFAULT_META, "--meta", addressOf(nodes, "meta"));
  return [
    bold("Rollcall is ready.", stream),
    "",
    ...tableLines(["ROLE", "NODE", "ADDRESS"], rows, stream),
    "",
    "Try it, each in a terminal of its own:",
    "",
    `  npx rollcall watch orders${server}`,
    `  npx rollcall register orders 127.0.0.1:8080 --protocol http${server}`,
    "",
    `Then \`npx rollcall services${server}\` and \`npx rollcall status${meta}\`. In a clone of the repository`,
    "`npm run rollcall -- watch orders` does the same. Ctrl-C stops it all.",
    "",
  ].join("\n");
}

function addressOf(nodes: readonly DevNode[], wanted: NodeRole): string {
  return nodes.find(({ role }) => role === wanted)?.node.address ?? "";
}

/** What has to be added to a command for it to find this cluster. */
function flagUnless(fallback: string, flag: string, address: string): string {
  return address === fallback ? "" : ` ${flag} ${address}`;
}
