/**
 * The messages of DataService.Link, both ways. Writes, notifications, and the answers to both, which come by the hundred,
 * are written and read by hand; everything else, and what is unusual, by the generated code.
 */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  saysMore,
  type Frame,
  type Interest as CoreInterest,
  type LinkHello as CoreLinkHello,
  type LinkRequest as CoreLinkRequest,
  type LinkResponse as CoreLinkResponse,
  type NotifyReceipt as CoreNotifyReceipt,
  type ServiceSummary,
  type ServicesAnswer as CoreServicesAnswer,
  type ServicesQuery as CoreServicesQuery,
  type UpdatePart,
  type Write as CoreWrite,
  type WriteResult as CoreWriteResult,
} from "@rollcall/core";

import {
  InterestSchema,
  LinkHelloSchema,
  LinkRequestSchema,
  LinkResponseSchema,
  NotifyReceiptSchema,
  ServiceCountSchema,
  ServicesAnswerSchema,
  ServicesQuerySchema,
  type Interest,
  type LinkHello,
  type LinkRequest,
  type LinkResponse,
  type NotifyReceipt,
  type ServiceCount,
  type ServicesAnswer,
  type ServicesQuery,
} from "../gen/rollcall/v1/data_pb.ts";
import { bulkField, readBulk, tagsOf } from "../wire/bulk.ts";
import { readOr } from "../wire/wire-reader.ts";
import { WireWriter } from "../wire/wire-writer.ts";
import {
  differenceFromWire,
  holdingsFromWire,
  inventoryFromWire,
  reportFromWire,
  rollUpFromWire,
  slotDigestFromWire,
  slotFromWire,
  slotRefFromWire,
  wireFromDifference,
  wireFromHoldings,
  wireFromInventory,
  wireFromReport,
  wireFromRollUp,
  wireFromSlotDigest,
  wireFromSlotRef,
} from "./anti-entropy.ts";
import {
  barrierAnswerFromWire,
  barrierFromWire,
  toldAnswerFromWire,
  toldQuestionFromWire,
  wireFromBarrier,
  wireFromBarrierAnswer,
  wireFromToldAnswer,
  wireFromToldQuestion,
} from "./barrier.ts";
import { decodeMessage, violation } from "./decode.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";
import { putNotifyReceipt, putPush, readNotifyReceipt, readPush } from "./push-by-hand.ts";
import {
  servicesDigestFromWire,
  servicesNotificationFromWire,
  servicesReceiptFromWire,
  wireFromServicesDigest,
  wireFromServicesInterest,
  wireFromServicesNotification,
  wireFromServicesNotifyReceipt,
} from "./services-notification.ts";
import { updateFromWire, wireFromUpdate } from "./update.ts";
import { readApplied } from "./values-by-hand.ts";
import { heldFromWire, keyFromWire, wireFromHeld, wireFromKey } from "./values.ts";
import { putWriteResult, wireFromWriteResult, writeResultFromWire } from "./write-outcome.ts";
import { putWrite, readWrite, wireFromWrite, writeFromWire } from "./write.ts";

sameFields<CoreLinkRequest, LinkRequest>();
sameFields<CoreLinkHello, LinkHello>();
sameFields<CoreInterest, Interest>();
sameFields<CoreNotifyReceipt, NotifyReceipt>();
sameFields<CoreServicesQuery, ServicesQuery>();
sameFields<CoreLinkResponse, LinkResponse>();
sameFields<CoreServicesAnswer, ServicesAnswer>();
sameFields<ServiceSummary, ServiceCount>();

// From the session node ------------------------------------------------------------------------------------------------

const NOTHING_FROM_SESSION: CoreLinkRequest = {
  hello: undefined,
  writes: [],
  reports: [],
  interests: [],
  uninterests: [],
  receipts: [],
  queries: [],
  inventories: [],
  holdings: [],
  registrations: undefined,
  copies: [],
  barriers: [],
  told: [],
  servicesInterests: [],
  servicesUninterests: [],
  servicesReceipts: [],
};

const writer = new WireWriter();

const REQUEST_TAGS = tagsOf(LinkRequestSchema);
const RESPONSE_TAGS = tagsOf(LinkResponseSchema);

/** Numbers of the fields that come in bulk. */
const WRITES = 2;
const RECEIPTS = 6;
const RESULTS = 1;
const NOTIFICATIONS = 3;

const BULK_FROM_SESSION: readonly (keyof CoreLinkRequest)[] = ["writes", "receipts"];
const BULK_FROM_DATA: readonly (keyof CoreLinkResponse)[] = ["results", "notifications"];

export function frameFromLinkRequest(parts: Partial<CoreLinkRequest>): Frame {
  writer.begin();
  for (const write of parts.writes ?? []) putWrite(writer, WRITES, write);
  for (const receipt of parts.receipts ?? []) putNotifyReceipt(writer, RECEIPTS, receipt);
  if (saysMore(parts, BULK_FROM_SESSION))
    writer.fields(toBinary(LinkRequestSchema, wireFromLinkRequest({ ...parts, writes: [], receipts: [] })));
  return writer.frame();
}

/** All of it by the generated code. */
export function wireFromLinkRequest(parts: Partial<CoreLinkRequest>): LinkRequest {
  const message = { ...NOTHING_FROM_SESSION, ...parts };
  const fields: WireFields<LinkRequest> = {
    hello: message.hello && wireFromLinkHello(message.hello),
    writes: message.writes.map(wireFromWrite),
    reports: message.reports.map(wireFromReport),
    interests: message.interests.map(wireFromInterest),
    uninterests: message.uninterests.map(wireFromKey),
    receipts: message.receipts.map(wireFromNotifyReceipt),
    queries: message.queries.map(wireFromQuery),
    inventories: message.inventories.map(wireFromInventory),
    holdings: message.holdings.map(wireFromHoldings),
    registrations: message.registrations && wireFromRollUp(message.registrations),
    copies: message.copies.map(wireFromSlotDigest),
    barriers: message.barriers.map(wireFromBarrier),
    told: message.told.map(wireFromToldAnswer),
    servicesInterests: message.servicesInterests.map(wireFromServicesInterest),
    servicesUninterests: [...message.servicesUninterests],
    servicesReceipts: message.servicesReceipts.map(wireFromServicesNotifyReceipt),
  };
  return create(LinkRequestSchema, fields);
}

/** @throws RegistryError `protocol_violation`. */
export function linkRequestFromBytes(bytes: Uint8Array): CoreLinkRequest {
  return readOr(
    () => {
      const writes: CoreWrite[] = [];
      const receipts: CoreNotifyReceipt[] = [];
      const others = readBulk(bytes, REQUEST_TAGS, [
        bulkField(WRITES, (reader) => writes.push(readWrite(reader))),
        bulkField(RECEIPTS, (reader) => receipts.push(readNotifyReceipt(reader))),
      ]);
      return { ...(others.length === 0 ? NOTHING_FROM_SESSION : linkRequestFromWireBytes(others)), writes, receipts };
    },
    () => linkRequestFromWireBytes(bytes),
  );
}

/** The same by the generated code. */
export function linkRequestFromWireBytes(bytes: Uint8Array): CoreLinkRequest {
  const wire = decodeMessage(LinkRequestSchema, bytes);
  return {
    hello: wire.hello && linkHelloFromWire(wire.hello),
    writes: wire.writes.map(writeFromWire),
    reports: wire.reports.map(reportFromWire),
    interests: wire.interests.map((item) => ({ key: keyFromWire(item.key), held: heldFromWire(item.held) })),
    uninterests: wire.uninterests.map(keyFromWire),
    receipts: wire.receipts.map((item) => ({
      key: keyFromWire(item.key),
      held: heldFromWire(item.held) ?? violation("a notify receipt says what is held"),
      resync: item.resync,
    })),
    queries: wire.queries.map((item) => ({ sequence: numberFromUint64(item.sequence), namespace: item.namespace })),
    inventories: wire.inventories.map(inventoryFromWire),
    holdings: wire.holdings.map(holdingsFromWire),
    registrations: rollUpFromWire(wire.registrations),
    copies: wire.copies.map(slotDigestFromWire),
    barriers: wire.barriers.map(barrierFromWire),
    told: wire.told.map(toldAnswerFromWire),
    servicesInterests: wire.servicesInterests.map(({ namespace, held }) => ({ namespace, held: heldFromWire(held) })),
    servicesUninterests: wire.servicesUninterests,
    servicesReceipts: wire.servicesReceipts.map(servicesReceiptFromWire),
  };
}

export function linkHelloFromWire(wire: LinkHello): CoreLinkHello {
  return { nodeId: wire.nodeId, incarnation: numberFromUint64(wire.incarnation) };
}

export function wireFromLinkHello(hello: CoreLinkHello): LinkHello {
  const fields: WireFields<LinkHello> = { nodeId: hello.nodeId, incarnation: BigInt(hello.incarnation) };
  return create(LinkHelloSchema, fields);
}

function wireFromInterest(interest: CoreInterest): Interest {
  const fields: WireFields<Interest> = {
    key: wireFromKey(interest.key),
    held: interest.held && wireFromHeld(interest.held),
  };
  return create(InterestSchema, fields);
}

function wireFromNotifyReceipt(receipt: CoreNotifyReceipt): NotifyReceipt {
  const fields: WireFields<NotifyReceipt> = {
    key: wireFromKey(receipt.key),
    held: wireFromHeld(receipt.held),
    resync: receipt.resync,
  };
  return create(NotifyReceiptSchema, fields);
}

function wireFromQuery(query: CoreServicesQuery): ServicesQuery {
  const fields: WireFields<ServicesQuery> = { sequence: BigInt(query.sequence), namespace: query.namespace };
  return create(ServicesQuerySchema, fields);
}

// From the data node ---------------------------------------------------------------------------------------------------

const NOTHING_FROM_DATA: CoreLinkResponse = {
  results: [],
  reported: [],
  notifications: [],
  answers: [],
  disagreed: [],
  differences: [],
  reportAll: false,
  copies: undefined,
  askAgain: [],
  toldQuestions: [],
  barriers: [],
  servicesNotifications: [],
  servicesDigests: [],
};

export function frameFromLinkResponse(parts: Partial<CoreLinkResponse>): Frame {
  writer.begin();
  for (const result of parts.results ?? []) putWriteResult(writer, RESULTS, result);
  for (const notification of parts.notifications ?? []) putPush(writer, NOTIFICATIONS, notification);
  if (saysMore(parts, BULK_FROM_DATA))
    writer.fields(toBinary(LinkResponseSchema, wireFromLinkResponse({ ...parts, results: [], notifications: [] })));
  return writer.frame();
}

/** All of it by the generated code. */
export function wireFromLinkResponse(parts: Partial<CoreLinkResponse>): LinkResponse {
  const message = { ...NOTHING_FROM_DATA, ...parts };
  const fields: WireFields<LinkResponse> = {
    results: message.results.map(wireFromWriteResult),
    reported: message.reported.map(wireFromReport),
    notifications: message.notifications.map(wireFromUpdate),
    answers: message.answers.map(wireFromAnswer),
    disagreed: message.disagreed.map(wireFromSlotRef),
    differences: message.differences.map(wireFromDifference),
    reportAll: message.reportAll,
    copies: message.copies && wireFromRollUp(message.copies),
    askAgain: [...message.askAgain],
    toldQuestions: message.toldQuestions.map(wireFromToldQuestion),
    barriers: message.barriers.map(wireFromBarrierAnswer),
    servicesNotifications: message.servicesNotifications.map(wireFromServicesNotification),
    servicesDigests: message.servicesDigests.map(wireFromServicesDigest),
  };
  return create(LinkResponseSchema, fields);
}

/** @throws RegistryError `protocol_violation`. */
export function linkResponseFromBytes(bytes: Uint8Array): CoreLinkResponse {
  return readOr(
    () => {
      const results: CoreWriteResult[] = [];
      const notifications: UpdatePart[] = [];
      const others = readBulk(bytes, RESPONSE_TAGS, [
        bulkField(RESULTS, (reader) => results.push(readApplied(reader))),
        bulkField(NOTIFICATIONS, (reader) => notifications.push(readPush(reader))),
      ]);
      const rest = others.length === 0 ? NOTHING_FROM_DATA : linkResponseFromWireBytes(others);
      return { ...rest, results, notifications };
    },
    () => linkResponseFromWireBytes(bytes),
  );
}

/** The same by the generated code. */
export function linkResponseFromWireBytes(bytes: Uint8Array): CoreLinkResponse {
  const wire = decodeMessage(LinkResponseSchema, bytes);
  return {
    results: wire.results.map(writeResultFromWire),
    reported: wire.reported.map(reportFromWire),
    notifications: wire.notifications.map(updateFromWire),
    answers: wire.answers.map((item) => ({
      sequence: numberFromUint64(item.sequence),
      services: item.services.map(({ key, instances }) => ({ key: keyFromWire(key), instances })),
    })),
    disagreed: wire.disagreed.map(slotRefFromWire),
    differences: wire.differences.map(differenceFromWire),
    reportAll: wire.reportAll,
    copies: rollUpFromWire(wire.copies),
    askAgain: wire.askAgain.map(slotFromWire),
    toldQuestions: wire.toldQuestions.map(toldQuestionFromWire),
    barriers: wire.barriers.map(barrierAnswerFromWire),
    servicesNotifications: wire.servicesNotifications.map(servicesNotificationFromWire),
    servicesDigests: wire.servicesDigests.map(servicesDigestFromWire),
  };
}

function wireFromAnswer(answer: CoreServicesAnswer): ServicesAnswer {
  const fields: WireFields<ServicesAnswer> = {
    sequence: BigInt(answer.sequence),
    services: answer.services.map((summary) => {
      const count: WireFields<ServiceCount> = { key: wireFromKey(summary.key), instances: summary.instances };
      return create(ServiceCountSchema, count);
    }),
  };
  return create(ServicesAnswerSchema, fields);
}
