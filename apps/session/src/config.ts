/** The session server's settings. */

import { DEFAULT_HEARTBEAT_MS } from "@rollcall/cluster";
import { invalidField } from "@rollcall/core";
import { defineServerSettings, setting } from "@rollcall/runtime";
import { z } from "zod";

import { SESSION_DEFAULTS } from "./defaults.ts";
/** What a browser sends: no path, not even a slash, or nobody would ever match. */
const ORIGIN_PATTERN = /^(\*|[a-z][a-z0-9+.-]*:\/\/[^\s/]+)$/;

export const sessionSettings = defineServerSettings(
  { port: 9600 },
  {
    connectionGraceMs: setting(z.int().min(0).max(60_000), {
      describe:
        "How long the registrations of a connection that was reset wait for its client to come back; 30 s when very many are reset at once.",
      unit: "ms",
      default: 300,
    }),
    silenceGraceMs: setting(z.int().min(0).max(600_000), {
      describe:
        "The same for a client that fell silent, from when that was found out (within 4 s): together the lease.",
      unit: "ms",
      default: 12_000,
    }),
    heartbeatMs: setting(z.int().min(100).max(10_000), {
      describe: "Time between heartbeats to meta; the lease there is three of them by default.",
      unit: "ms",
      default: DEFAULT_HEARTBEAT_MS,
    }),
    connectionsMax: setting(z.int().min(1).max(1_000_000), {
      describe: "Clients connected at a time; who comes on top of that is told to go to another session.",
      default: SESSION_DEFAULTS.connectionsMax,
    }),
    restoringMax: setting(z.int().min(1).max(100_000), {
      describe: "Clients brought back at a time, from their hello until all they asked for is answered.",
      default: SESSION_DEFAULTS.restoringMax,
    }),
    restoreQueueMax: setting(z.int().min(0).max(1_000_000), {
      describe: "Clients that wait for their turn to be brought back; more are told to go to another session.",
      default: SESSION_DEFAULTS.restoreQueueMax,
    }),
    balanceEveryMs: setting(z.int().min(0).max(600_000), {
      describe: "Time between looks at whether this session has too many clients and asks some to move; 0 for never.",
      unit: "ms",
      default: SESSION_DEFAULTS.balanceEveryMs,
    }),
    drainMs: setting(z.int().min(0).max(600_000), {
      describe: "How long clients may take to move to other sessions when this one is told to stop.",
      unit: "ms",
      default: SESSION_DEFAULTS.drainMs,
    }),
    corsOrigins: setting(z.array(z.string().regex(ORIGIN_PATTERN)), {
      describe: "Origins whose scripts may call from a browser, or * for all.",
      allowed: "origins such as https://console.example.com, separated by commas",
      placeholder: "origins",
      default: [],
    }),
  },
  ({ meta }) => {
    if (meta.length === 0) throw invalidField("meta", "at least one host:port of a meta node (--meta)", "nothing");
  },
);
