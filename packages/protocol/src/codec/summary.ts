/** What a client has with its session, in short. */

import { create } from "@bufbuild/protobuf";
import type { ClientSummary as CoreClientSummary } from "@rollcall/core";

import { ClientSummarySchema, type ClientSummary } from "../gen/rollcall/v1/registry_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { digestFromFixed64, fixed64FromDigest } from "./numbers.ts";

sameFields<CoreClientSummary, ClientSummary>();

export function wireFromSummary(summary: CoreClientSummary): ClientSummary {
  const fields: WireFields<ClientSummary> = {
    registrations: fixed64FromDigest(summary.registrations),
    subscriptions: fixed64FromDigest(summary.subscriptions),
  };
  return create(ClientSummarySchema, fields);
}

export function summaryFromWire(wire: ClientSummary): CoreClientSummary {
  return {
    registrations: digestFromFixed64(wire.registrations),
    subscriptions: digestFromFixed64(wire.subscriptions),
  };
}
