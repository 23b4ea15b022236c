/**
 * Every limit on what a client may send. All are checked where the input enters and named in the refusal.
 * They are part of the published API: raising one is compatible, lowering one is not.
 */
export const LIMITS = {
  /** Characters of a namespace or a group. */
  namespaceLength: 63,
  /** Characters of a service name. */
  serviceLength: 255,
  /** Characters of an instance id. */
  instanceIdLength: 128,
  /** Characters of a client id. */
  clientIdLength: 128,
  /** Characters of the host part of an address: the longest DNS name. */
  hostLength: 253,
  protocolLength: 32,
  zoneLength: 63,
  /** Weight 0 takes an instance out of balancing without hiding it. */
  weight: 10_000,
  metadataEntries: 64,
  metadataKeyLength: 128,
  metadataValueLength: 1_024,
  /** Sum of all metadata keys and values of an instance, in bytes of UTF-8. */
  metadataBytes: 8 * 1_024,
  payloadBytes: 16 * 1_024,
  /** A whole instance as it is encoded, with whatever fields a newer client has put in. */
  instanceBytes: 32 * 1_024,
  /** Metadata keys one filter may ask for. */
  filterRequirements: 16,
  /** Values one metadata key may be allowed to have in a filter. */
  filterValues: 32,
  /** One message from a client, in bytes. */
  clientMessageBytes: 1_024 * 1_024,
  /** Registers, unregisters, subscribes, unsubscribes and receipts in one message: an empty one takes two bytes. */
  clientMessageItems: 10_000,
  registrationsPerClient: 10_000,
  subscriptionsPerClient: 10_000,
  /** Subscriptions to lists of services: a list is as long as the namespace is large. They count as subscriptions, too. */
  serviceListsPerClient: 32,
  /** A lease is at least this long: shorter ones would turn a hiccup into an eviction. */
  leaseMinMs: 1_000,
  leaseMaxMs: 600_000,
  /** Clients that one control record names. */
  listedClients: 256,
  /** Time between two probes of an instance: more often says little more, and costs the instance something. */
  probeIntervalMinMs: 1_000,
  probeIntervalMaxMs: 600_000,
  probeTimeoutMinMs: 100,
  probeTimeoutMaxMs: 60_000,
  /** Answers of probes that are judged together. */
  probeWindow: 20,
  probePathLength: 1_024,
  /** Instances, and services, that a quota may allow a namespace. */
  quota: 100_000_000,
} as const;
