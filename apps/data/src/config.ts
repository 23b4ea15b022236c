/** The data server's settings. */

import { DEFAULT_HEARTBEAT_MS } from "@rollcall/cluster";
import { invalidField } from "@rollcall/core";
import { defineServerSettings, setting } from "@rollcall/runtime";
import { z } from "zod";

import { DATA_DEFAULTS } from "./defaults.ts";
import { AddressRanges, DEFAULT_RANGES } from "./probes/address-ranges.ts";

export const dataSettings = defineServerSettings(
  { port: 9620 },
  {
    registrationLeaseMs: setting(z.int().min(1_000).max(600_000), {
      describe: "How long the registrations of a session node that is gone stay, so that its clients can come back.",
      unit: "ms",
      default: 15_000,
    }),
    dataDir: setting(z.string().min(1), {
      describe: "Folder of the copy that a restart begins with; made when it is not there.",
      placeholder: "folder",
      default: ".rollcall/data",
    }),
    probeRanges: setting(z.array(z.string()), {
      describe: "Ranges of IP addresses that instances may be probed at; links' own (169.254, fe80) never are.",
      allowed: "ranges such as 10.0.0.0/8, several separated by commas; empty for no probes",
      placeholder: "ranges",
      default: [...DEFAULT_RANGES],
    }),
    heartbeatMs: setting(z.int().min(100).max(10_000), {
      describe: "Time between heartbeats to meta; the lease there is three of them by default.",
      unit: "ms",
      default: DEFAULT_HEARTBEAT_MS,
    }),
    replicas: setting(z.int().min(1).max(5).optional(), {
      describe: "How many data nodes hold each slot, as this one expects; meta refuses it if it has another number.",
      placeholder: "count",
    }),
    drainMs: setting(z.int().min(0).max(600_000), {
      describe: "How long the node may take to hand its slots over when it is told to stop; 0 not to wait.",
      unit: "ms",
      default: DATA_DEFAULTS.drainMs,
    }),
  },
  ({ meta, probeRanges }) => {
    // Throws for one that is no range.
    void new AddressRanges(probeRanges);
    if (meta.length === 0) throw invalidField("meta", "at least one host:port of a meta node (--meta)", "nothing");
  },
);
