/** A session node as a process of its own. */

import { fileURLToPath } from "node:url";

import { errorDetailCodec } from "@rollcall/protocol";
import { runNode } from "@rollcall/runtime";

import { sessionSettings } from "./config.ts";
import { createSessionServer } from "./server.ts";

/** @param args what follows the command: settings as flags, or `--help` */
export async function main(args: readonly string[]): Promise<void> {
  await runNode({
    role: "session",
    definition: sessionSettings,
    args,
    errorDetail: errorDetailCodec,
    create: (nodeId, settings, ports) => createSessionServer({ ...settings, nodeId, metas: settings.meta }, ports),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
