// What a service is and what is registered for it.
export {
  DEFAULT_GROUP,
  DEFAULT_NAMESPACE,
  KnownServiceKey,
  checkShortName,
  serviceKey,
  serviceKeyFromText,
  sameServiceKey,
  textFromServiceKey,
  type ServiceKey,
} from "./service-key.ts";
export {
  DEFAULT_PROTOCOL,
  DEFAULT_WEIGHT,
  canTakeWork,
  checkInstance,
  idFromAddress,
  instanceFromInput,
  type Health,
  type Instance,
  type InstanceInput,
} from "./instance.ts";
export {
  DEFAULT_PROBE_TIMING,
  PROBE_PASSES,
  checkProbe,
  completeProbe,
  probeFromInput,
  type Probe,
  type ProbeInput,
  type ProbeOrder,
  type ProbeTiming,
} from "./probe.ts";
export {
  NO_FILTER,
  checkFilter,
  filterFromInput,
  isPreferred,
  matches,
  nameOfSubscription,
  prefersZone,
  takesAllHealthy,
  takesEverything,
  textFromFilter,
  type Filter,
  type FilterInput,
  type MetadataRequirement,
  type ZoneRule,
} from "./filter.ts";
export { LIMITS } from "./limits.ts";

// Order and equality.
export {
  compareRegistrationVersions,
  compareVersions,
  epoch,
  formatVersion,
  isNewer,
  isNewerStamp,
  nextEpoch,
  type Epoch,
  type RegistrationStamp,
  type RegistrationVersion,
  type Version,
} from "./version.ts";
export {
  EMPTY_DIGEST,
  digestOfBytes,
  digestOfText,
  formatDigest,
  mixDigests,
  sameDigest,
  toggleDigest,
  type Digest,
} from "./digest.ts";
export { digestOfRegistration, type RegistrationName } from "./registration-digest.ts";
export { hash64, type Hash64 } from "./hash.ts";

// Datums and how they travel.
export {
  CHANGE_LOG_MAX,
  Datum,
  changesRemembered,
  type ApplyOutcome,
  type ChangeOrigin,
  type EncodedInstance,
  type Held,
  type StoredInstance,
  type Update,
} from "./datum.ts";
export {
  afterReceipt,
  afterSending,
  afterSilence,
  deliveryTo,
  hasBeenTold,
  updateFor,
  wantsUpdate,
  type Delivery,
  type Receipt,
} from "./delivery.ts";
export { PART_BYTES_MAX, UPDATE_BYTES_MAX, UpdateParts, partsOfUpdate, type UpdatePart } from "./update-parts.ts";
export { DURATION_BOUNDS_MS, DurationHistogram } from "./duration-histogram.ts";
export { changeAfter, originOf, type NewestChange } from "./change-origin.ts";
export {
  isPassed,
  textFromBehind,
  type Barrier,
  type BarrierAnswer,
  type Behind,
  type ToldAnswer,
  type ToldQuestion,
} from "./barrier.ts";
export { Deliveries, type Due, type Followed, type Shown } from "./deliveries.ts";
export {
  changeFromUpdate,
  emptyServiceList,
  idOfSlot,
  isOfPattern,
  isSlotMember,
  memberOfService,
  memberOfSlot,
  servicePattern,
  slotOfMember,
  textFromPattern,
  updateFromChange,
  type ServicePattern,
  type ServicesChange,
  type SlottedServicesChange,
} from "./service-list.ts";
export { limitedTurns } from "./limited-turns.ts";
export { saysMore } from "./parts.ts";
export { oncePerTurn } from "./once-per-turn.ts";
export { setPatientTimer } from "./patient-timer.ts";
export { Selection, idsOf } from "./selection.ts";
export { LeaseTable } from "./lease-table.ts";
export { RegistrationTable, type RegistrationNames } from "./registration-table.ts";

// The cluster.
export { SOFTWARE_VERSION } from "./software.ts";
export { ALL_SLOTS, SLOT_COUNT, SLOT_HASH, slotId, slotOfServiceKey, slotOfText, type SlotId } from "./slot.ts";
export { addressRangeFromText, isInRange, numberFromAddress, type AddressRange } from "./address-range.ts";
export {
  ClientSwitches,
  NOTHING_OFF,
  checkClientOff,
  clientOffId,
  switchedOffError,
  type ClientIdentity,
  type ClientOff,
  type ClientsOff,
  type SwitchedOff,
} from "./client-off.ts";
export {
  checkOverride,
  combineOverrides,
  hostOfAddress,
  overrideId,
  type InstanceOverride,
  type OverriddenAs,
  type OverrideEffect,
  type OverrideTarget,
} from "./instance-override.ts";
export {
  ROLES_OF_CONTROL,
  checkControl,
  controlId,
  type Control,
  type ControlChange,
  type ControlKind,
  type ControlOf,
  type ControlRecord,
  type ControlsPart,
} from "./control.ts";
export type { NamespaceBlock, ServiceBlock } from "./blocks.ts";
export type { NamespaceUsage, Quota, UsageReport } from "./quota.ts";
export type { PushOff, PushScope } from "./push-off.ts";
export { hostOfPeer, nameOfClient } from "./client-name.ts";
export { staticInstanceId, type StaticInstance } from "./static-instance.ts";
export { EMPTY_SLOT_TABLE, mayFollow, ownerOf, type SlotAccess, type SlotOwner, type SlotTable } from "./slot-table.ts";
export { differsMarkedly } from "./load.ts";
export { NODE_ROLES, memberKey, type ClusterState, type Member, type NodeRole } from "./membership.ts";

// Conversations.
export type {
  ClientHello,
  ClientMessage,
  ClientSummary,
  Move,
  PushReceipt,
  RegisterItem,
  RegistrationOutcome,
  RegistrationResult,
  ServerHello,
  ServerMessage,
  ServicesPush,
  ServicesReceipt,
  ServicesRefusal,
  SessionLoad,
  SubscribeItem,
  SubscribeServicesItem,
  SubscriptionRefusal,
  UnregisterItem,
  UnsubscribeItem,
} from "./client-messages.ts";
export type {
  ClaimRecord,
  IdRange,
  Interest,
  LinkHello,
  LinkRequest,
  LinkResponse,
  NotifyReceipt,
  RegistrationRef,
  ReplicateRequest,
  ReplicateResponse,
  RollUp,
  ServiceClaims,
  ServiceContent,
  ServiceDigest,
  ServiceHoldings,
  ServiceSummary,
  ServicesAnswer,
  ServicesDigest,
  ServicesInterest,
  ServicesNotification,
  ServicesNotifyReceipt,
  ServicesQuery,
  SlotDifference,
  SlotDigest,
  SlotFollow,
  SlotInventory,
  SlotReceipt,
  SlotRef,
  SlotReport,
  SlotUpdate,
  Write,
  WriteKind,
  WriteOutcome,
  WriteResult,
} from "./node-messages.ts";
export type { JoinRequest, JoinResponse, LoadReport, Loads, NodeHello, NodeLoad } from "./join-messages.ts";

// What nodes remember.
export {
  EVENTS_PER_SERVICE_MAX,
  SERVICE_EVENT_KINDS,
  ServiceEvents,
  type Happening,
  type ServiceEvent,
  type ServiceEventKind,
} from "./service-events.ts";

// For every program.
export {
  ERROR_REASONS,
  RegistryError,
  VALUE_SHOWN_MAX,
  invalidField,
  limitExceeded,
  type ErrorReason,
  type ErrorSubject,
  type ErrorValue,
} from "./error.ts";
export { assert, unreachable } from "./assert.ts";
export { ByteStore, NOWHERE, type Place } from "./byte-store.ts";
export {
  FRAME_HEADER_BYTES,
  MESSAGE_BYTES_MAX,
  frameFromMessage,
  frameWithin,
  messageFromFrame,
  type Frame,
} from "./frame.ts";
export {
  noTracer,
  traceparentFromText,
  type Span,
  type SpanAttributes,
  type SpanName,
  type Traceparent,
  type Tracer,
} from "./tracing.ts";
export {
  silentLog,
  type Clock,
  type Dialer,
  type Log,
  type LogFields,
  type MessageStream,
  type Random,
  type StreamHandler,
  type StreamListener,
  type StreamPeer,
  type StreamRoutes,
  type Timer,
} from "./ports.ts";
