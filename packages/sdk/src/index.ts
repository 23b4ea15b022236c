// For programs on ports of their own; on Node, import "@rollcall/sdk" instead.
export { createClientWith } from "./client.ts";

// To choose one of the instances of a service.
export { leastPending } from "./balance/least-pending.ts";
export { roundRobin } from "./balance/round-robin.ts";
export { weightedRandom } from "./balance/weighted-random.ts";
export { zoneFirst } from "./balance/zone-first.ts";
export type { Policy, PolicyContext } from "./balance/policy.ts";
export type { AcquireOptions, Balancer, BalancerOptions, Picked, PickOptions } from "./balance/balancer.ts";

// What a client gives and takes.
export type { Client, ClientState } from "./client-surface.ts";
export type { ClientPorts } from "./client-ports.ts";
export type { RegisterInput, ServiceInput } from "./service-input.ts";
export type { HeldBackBecause, HeldBackCounts } from "./held-back.ts";
export type { ClientOptions } from "./options.ts";
export type { ReconnectOptions } from "./backoff.ts";
export type { ClientEvents, EventName, HeldBackEvent } from "./events.ts";
export type { InstanceChange, PendingRegistration, Registration, Waiting } from "./registration.ts";
export type { SubscriptionTo } from "./live-subscription.ts";
export type { ManyServices, ServicePatternInput } from "./many-services.ts";
export type { ServiceList } from "./service-list-feed.ts";
export type { ServiceViews } from "./service-set.ts";
export type { Subscription, ViewCallback } from "./subscription.ts";
export type { KeptOrigin, ServiceView } from "./service-view.ts";

// For platforms that keep lists beyond the life of a program.
export type { CopyCache, CopyProblem, CopyStore, StoredCopy } from "./kept/keeper.ts";

// Words of the registry that appear in these.
export { RegistryError, canTakeWork } from "@rollcall/core";
export type {
  ErrorReason,
  ErrorSubject,
  Filter,
  FilterInput,
  Health,
  Instance,
  InstanceInput,
  Probe,
  ProbeInput,
  Log,
  LogFields,
  ServiceKey,
  ServicePattern,
  Version,
} from "@rollcall/core";
