// The client for Node.

import type { Log } from "@rollcall/core";
import { errorDetailCodec } from "@rollcall/protocol";
import { createHttp2Dialer } from "@rollcall/runtime/stream";
import { openTelemetryTracer } from "@rollcall/tracing";

import { longestPatience } from "../backoff.ts";
import { createClientWith, type Client, type ClientOptions } from "../index.ts";
import { CONNECT_TIMEOUT_MS } from "../options.ts";
import { createDiskCache, type DiskCacheOptions } from "./disk-cache.ts";
import { nodeClock, nodeRandom } from "./ports.ts";

export interface NodeClientOptions extends ClientOptions {
  /** Who hears what the client has to say to operators. Default: nobody. */
  readonly log?: Log | undefined;
  /**
   * Keeps the lists that are followed on disk, so that the program can start while no registry can be reached. Default:
   * they are not kept.
   */
  readonly cache?: DiskCacheOptions | undefined;
}

/**
 * A client of the registry, over HTTP/2. It connects by itself, soon after this returns, and again whenever the
 * connection is lost, until it is closed; it keeps the process alive until then. What it does is traced with the
 * OpenTelemetry SDK that the process has registered, if it has one.
 * @throws RegistryError `invalid_field` naming the option.
 */
export function createClient({ log, cache, ...options }: NodeClientOptions): Client {
  const dialer = createHttp2Dialer({
    errorDetail: errorDetailCodec,
    // The client itself gives up sooner; this is for what it does not see.
    connectTimeoutMs: longestPatience(options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
    acceptsCompressed: true,
  });
  const ports = {
    clock: nodeClock,
    random: nodeRandom,
    dialer,
    log,
    tracer: openTelemetryTracer(),
    cache: cache && createDiskCache(cache),
  };
  const client = createClientWith(ports, options);
  // Later, so that the goodbye still leaves; without holding up the end of the process.
  client.on("closed", () => void setTimeout(() => dialer.close(), FAREWELL_MS).unref());
  return client;
}

/** How long a closed client's last words may take to leave, in milliseconds. */
const FAREWELL_MS = 3_000;

// For a client on other ports, that keeps its lists on disk all the same.
export { createDiskCache, type DiskCacheOptions } from "./disk-cache.ts";

// To choose one of the instances of a service.
export { leastPending, canTakeWork, roundRobin, weightedRandom, zoneFirst } from "../index.ts";

// What a client gives and takes.
export { RegistryError } from "../index.ts";
export type {
  AcquireOptions,
  Balancer,
  BalancerOptions,
  Client,
  ClientEvents,
  ClientOptions,
  ClientState,
  ErrorReason,
  ErrorSubject,
  EventName,
  Filter,
  FilterInput,
  Health,
  CopyProblem,
  HeldBackBecause,
  HeldBackCounts,
  HeldBackEvent,
  Instance,
  InstanceChange,
  InstanceInput,
  KeptOrigin,
  Log,
  LogFields,
  ManyServices,
  PendingRegistration,
  Picked,
  PickOptions,
  Policy,
  PolicyContext,
  Probe,
  ProbeInput,
  ReconnectOptions,
  RegisterInput,
  Registration,
  ServiceInput,
  ServiceKey,
  ServiceList,
  ServicePattern,
  ServicePatternInput,
  ServiceView,
  ServiceViews,
  Subscription,
  SubscriptionTo,
  Version,
  ViewCallback,
  Waiting,
} from "../index.ts";
