/** What only a browser's client may set. */

import { LIMITS, invalidField } from "@rollcall/core";

import type { WebProtocol } from "./connect-calls.ts";

export interface OwnWebOptions {
  /**
   * Session nodes, or what stands before them, each as `https://host` or `http://host:port`, with a path if they are
   * reached under one. They have to allow the page's origin.
   */
  readonly servers: readonly string[];
  /** How calls are written. Default `connect`; `grpc-web` is for proxies that know only that. */
  readonly protocol?: WebProtocol | undefined;
  /**
   * How long what is registered stays listed after the page has gone, in milliseconds. Default 30,000: a page in the
   * background is given time rarely, and has to renew its leases in what it is given.
   */
  readonly leaseMs?: number | undefined;
  /**
   * Whether a page that goes tries to take out what it registered. Default false: a page may be frozen instead of closed,
   * and come back; its instances then stay listed if it does so within the lease.
   */
  readonly unregisterOnLeave?: boolean | undefined;
}

const DEFAULT_LEASE_MS = 30_000;

/** @throws RegistryError `invalid_field` naming the option. */
export function completeWebOptions(options: OwnWebOptions) {
  const { protocol = "connect", leaseMs = DEFAULT_LEASE_MS, unregisterOnLeave = false } = options;
  if (protocol !== "connect" && protocol !== "grpc-web")
    throw invalidField("protocol", `"connect" or "grpc-web"`, protocol);
  const { leaseMinMs, leaseMaxMs } = LIMITS;
  if (!Number.isInteger(leaseMs) || leaseMs < leaseMinMs || leaseMs > leaseMaxMs)
    throw invalidField("leaseMs", `a whole number of milliseconds from ${leaseMinMs} to ${leaseMaxMs}`, leaseMs);
  return { protocol, leaseMs, unregisterOnLeave };
}

/** A server as a browser names it, without a slash at its end. */
export function checkServerUrl(server: unknown, index: number): string {
  const url = typeof server === "string" && URL.canParse(server) ? new URL(server) : undefined;
  if (
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.search === "" &&
    url.hash === "" &&
    url.username === ""
  )
    return url.href.replace(/\/$/, "");
  throw invalidField(`servers[${index}]`, `"https://host" or "http://host:port", with a path or without`, server);
}
