/** A data node as a process of its own. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { errorDetailCodec } from "@rollcall/protocol";
import { runNode } from "@rollcall/runtime";

import { dataSettings } from "./config.ts";
import { LevelWarmStore } from "./peers/level-warm-store.ts";
import { NetworkProber } from "./peers/network-prober.ts";
import { AddressRanges } from "./probes/address-ranges.ts";
import { createDataServer } from "./server.ts";

/** @param args what follows the command: settings as flags, or `--help` */
export async function main(args: readonly string[]): Promise<void> {
  await runNode({
    role: "data",
    definition: dataSettings,
    args,
    errorDetail: errorDetailCodec,
    async create(nodeId, settings, ports) {
      // A folder within ours, for one that is damaged is renamed.
      const warm = await LevelWarmStore.open(join(settings.dataDir, "claims"), ports.log);
      const prober = new NetworkProber(new AddressRanges(settings.probeRanges));
      return createDataServer({ ...settings, nodeId, metas: settings.meta }, { ...ports, warm, prober });
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
