/**
 * The messages of RegistryService.Connect, both ways, with instances left as bytes. What registers, unregisters and answers
 * to that, which comes by the hundred, is written and read by hand, and so are pushes and receipts; everything else, and
 * what is unusual, by the generated code.
 */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  changeFromUpdate,
  partsOfUpdate,
  saysMore,
  type ClientMessage,
  type Frame,
  type PushReceipt as CorePushReceipt,
  type RegisterItem,
  type RegistrationResult,
  type ServerMessage,
  type ServicePattern,
  type ServicesPush,
  type SubscribeItem,
  type SubscriptionRefusal as CoreSubscriptionRefusal,
  type UnregisterItem,
  type UnsubscribeItem,
  type Update,
  type UpdatePart,
} from "@rollcall/core";

import {
  OpaqueConnectRequestSchema,
  OpaqueConnectResponseSchema,
  type OpaqueConnectRequest,
  type OpaqueConnectResponse,
} from "../gen/rollcall/v1/opaque_pb.ts";
import {
  PushReceiptSchema,
  SubscribeSchema,
  SubscriptionRefusalSchema,
  UnsubscribeSchema,
  type PushReceipt,
  type Subscribe,
  type SubscriptionRefusal,
  type Unsubscribe,
} from "../gen/rollcall/v1/registry_pb.ts";
import { bulkField, readBulk, tagsOf } from "../wire/bulk.ts";
import { readOr } from "../wire/wire-reader.ts";
import { WireWriter } from "../wire/wire-writer.ts";
import { barrierAnswerFromWire, barrierFromWire, wireFromBarrier, wireFromBarrierAnswer } from "./barrier.ts";
import { decodeMessage, violation } from "./decode.ts";
import { errorFromWire, wireFromError } from "./error.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { clientHelloFromWire, wireFromClientHello, wireFromServerHello } from "./hello.ts";
import { moveFromWire, sessionLoadFromWire, wireFromMove, wireFromSessionLoad } from "./load.ts";
import { putPush, putReceipt, readPush, readReceipt } from "./push-by-hand.ts";
import {
  putRegister,
  putResult,
  putUnregister,
  readRegister,
  readUnregister,
  registerFromWire,
  resultFromWire,
  unregisterFromWire,
  wireFromRegister,
  wireFromResult,
  wireFromUnregister,
} from "./registration.ts";
import {
  patternFromWire,
  servicesPushFromWire,
  servicesReceiptFromWire,
  servicesRefusalFromWire,
  subscribeServicesFromWire,
  wireFromPattern,
  wireFromServicesPush,
  wireFromServicesReceipt,
  wireFromServicesRefusal,
  wireFromSubscribeServices,
} from "./services.ts";
import { summaryFromWire, wireFromSummary } from "./summary.ts";
import { switchedOffFromWire, wireFromSwitchedOff } from "./switched-off.ts";
import { updateFromWire, wireFromUpdate } from "./update.ts";
import { readApplied } from "./values-by-hand.ts";
import { filterFromWire, heldFromWire, keyFromWire, wireFromFilter, wireFromHeld, wireFromKey } from "./values.ts";

sameFields<ClientMessage, OpaqueConnectRequest>();
sameFields<SubscribeItem, Subscribe>();
sameFields<UnsubscribeItem, Unsubscribe>();
sameFields<CorePushReceipt, PushReceipt>();
sameFields<ServerMessage, OpaqueConnectResponse>();
sameFields<CoreSubscriptionRefusal, SubscriptionRefusal>();

// From the client ------------------------------------------------------------------------------------------------------

const NOTHING_FROM_CLIENT: ClientMessage = {
  hello: undefined,
  registers: [],
  unregisters: [],
  subscribes: [],
  unsubscribes: [],
  receipts: [],
  barriers: [],
  servicesSubscribes: [],
  servicesUnsubscribes: [],
  servicesReceipts: [],
  summary: undefined,
};

const writer = new WireWriter();

const REQUEST_TAGS = tagsOf(OpaqueConnectRequestSchema);
const RESPONSE_TAGS = tagsOf(OpaqueConnectResponseSchema);

/** Numbers of the fields that come in bulk. */
const REGISTERS = 2;
const UNREGISTERS = 3;
const RECEIPTS = 6;
const RESULTS = 2;
const PUSHES = 4;

const BULK_FROM_CLIENT: readonly (keyof ClientMessage)[] = ["registers", "unregisters", "receipts"];
const BULK_FROM_SERVER: readonly (keyof ServerMessage)[] = ["results", "pushes"];

/** One message of a client, framed; parts that are left out are empty. */
export function frameFromClientMessage(parts: Partial<ClientMessage>): Frame {
  writer.begin();
  for (const item of parts.registers ?? []) putRegister(writer, REGISTERS, item);
  for (const item of parts.unregisters ?? []) putUnregister(writer, UNREGISTERS, item);
  for (const receipt of parts.receipts ?? []) putReceipt(writer, RECEIPTS, receipt);
  if (!saysMore(parts, BULK_FROM_CLIENT)) return writer.passingFrame();
  const others = wireFromClientMessage({ ...parts, registers: [], unregisters: [], receipts: [] });
  writer.fields(toBinary(OpaqueConnectRequestSchema, others));
  return writer.frame();
}

/** All of it by the generated code. */
export function wireFromClientMessage(parts: Partial<ClientMessage>): OpaqueConnectRequest {
  const message = { ...NOTHING_FROM_CLIENT, ...parts };
  const fields: WireFields<OpaqueConnectRequest> = {
    hello: message.hello && wireFromClientHello(message.hello),
    registers: message.registers.map(wireFromRegister),
    unregisters: message.unregisters.map(wireFromUnregister),
    subscribes: message.subscribes.map(wireFromSubscribe),
    unsubscribes: message.unsubscribes.map(wireFromUnsubscribe),
    receipts: message.receipts.map(wireFromPushReceipt),
    servicesSubscribes: message.servicesSubscribes.map(wireFromSubscribeServices),
    servicesUnsubscribes: message.servicesUnsubscribes.map(wireFromPattern),
    servicesReceipts: message.servicesReceipts.map(wireFromServicesReceipt),
    summary: message.summary && wireFromSummary(message.summary),
    barriers: message.barriers.map(wireFromBarrier),
  };
  return create(OpaqueConnectRequestSchema, fields);
}

/** @throws RegistryError `protocol_violation`. Names, versions and instances are not checked yet. */
export function clientMessageFromBytes(bytes: Uint8Array): ClientMessage {
  return readOr(
    () => {
      const registers: RegisterItem[] = [];
      const unregisters: UnregisterItem[] = [];
      const receipts: CorePushReceipt[] = [];
      const others = readBulk(bytes, REQUEST_TAGS, [
        bulkField(REGISTERS, (reader) => registers.push(readRegister(reader))),
        bulkField(UNREGISTERS, (reader) => unregisters.push(readUnregister(reader))),
        bulkField(RECEIPTS, (reader) => receipts.push(readReceipt(reader))),
      ]);
      const rest = others.length === 0 ? NOTHING_FROM_CLIENT : clientMessageFromWireBytes(others);
      return { ...rest, registers, unregisters, receipts };
    },
    () => clientMessageFromWireBytes(bytes),
  );
}

/** The same by the generated code. */
export function clientMessageFromWireBytes(bytes: Uint8Array): ClientMessage {
  const wire = decodeMessage(OpaqueConnectRequestSchema, bytes);
  return {
    hello: wire.hello && clientHelloFromWire(wire.hello),
    registers: wire.registers.map(registerFromWire),
    unregisters: wire.unregisters.map(unregisterFromWire),
    subscribes: wire.subscribes.map(subscribeFromWire),
    unsubscribes: wire.unsubscribes.map((item) => ({
      key: keyFromWire(item.key),
      filter: filterFromWire(item.filter),
    })),
    receipts: wire.receipts.map((item) => ({
      key: keyFromWire(item.key),
      filter: filterFromWire(item.filter),
      held: heldFromWire(item.held) ?? violation("a push receipt says what is held"),
      resync: item.resync,
    })),
    servicesSubscribes: wire.servicesSubscribes.map(subscribeServicesFromWire),
    servicesUnsubscribes: wire.servicesUnsubscribes.map(patternFromWire),
    servicesReceipts: wire.servicesReceipts.map(servicesReceiptFromWire),
    summary: wire.summary && summaryFromWire(wire.summary),
    barriers: wire.barriers.map(barrierFromWire),
  };
}

export function wireFromSubscribe(item: SubscribeItem): Subscribe {
  const fields: WireFields<Subscribe> = {
    key: wireFromKey(item.key),
    filter: wireFromFilter(item.filter),
    held: item.held && wireFromHeld(item.held),
  };
  return create(SubscribeSchema, fields);
}

export function subscribeFromWire(wire: Subscribe): SubscribeItem {
  return { key: keyFromWire(wire.key), filter: filterFromWire(wire.filter), held: heldFromWire(wire.held) };
}

function wireFromUnsubscribe(item: UnsubscribeItem): Unsubscribe {
  const fields: WireFields<Unsubscribe> = { key: wireFromKey(item.key), filter: wireFromFilter(item.filter) };
  return create(UnsubscribeSchema, fields);
}

function wireFromPushReceipt(item: CorePushReceipt): PushReceipt {
  const fields: WireFields<PushReceipt> = {
    key: wireFromKey(item.key),
    filter: wireFromFilter(item.filter),
    held: wireFromHeld(item.held),
    resync: item.resync,
  };
  return create(PushReceiptSchema, fields);
}

// From the session node ------------------------------------------------------------------------------------------------

const NOTHING_FROM_SERVER: ServerMessage = {
  hello: undefined,
  results: [],
  refusals: [],
  pushes: [],
  servicesPushes: [],
  servicesRefusals: [],
  barriers: [],
  move: undefined,
  sessions: [],
  summary: undefined,
  switchedOff: undefined,
};

/** One message of a session node, framed; parts that are left out are empty. */
export function frameFromServerMessage(parts: Partial<ServerMessage>): Frame {
  writer.begin();
  for (const result of parts.results ?? []) putResult(writer, RESULTS, result);
  for (const push of parts.pushes ?? []) putPush(writer, PUSHES, push);
  if (saysMore(parts, BULK_FROM_SERVER)) {
    const others = wireFromServerMessage({ ...parts, results: [], pushes: [] });
    writer.fields(toBinary(OpaqueConnectResponseSchema, others));
    return writer.frame();
  }
  // A push is kept for all its receivers; what a client has asked for is answered to it alone, and at once.
  return parts.pushes === undefined || parts.pushes.length === 0 ? writer.passingFrame() : writer.frame();
}

/** All of it by the generated code. */
export function wireFromServerMessage(parts: Partial<ServerMessage>): OpaqueConnectResponse {
  const message = { ...NOTHING_FROM_SERVER, ...parts };
  const fields: WireFields<OpaqueConnectResponse> = {
    hello: message.hello && wireFromServerHello(message.hello),
    results: message.results.map(wireFromResult),
    refusals: message.refusals.map(wireFromRefusal),
    pushes: message.pushes.map(wireFromUpdate),
    servicesPushes: message.servicesPushes.map(wireFromServicesPush),
    servicesRefusals: message.servicesRefusals.map(wireFromServicesRefusal),
    summary: message.summary && wireFromSummary(message.summary),
    barriers: message.barriers.map(wireFromBarrierAnswer),
    move: message.move && wireFromMove(message.move),
    sessions: message.sessions.map(wireFromSessionLoad),
    switchedOff: message.switchedOff && wireFromSwitchedOff(message.switchedOff),
  };
  return create(OpaqueConnectResponseSchema, fields);
}

/** One push, or a part of one, framed: the very bytes that every subscriber of the same view gets, on Connect and Watch. */
export function frameFromPush(push: UpdatePart): Frame {
  return frameFromServerMessage({ pushes: [push] });
}

/** One push in as many frames as it takes to keep each below what any client accepts. */
export function framesFromPush(update: Update): readonly Frame[] {
  return partsOfUpdate(update).map(frameFromPush);
}

/** A push of a list of services, framed like one of a service: for Connect and for WatchServices. */
export function framesFromServicesPush(pattern: ServicePattern, update: Update): readonly Frame[] {
  return partsOfUpdate(update).map((part) => {
    const push: ServicesPush = { pattern, ...changeFromUpdate(part) };
    return frameFromServerMessage({ servicesPushes: [push] });
  });
}

/** @throws RegistryError `protocol_violation`. */
export function serverMessageFromBytes(bytes: Uint8Array): ServerMessage {
  return readOr(
    () => {
      const results: RegistrationResult[] = [];
      const pushes: UpdatePart[] = [];
      const others = readBulk(bytes, RESPONSE_TAGS, [
        bulkField(RESULTS, (reader) => results.push(readApplied(reader))),
        bulkField(PUSHES, (reader) => pushes.push(readPush(reader))),
      ]);
      return { ...(others.length === 0 ? NOTHING_FROM_SERVER : serverMessageFromWireBytes(others)), results, pushes };
    },
    () => serverMessageFromWireBytes(bytes),
  );
}

/** The same by the generated code. */
export function serverMessageFromWireBytes(bytes: Uint8Array): ServerMessage {
  const wire = decodeMessage(OpaqueConnectResponseSchema, bytes);
  return {
    hello: wire.hello && { nodeId: wire.hello.nodeId, clusterId: wire.hello.clusterId },
    results: wire.results.map(resultFromWire),
    refusals: wire.refusals.map((item) => ({
      key: keyFromWire(item.key),
      filter: filterFromWire(item.filter),
      error: item.error ? errorFromWire(item.error) : violation("a refusal says why"),
    })),
    pushes: wire.pushes.map(updateFromWire),
    servicesPushes: wire.servicesPushes.map(servicesPushFromWire),
    servicesRefusals: wire.servicesRefusals.map(servicesRefusalFromWire),
    summary: wire.summary && summaryFromWire(wire.summary),
    barriers: wire.barriers.map(barrierAnswerFromWire),
    move: wire.move && moveFromWire(wire.move),
    sessions: wire.sessions.map(sessionLoadFromWire),
    switchedOff: wire.switchedOff && switchedOffFromWire(wire.switchedOff),
  };
}

function wireFromRefusal(refusal: CoreSubscriptionRefusal): SubscriptionRefusal {
  const fields: WireFields<SubscriptionRefusal> = {
    key: wireFromKey(refusal.key),
    filter: wireFromFilter(refusal.filter),
    error: wireFromError(refusal.error),
  };
  return create(SubscriptionRefusalSchema, fields);
}
