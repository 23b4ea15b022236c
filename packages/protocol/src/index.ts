// The conversations between programs: one frame in or out of one value.
export {
  clientMessageFromBytes,
  frameFromClientMessage,
  frameFromPush,
  frameFromServerMessage,
  framesFromPush,
  framesFromServicesPush,
  serverMessageFromBytes,
} from "./codec/client.ts";
export {
  bytesFromWatchRequest,
  watchServicesRequestFromBytes,
  watchWishFromBytes,
  type WatchWish,
  type WatchedItems,
} from "./codec/watch.ts";
export {
  frameFromLinkRequest,
  frameFromLinkResponse,
  linkRequestFromBytes,
  linkResponseFromBytes,
} from "./codec/link.ts";
export {
  frameFromReplicateRequest,
  frameFromReplicateResponse,
  replicateRequestFromBytes,
  replicateResponseFromBytes,
} from "./codec/replicate.ts";
export {
  frameFromJoinRequest,
  frameFromJoinResponse,
  joinRequestFromBytes,
  joinResponseFromBytes,
} from "./codec/join.ts";

// What lies on the disk of a data node.
export {
  bytesFromClaimBlock,
  claimBlockFromBytes,
  claimFromBytes,
  type ClaimBlock,
  type ClaimName,
} from "./codec/claim-block.ts";

// Single values, for the typed RPCs.
export {
  bytesFromInstance,
  instanceFromBytes,
  instanceFromWire,
  instanceAddressFromBytes,
  instanceBytesWith,
  instanceIdFromBytes,
  isMarkedUnhealthy,
  probeFromBytes,
  wireFromInstance,
} from "./codec/instance.ts";
export { isPlainInstance } from "./wire/plain-instance.ts";
export {
  filterFromWire,
  keyFromWire,
  wireFromFilter,
  wireFromKey,
  wireFromVersion,
  versionFromWire,
} from "./codec/values.ts";
export { serviceEventFromWire, wireFromServiceEvent } from "./codec/introspection.ts";
export {
  controlChangeFromJson,
  controlChangeFromWire,
  controlRecordFromJson,
  controlRecordFromWire,
  jsonFromControlChange,
  jsonFromControlRecord,
  wireFromControlChange,
  wireFromControlRecord,
} from "./codec/control.ts";
export { clusterStateFromWire, wireFromClusterState } from "./codec/join.ts";
export { wireFromNodeLoad } from "./codec/load.ts";
export { errorDetailCodec, errorFromWire, wireFromError } from "./codec/error.ts";

// Typed messages that a server builds or reads itself.
export { InstanceSchema, ZoneRule } from "./gen/rollcall/v1/types_pb.ts";

// The services, and their methods as the paths that links are opened by.
export { RegistryService } from "./gen/rollcall/v1/registry_pb.ts";
export { DataService } from "./gen/rollcall/v1/data_pb.ts";
export { Health, HealthCheckResponse_ServingStatus } from "./gen/grpc/health/v1/health_pb.ts";
export { ConnectionService, IntrospectionService } from "./gen/rollcall/v1/introspection_pb.ts";
export { ControlService } from "./gen/rollcall/v1/control_pb.ts";
export { MetaService, type GetClusterResponse } from "./gen/rollcall/v1/meta_pb.ts";
export { CONNECT_PATH, JOIN_PATH, LINK_PATH, REPLICATE_PATH, WATCH_PATH, WATCH_SERVICES_PATH } from "./paths.ts";
