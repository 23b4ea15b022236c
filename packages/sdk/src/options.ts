/** What a user may set, and what it comes to: partial in, complete and checked out, once. */

import { DEFAULT_GROUP, DEFAULT_NAMESPACE, LIMITS, checkShortName, invalidField } from "@rollcall/core";

import type { ReconnectOptions } from "./backoff.ts";

export interface ClientOptions {
  /** Session nodes, each as `host:port`. One is enough to begin with; several let the client go on when one is lost. */
  readonly servers: readonly string[];
  /** Namespace of every service that is named without one. Default `default`. */
  readonly namespace?: string | undefined;
  /** Group of every service that is named without one. Default `default`. */
  readonly group?: string | undefined;
  /**
   * What operators see of this client, for example the host's name. Each client adds 128 random bits to make its
   * identity, so that one which is started again under its name is not held to what its former life has unregistered.
   */
  readonly name?: string | undefined;
  /** Zone of every registration that names none. Default: unknown. */
  readonly zone?: string | undefined;
  /** Name and version of the program, for the registry's operators. Default: name and version of this library. */
  readonly agent?: string | undefined;
  /**
   * Whether to learn from the servers which others there are and how many clients each has, and to choose among all of
   * them. Default true. Without it only the servers named here are ever dialed.
   */
  readonly discoverServers?: boolean | undefined;
  readonly reconnect?: { readonly [Name in keyof ReconnectOptions]?: ReconnectOptions[Name] | undefined } | undefined;
  /**
   * How long a server may take from dial to hello, in milliseconds, before the next one is tried. Default 6,000:
   * so long it may take to be accepted when everybody comes at once. A server that has accepted, and with that has shown
   * that it is there, is given as long as twice that from then on; when none of them has answered in time they are given
   * longer, up to 8 times as long.
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * What has no answer after this many milliseconds is sent again; the registry does not mind repetitions. Default
   * 3,000: as long as the loss of a data node goes unnoticed.
   */
  readonly resultTimeoutMs?: number | undefined;
  /** How long `resolve` waits for the first view, in milliseconds, unless told otherwise. Default 10,000. */
  readonly resolveTimeoutMs?: number | undefined;
  /**
   * How long `close` waits until everything is unregistered, in milliseconds. Default 2,000: what is left then ends
   * with the connection anyway.
   */
  readonly closeTimeoutMs?: number | undefined;
  /**
   * How long a view counts as confirmed, in milliseconds, while the registry vouches for nothing or cannot be reached.
   * Default 600,000: longer than a restart of everything, short enough that nobody takes yesterday's list for today's.
   */
  readonly heldBackMaxMs?: number | undefined;
  /**
   * How long `drain` waits until every live subscriber knows, in milliseconds, unless told otherwise. Default 10,000:
   * others decide how long it takes, and a provider should not be kept from its end by one that hangs.
   */
  readonly drainTimeoutMs?: number | undefined;
}

/** {@link ClientOptions} with nothing left open. */
export interface CompleteOptions {
  readonly servers: readonly string[];
  readonly namespace: string;
  readonly group: string;
  readonly name: string;
  readonly zone: string;
  readonly agent: string;
  readonly discoverServers: boolean;
  readonly reconnect: ReconnectOptions;
  readonly connectTimeoutMs: number;
  readonly resultTimeoutMs: number;
  readonly resolveTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly heldBackMaxMs: number;
}

/** Default of {@link ClientOptions.connectTimeoutMs}. */
export const CONNECT_TIMEOUT_MS = 6_000;

export const DEFAULT_AGENT = "rollcall-sdk/0.1.0";

const NAME_PATTERN = /^([A-Za-z0-9][A-Za-z0-9._:@~-]*)?$/;
/** What is left of a client id for the name. */
const NAME_LENGTH_MAX = LIMITS.clientIdLength - "~".length - 32;
const AGENT_LENGTH_MAX = 128;
const ADDRESS_PATTERN = /^[^\s/]+:[0-9]{1,5}$/;

/**
 * @param checkServer how the platform names servers; gives back the one form of it
 * @throws RegistryError `invalid_field` naming the option.
 */
export function completeOptions(
  options: ClientOptions,
  checkServer: (server: unknown, index: number) => string = checkAddress,
): CompleteOptions {
  return {
    servers: checkServers(options.servers, checkServer),
    namespace: checkShortName("namespace", options.namespace || DEFAULT_NAMESPACE),
    group: checkShortName("group", options.group || DEFAULT_GROUP),
    name: checkName(options.name ?? ""),
    zone: options.zone ?? "",
    agent: checkAgent(options.agent || DEFAULT_AGENT),
    discoverServers: options.discoverServers ?? true,
    reconnect: {
      jitterMs: duration("reconnect.jitterMs", options.reconnect?.jitterMs, 50),
      pauseMinMs: duration("reconnect.pauseMinMs", options.reconnect?.pauseMinMs, 100),
      pauseMaxMs: duration("reconnect.pauseMaxMs", options.reconnect?.pauseMaxMs, 5_000),
    },
    connectTimeoutMs: duration("connectTimeoutMs", options.connectTimeoutMs, CONNECT_TIMEOUT_MS, 1),
    resultTimeoutMs: duration("resultTimeoutMs", options.resultTimeoutMs, 3_000, 1),
    resolveTimeoutMs: duration("resolveTimeoutMs", options.resolveTimeoutMs, 10_000),
    closeTimeoutMs: duration("closeTimeoutMs", options.closeTimeoutMs, 2_000),
    heldBackMaxMs: duration("heldBackMaxMs", options.heldBackMaxMs, 600_000, 1),
    drainTimeoutMs: duration("drainTimeoutMs", options.drainTimeoutMs, 10_000),
  };
}

function checkServers(
  servers: readonly string[],
  checkServer: (server: unknown, index: number) => string,
): readonly string[] {
  if (!Array.isArray(servers) || servers.length === 0) throw invalidField("servers", "a non-empty list", servers);
  return [...new Set(servers.map(checkServer))];
}

function checkAddress(server: unknown, index: number): string {
  const isAddress = typeof server === "string" && ADDRESS_PATTERN.test(server);
  const port = isAddress ? Number(server.split(":").at(-1)) : 0;
  if (isAddress && port >= 1 && port <= 65_535) return server;
  throw invalidField(`servers[${index}]`, `"host:port" with a port from 1 to 65535`, server);
}

function checkName(name: string): string {
  if (typeof name === "string" && name.length <= NAME_LENGTH_MAX && NAME_PATTERN.test(name)) return name;
  const alphabet = `letters, digits, ".", "_", ":", "@", "~", "-", beginning with a letter or digit`;
  throw invalidField("name", `at most ${NAME_LENGTH_MAX} ${alphabet}`, name);
}

function checkAgent(agent: string): string {
  if (typeof agent === "string" && agent.length <= AGENT_LENGTH_MAX) return agent;
  throw invalidField("agent", `at most ${AGENT_LENGTH_MAX} characters`, agent);
}

/** Longest duration a timer can be set to: 2^31 - 1 ms, about 25 days. */
const DURATION_MAX_MS = 2_147_483_647;

function duration(field: string, given: number | undefined, fallback: number, least = 0): number {
  const value = given ?? fallback;
  if (typeof value === "number" && value >= least && value <= DURATION_MAX_MS) return value;
  throw invalidField(field, `a number of milliseconds from ${least} to ${DURATION_MAX_MS}`, value);
}
