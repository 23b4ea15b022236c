/** A data node as a process of its own. */

import { fileURLToPath } from "node:url";

import { errorDetailCodec } from "@rollcall/protocol";
import { runNode } from "@rollcall/runtime";

import { dataSettings } from "./config.ts";
import { createDataServer } from "./server.ts";

/** @param args what follows the command: settings as flags, or `--help` */
export async function main(args: readonly string[]): Promise<void> {
  await runNode({
    role: "data",
    definition: dataSettings,
    args,
    errorDetail: errorDetailCodec,
    create: (nodeId, settings, ports) => createDataServer({ ...settings, nodeId, metas: settings.meta }, ports),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
