/** The meta server's settings. */

import { defineServerSettings, setting } from "@rollcall/runtime";
import { z } from "zod";

export const metaSettings = defineServerSettings(
  { port: 9610 },
  {
    store: setting(
      z
        .string()
        .regex(/^etcd:\/\/[^/\s]+(\/\S*)?$/)
        .optional(),
      {
        describe:
          "Where several metas keep the cluster together; without it, this is the only one and keeps it in dataDir.",
        allowed: "etcd://host:port,host:port and, behind a slash, a name for the cluster's keys",
        placeholder: "etcd://host:port,...",
      },
    ),
    dataDir: setting(z.string().min(1), {
      describe: "Folder of the store; made when it is not there.",
      placeholder: "folder",
      default: ".rollcall/meta",
    }),
    restoreFrom: setting(z.string().min(1).optional(), {
      describe: "A backup from which the cluster is made when nothing is stored; otherwise it is not looked at.",
      placeholder: "file",
    }),
    nodeLeaseMs: setting(z.int().min(500).max(60_000), {
      describe: "How long a node stays a member of the cluster without a heartbeat.",
      unit: "ms",
      default: 3_000,
    }),
    replicas: setting(z.int().min(1).max(5), {
      describe: "How many data nodes hold each slot: its leader and the followers that can take over at once.",
      default: 2,
    }),
    dataNodesMin: setting(z.int().min(1).max(1_000), {
      describe: "With fewer live data nodes than this nobody is given the slots of the others.",
      default: 1,
    }),
  },
);
