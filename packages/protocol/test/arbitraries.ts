/** Values of core as any peer may send them: not only those that a careful client would. */

import {
  ERROR_REASONS,
  NODE_ROLES,
  NO_FILTER,
  SLOT_COUNT,
  epoch,
  slotId,
  traceparentFromText,
  type ClaimRecord,
  type ClientMessage,
  type ClusterState,
  type Control,
  type ControlRecord,
  type ErrorValue,
  type Filter,
  type Held,
  type Instance,
  type JoinRequest,
  type JoinResponse,
  type LinkRequest,
  type LinkResponse,
  type Probe,
  type RegistrationVersion,
  type ReplicateRequest,
  type ReplicateResponse,
  type RollUp,
  type ServerMessage,
  type ServiceKey,
  type ServicePattern,
  type SlotDifference,
  type SlotId,
  type SlotInventory,
  type SlotOwner,
  type SlotReport,
  type Traceparent,
  type UpdatePart,
  type Version,
  type WriteOutcome,
} from "@rollcall/core";
import * as fc from "fast-check";

import { bytesFromInstance, type ClaimBlock } from "../src/index.ts";

/** Text that survives UTF-8, which half a surrogate pair does not, and that is no byte order mark. */
const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((value) => !value.startsWith("\uFEFF"));
const name = fc.oneof(text, fc.constantFrom("default", "orders", "com.foo.Hello:1.0@DEFAULT"));
const filledText = fc.oneof(fc.constantFrom("default", "blue"), fc.string({ minLength: 1, maxLength: 8 }));
const count = fc.oneof(fc.nat(300), fc.maxSafeNat());
const uint32 = fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff), fc.nat(0xffff_ffff));
const flags = fc.boolean();
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const some = <Value>(value: fc.Arbitrary<Value>) => fc.array(value, { maxLength: 4 });
export const someBytes = fc.uint8Array({ maxLength: 40 });

const epochs = count.map(epoch);
const digests = fc.record({ high: uint32, low: uint32 });
const versions: fc.Arbitrary<Version> = fc.record({ epoch: epochs, counter: count });
const registrationVersions: fc.Arbitrary<RegistrationVersion> = fc.record({ incarnation: count, counter: count });
const helds: fc.Arbitrary<Held> = fc.record({ version: versions, digest: digests });
const keys: fc.Arbitrary<ServiceKey> = fc.record({ namespace: filledText, group: filledText, service: name });
const filters: fc.Arbitrary<Filter> = fc.oneof(
  fc.constant(NO_FILTER),
  fc.record({
    protocol: text,
    metadata: some(fc.record({ key: text, values: some(text) })),
    zone: text,
    zoneRule: fc.constantFrom("preferred" as const, "only" as const),
    includeUnhealthy: flags,
  }),
);

export const errors: fc.Arbitrary<ErrorValue> = fc.record({
  reason: fc.constantFrom(...ERROR_REASONS),
  message: text,
  subject: optional(fc.record({ field: filledText, limit: text, value: text })),
});

/** The key that JavaScript objects treat in a way of their own is none that a check lets pass. */
const metadata = fc
  .dictionary(fc.oneof(text, fc.constantFrom("zone", "10", "9", "a/b", "constructor")), text, {
    maxKeys: 6,
    noNullPrototype: true,
  })
  .filter((entries) => !Object.hasOwn(entries, "__proto__"));

const aFew = fc.integer({ min: 1, max: 0xffff_ffff });
const timing = { intervalMs: aFew, timeoutMs: aFew, failures: aFew, window: aFew };
const probes: fc.Arbitrary<Probe> = fc.oneof(
  fc.record({ ...timing, kind: fc.constant("tcp" as const) }),
  fc.record({ ...timing, kind: fc.constant("http" as const), path: filledText, status: aFew }),
  fc.record({ ...timing, kind: fc.constant("grpc" as const), service: text }),
);

export const instances: fc.Arbitrary<Instance> = fc.record({
  id: fc.oneof(text, fc.string({ minLength: 120, maxLength: 140 })),
  address: text,
  protocol: filledText,
  weight: uint32,
  zone: text,
  metadata,
  payload: someBytes,
  enabled: flags,
  health: fc.constantFrom("healthy" as const, "unhealthy" as const),
  probe: optional(probes),
});

const encodedInstances = instances.map((instance) => ({ id: instance.id, bytes: bytesFromInstance(instance) }));

const traceparents: fc.Arbitrary<Traceparent | undefined> = fc
  .tuple(fc.nat(0xffff), fc.nat(0xffff))
  .map(([trace, span]) => traceparentFromText(`00-${hexadecimal(trace, 32)}-${hexadecimal(span, 16)}-01`));

function hexadecimal(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

export const updates: fc.Arbitrary<UpdatePart> = fc.record({
  key: keys,
  filter: filters,
  version: versions,
  digest: digests,
  baseDigest: optional(digests),
  instances: some(encodedInstances),
  removedIds: some(text),
  confirmed: flags,
  more: flags,
  origin: optional(fc.record({ traceparent: traceparents, ageUs: uint32 })),
});

const barriers = some(fc.record({ sequence: count, key: keys, version: versions }));
const barrierAnswers = some(fc.record({ sequence: count, subscribers: uint32, sessions: uint32 }));

const registers = fc
  .record({
    sequence: count,
    key: keys,
    version: registrationVersions,
    encoded: encodedInstances,
    traceparent: traceparents,
  })
  .map(({ encoded, ...item }) => ({ ...item, instanceId: encoded.id, instance: encoded.bytes }));

const summaries = optional(fc.record({ registrations: digests, subscriptions: digests }));
const patterns: fc.Arbitrary<ServicePattern> = fc.record({ namespace: filledText, group: text, prefix: text });
const listed = some(keys);
const changes = {
  version: versions,
  digest: digests,
  baseDigest: optional(digests),
  services: listed,
  removed: listed,
  more: flags,
};

export const clientMessages: fc.Arbitrary<ClientMessage> = fc.record({
  hello: optional(fc.record({ clientId: text, incarnation: count, agent: text, moves: flags })),
  registers: some(registers),
  unregisters: some(
    fc.record({
      sequence: count,
      key: keys,
      version: registrationVersions,
      instanceId: text,
      traceparent: traceparents,
    }),
  ),
  subscribes: some(fc.record({ key: keys, filter: filters, held: optional(helds) })),
  unsubscribes: some(fc.record({ key: keys, filter: filters })),
  receipts: some(fc.record({ key: keys, filter: filters, held: helds, resync: flags })),
  summary: summaries,
  barriers,
  servicesSubscribes: some(fc.record({ pattern: patterns, heldDigest: optional(digests) })),
  servicesUnsubscribes: some(patterns),
  servicesReceipts: some(fc.record({ pattern: patterns, held: helds, resync: flags })),
});

export const serverMessages: fc.Arbitrary<ServerMessage> = fc.record({
  hello: optional(fc.record({ nodeId: text, clusterId: text })),
  results: some(
    fc.record({
      sequence: count,
      outcome: fc.oneof(
        versions.map((version) => ({ kind: "applied" as const, version })),
        errors.map((error) => ({ kind: "refused" as const, error })),
      ),
    }),
  ),
  refusals: some(fc.record({ key: keys, filter: filters, error: errors })),
  move: optional(fc.record({ to: some(text), withinMs: fc.nat() })),
  sessions: some(fc.record({ address: text, clients: optional(fc.nat()) })),
  pushes: some(updates),
  switchedOff: optional(fc.record({ register: flags, subscribe: flags })),
  summary: summaries,
  barriers: barrierAnswers,
  servicesPushes: some(fc.record({ pattern: patterns, ...changes })),
  servicesRefusals: some(fc.record({ pattern: patterns, error: errors })),
});

const slots: fc.Arbitrary<SlotId> = fc.nat(SLOT_COUNT - 1).map(slotId);
const ofSlot = { slot: slots, leaderEpoch: epochs };
const ofRange = { after: text, upTo: text };
const reports: fc.Arbitrary<SlotReport> = fc.record({ ...ofSlot, digest: digests, seen: versions });
const rollUps: fc.Arbitrary<RollUp> = fc.record({ tableEpoch: epochs, digest: digests });
const inventories: fc.Arbitrary<SlotInventory> = fc.record({
  ...ofSlot,
  version: optional(versions),
  services: some(fc.record({ key: keys, digest: digests })),
});
const differences: fc.Arbitrary<SlotDifference> = fc.record({ ...ofSlot, keys: some(keys) });

export const linkRequests: fc.Arbitrary<LinkRequest> = fc.record({
  hello: optional(fc.record({ nodeId: text, incarnation: count })),
  writes: some(
    fc.record({
      sequence: count,
      kind: fc.constantFrom("register" as const, "unregister" as const, "renew" as const),
      leaderEpoch: epochs,
      key: keys,
      instanceId: text,
      clientId: text,
      version: registrationVersions,
      instance: someBytes,
      leaseMs: uint32,
      traceparent: traceparents,
    }),
  ),
  reports: some(reports),
  interests: some(fc.record({ key: keys, held: optional(helds) })),
  uninterests: some(keys),
  receipts: some(fc.record({ key: keys, held: helds, resync: flags })),
  queries: some(fc.record({ sequence: count, namespace: text })),
  inventories: some(inventories),
  holdings: some(
    fc.record({
      ...ofRange,
      key: keys,
      leaderEpoch: epochs,
      afterWrite: count,
      held: some(fc.record({ instanceId: text, clientId: text })),
    }),
  ),
  registrations: optional(rollUps),
  copies: some(fc.record({ ...ofSlot, digest: digests })),
  barriers,
  told: some(fc.record({ key: keys, version: versions, subscribers: uint32 })),
  servicesInterests: some(fc.record({ namespace: text, held: optional(helds) })),
  servicesUninterests: some(text),
  servicesReceipts: some(fc.record({ namespace: text, held: helds, resync: flags })),
});

const outcomes: fc.Arbitrary<WriteOutcome> = fc.oneof(
  errors.map((error) => ({ kind: "denied" as const, error })),
  versions.map((version) => ({ kind: "applied" as const, version })),
  registrationVersions.map((by) => ({ kind: "superseded" as const, by })),
  fc.constant({ kind: "unknown" as const }),
  fc.record({
    kind: fc.constantFrom("moved" as const, "migrating" as const, "stale" as const),
    tableEpoch: epochs,
    leaderEpoch: epochs,
  }),
);

export const linkResponses: fc.Arbitrary<LinkResponse> = fc.record({
  results: some(fc.record({ sequence: count, outcome: outcomes })),
  reported: some(reports),
  notifications: some(updates),
  answers: some(fc.record({ sequence: count, services: some(fc.record({ key: keys, instances: uint32 })) })),
  disagreed: some(fc.record(ofSlot)),
  differences: some(differences),
  reportAll: flags,
  copies: optional(rollUps),
  askAgain: some(slots),
  toldQuestions: some(fc.record({ key: keys, held: helds })),
  barriers: barrierAnswers,
  servicesNotifications: some(
    fc.record({ namespace: text, slots: some(fc.record(ofSlot)), removedSlots: some(slots), ...changes }),
  ),
  servicesDigests: some(fc.record({ namespace: text, digest: digests })),
});

export const replicateRequests: fc.Arbitrary<ReplicateRequest> = fc.record({
  hello: optional(fc.record({ nodeId: text, incarnation: count })),
  follows: some(fc.record({ ...ofSlot, held: optional(helds) })),
  unfollows: some(slots),
  receipts: some(fc.record({ ...ofSlot, held: helds, resync: flags })),
  wants: some(differences),
});

export const claims: fc.Arbitrary<ClaimRecord> = fc.record({
  instanceId: text,
  clientId: text,
  version: registrationVersions,
  removed: flags,
  presumed: flags,
  unhealthy: flags,
  instance: someBytes,
  session: text,
  leaseMs: uint32,
});

const keyText = fc.constantFrom("default/default/orders", "acme/blue/com.acme.Bills:1.0@x");

export const claimBlocks: fc.Arbitrary<ClaimBlock> = fc.record({
  version: optional(versions),
  deletes: some(fc.record({ keyText, instanceId: text, clientId: text })),
  puts: some(fc.record({ keyText, claim: claims })),
});

const serviceClaims = fc.record({ key: keys, claims: some(claims) });

export const replicateResponses: fc.Arbitrary<ReplicateResponse> = fc.record({
  updates: some(
    fc.record({ ...ofSlot, base: versions, version: versions, digest: digests, services: some(serviceClaims) }),
  ),
  inventories: some(inventories),
  contents: some(fc.record({ ...ofSlot, ...ofRange, content: serviceClaims })),
  slots: optional(rollUps),
});

const roles = fc.constantFrom(...NODE_ROLES);

const usages = fc.record({
  tableEpoch: epochs,
  namespaces: some(fc.record({ namespace: text, instances: uint32, services: uint32 })),
});

export const joinRequests: fc.Arbitrary<JoinRequest> = fc.record({
  draining: flags,
  unreachable: some(text),
  hello: optional(
    fc.record({
      nodeId: text,
      startId: text,
      role: roles,
      address: text,
      incarnation: count,
      slotCount: fc.nat(),
      replicas: fc.nat(),
      hash: text,
      clusterId: text,
      zone: text,
      software: text,
    }),
  ),
  stateVersion: count,
  leaving: flags,
  sequence: count,
  synced: fc.uniqueArray(slots).map((list) => new Set(list)),
  load: optional(fc.record({ clients: fc.nat(), draining: flags, known: count })),
  usage: optional(usages),
  controlsVersion: optional(count),
  controlsReceived: count,
});

const owners: fc.Arbitrary<SlotOwner> = fc.record({
  leader: optional(filledText),
  followers: some(text),
  leaderEpoch: epochs,
});

const members = fc.record({
  nodeId: text,
  incarnation: count,
  role: roles,
  address: text,
  draining: flags,
  unsteady: flags,
  zone: text,
  software: text,
  unreachableFrom: some(text),
});

export const clusterStates: fc.Arbitrary<ClusterState> = fc.record({
  clusterId: text,
  version: count,
  members: some(members),
  departed: some(members),
  table: fc.record({
    epoch: epochs,
    owners: fc.array(owners, { minLength: SLOT_COUNT, maxLength: SLOT_COUNT }),
  }),
});

const controls: fc.Arbitrary<Control> = fc.oneof(
  fc.constant({ kind: "rebalance off" as const }),
  fc.record({
    kind: fc.constant("push off" as const),
    scope: fc.oneof(
      fc.constant({ kind: "cluster" as const }),
      fc.record({ kind: fc.constant("namespace" as const), namespace: text }),
      fc.record({ kind: fc.constant("zone" as const), zone: text }),
    ),
    exceptClients: some(text),
  }),
  fc.record({ kind: fc.constant("namespace block" as const), namespace: text }),
  fc.record({ kind: fc.constant("service block" as const), key: keys }),
  fc.record({
    kind: fc.constant("quota" as const),
    namespace: text,
    instances: optional(uint32),
    services: optional(uint32),
  }),
  fc.record({ kind: fc.constant("node drain" as const), nodeId: text }),
  fc.record({
    kind: fc.constant("client off" as const),
    clients: fc.oneof(
      fc.record({ kind: fc.constant("address" as const), range: text }),
      fc.record({ kind: fc.constant("name" as const), name: text }),
    ),
    register: flags,
    subscribe: flags,
  }),
  fc.record({
    kind: fc.constant("instance override" as const),
    target: fc.oneof(
      fc.record({ kind: fc.constant("instance" as const), key: keys, instanceId: text }),
      fc.record({ kind: fc.constant("address" as const), address: text }),
    ),
    effect: fc.oneof(
      fc.constantFrom({ kind: "disabled" as const }, { kind: "drained" as const }),
      fc.record({ kind: fc.constant("weight" as const), weight: fc.nat() }),
    ),
    clientId: optional(text.filter((id) => id !== "")),
  }),
);

export const controlRecords: fc.Arbitrary<ControlRecord> = fc.record({
  id: text,
  version: count,
  author: text,
  reason: text,
  decidedAt: text,
  expiresInMs: optional(count),
  control: controls,
});

export const joinResponses: fc.Arbitrary<JoinResponse> = fc.record({
  incarnation: count,
  state: optional(clusterStates),
  sequence: count,
  loads: optional(
    fc.record({ version: count, nodes: some(fc.record({ nodeId: text, clients: fc.nat(), draining: flags })) }),
  ),
  controls: optional(
    fc.record({
      clusterId: text,
      version: count,
      base: count,
      through: count,
      records: some(controlRecords),
      removedIds: some(text),
      complete: flags,
    }),
  ),
  usage: optional(usages),
});
