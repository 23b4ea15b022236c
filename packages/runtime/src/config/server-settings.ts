/** The settings that every server has, and the rules that go across them. */

import { isIP } from "node:net";

import { RegistryError } from "@rollcall/core";
import { z } from "zod";
import { LOG_LEVELS, type LogLevel } from "../log.ts";
import { defineSettings, setting, type Settings, type SettingsDefinition, type SettingValues } from "./settings.ts";

const hostAndPort = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):\d{1,5}$/);

/** Settings for everything that listens. `port` is where it listens when nothing is said. */
export function serverSettings({ port }: { readonly port: number }) {
  return {
    host: setting(z.string().min(1), {
      describe: "Interface to listen on.",
      allowed: "a host name or IP address",
      placeholder: "host",
      default: "127.0.0.1",
    }),
    port: setting(z.int().min(0).max(65_535), {
      describe: "Port to listen on; 0 takes any that is free.",
      placeholder: "port",
      default: port,
    }),
    advertise: setting(hostAndPort.optional(), {
      describe: "Address by which other nodes and clients reach this one; without it, the one listened on.",
      allowed: "host:port",
      placeholder: "host:port",
    }),
    nodeId: setting(
      z
        .string()
        .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/)
        .optional(),
      {
        describe: "Name of this node in the cluster, kept across restarts; without it, a new one at each start.",
        allowed: '1 to 63 letters, digits, ".", "_", "-", a letter or digit first and last',
        placeholder: "name",
      },
    ),
    meta: setting(z.array(hostAndPort), {
      describe: "Addresses of the meta nodes.",
      allowed: "host:port, several separated by commas",
      placeholder: "addresses",
      default: [],
    }),
    clusterId: setting(z.string().min(1).max(64).optional(), {
      describe: "Id of the cluster this node is meant for; without it, whichever its metas are of.",
      allowed: "an id as `rollcall status` shows it",
      placeholder: "id",
    }),
    zone: setting(
      z
        .string()
        .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/)
        .optional(),
      {
        describe: "Where this node runs, as `rollcall status` shows it.",
        allowed: '1 to 63 letters, digits, ".", "_", "-", a letter or digit first and last',
        placeholder: "name",
      },
    ),
    insecure: setting(z.boolean(), {
      describe: "Allow listening on more than this machine although nobody has to prove who they are.",
      default: false,
    }),
    logLevel: setting<LogLevel>(z.enum(LOG_LEVELS), {
      describe: "Least level that is logged.",
      placeholder: "level",
      default: "info",
    }),
    otelEndpoint: setting(z.url({ protocol: /^https?$/ }).optional(), {
      describe: "OpenTelemetry collector that traces are exported to, with OTLP over HTTP; without it, none are.",
      allowed: "a URL such as http://127.0.0.1:4318",
      placeholder: "url",
    }),
    stopGraceMs: setting(z.int().min(0).max(600_000), {
      describe: "How long calls under way may take after the server was told to stop.",
      unit: "ms",
      default: 5_000,
    }),
  } as const satisfies Settings;
}

export type ServerSettings = ReturnType<typeof serverSettings>;

/** A server's settings: those of every server and its own, with the rules of both. */
export function defineServerSettings<S extends Settings>(
  defaults: { readonly port: number },
  own: S,
  check: (values: SettingValues<ServerSettings & S>) => void = () => {},
): SettingsDefinition<ServerSettings & S> {
  return defineSettings<ServerSettings & S>({ ...serverSettings(defaults), ...own }, (values) => {
    const { host, advertise, insecure } = values as SettingValues<ServerSettings>;
    checkExposure(host, insecure);
    checkReachable(host, advertise);
    check(values);
  });
}

/** Nothing is open to a network by accident. */
function checkExposure(host: string, insecure: boolean): void {
  if (insecure || isLoopback(host)) return;
  const limit = "a loopback address, or any with --insecure";
  const message = `host is ${host}, which others can reach, and nobody has to prove who they are: listen on 127.0.0.1, or allow it with --insecure`;
  throw new RegistryError("invalid_field", message, { subject: { field: "host", limit, value: host } });
}

/** "Every interface" is no address that others could dial. */
function checkReachable(host: string, advertise: string | undefined): void {
  if (advertise !== undefined || (host !== "0.0.0.0" && host !== "::")) return;
  const message = `host ${host} means every interface, which is no address others can use: say with --advertise host:port how they reach this node`;
  throw new RegistryError("invalid_field", message, { subject: { field: "advertise", limit: "host:port", value: "" } });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
