/** The meta server's settings. */

import { defineServerSettings, setting } from "@rollcall/runtime";
import { z } from "zod";

export const metaSettings = defineServerSettings(
  { port: 9610 },
  {
    dataDir: setting(z.string().min(1), {
      describe: "Folder of the store; made when it is not there.",
      placeholder: "folder",
      default: ".rollcall/meta",
    }),
    nodeLeaseMs: setting(z.int().min(500).max(60_000), {
      describe: "How long a node stays a member of the cluster without a heartbeat.",
      unit: "ms",
      default: 3_000,
    }),
  },
);
