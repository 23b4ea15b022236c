/** What became of a write, among the results of DataService.Link; applied, as nearly all are, by hand. */

import { create, toBinary } from "@bufbuild/protobuf";
import type { SlotAccess, WriteOutcome, WriteResult as CoreWriteResult } from "@rollcall/core";

import {
  SlotRefusalKind,
  SlotRefusalSchema,
  UnknownLeaseSchema,
  WriteResultSchema,
  type SlotRefusal,
  type WriteResult,
} from "../gen/rollcall/v1/data_pb.ts";
import type { WireWriter } from "../wire/wire-writer.ts";
import { epochFromWire } from "./anti-entropy.ts";
import { violation } from "./decode.ts";
import { errorFromWire, wireFromError } from "./error.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";
import { putApplied } from "./values-by-hand.ts";
import {
  registrationVersionFromWire,
  versionFromWire,
  wireFromRegistrationVersion,
  wireFromVersion,
} from "./values.ts";

type Refusal = Exclude<SlotAccess, { kind: "accepted" }>;

sameFields<Refusal, SlotRefusal>();
sameFields<CoreWriteResult, WriteResult>();

export function wireFromWriteResult({ sequence, outcome }: CoreWriteResult): WriteResult {
  const fields: WireFields<WriteResult> = { sequence: BigInt(sequence), outcome: wireFromOutcome(outcome) };
  return create(WriteResultSchema, fields);
}

export function writeResultFromWire({ sequence, outcome }: WriteResult): CoreWriteResult {
  return { sequence: numberFromUint64(sequence), outcome: outcomeFromWire(outcome) };
}

export function putWriteResult(writer: WireWriter, field: number, result: CoreWriteResult): void {
  const { sequence, outcome } = result;
  if (outcome.kind === "applied") putApplied(writer, field, sequence, outcome.version);
  else writer.message(field, toBinary(WriteResultSchema, wireFromWriteResult(result)));
}

function wireFromOutcome(outcome: WriteOutcome): WriteResult["outcome"] {
  switch (outcome.kind) {
    case "applied":
      return { case: "applied", value: wireFromVersion(outcome.version) };
    case "superseded":
      return { case: "superseded", value: wireFromRegistrationVersion(outcome.by) };
    case "denied":
      return { case: "denied", value: wireFromError(outcome.error) };
    case "unknown":
      return { case: "unknown", value: create(UnknownLeaseSchema) };
    case "moved":
    case "migrating":
    case "stale":
      return { case: "refused", value: wireFromRefusal(outcome) };
  }
}

const wireRefusalKind: Record<Refusal["kind"], SlotRefusalKind> = {
  moved: SlotRefusalKind.MOVED,
  migrating: SlotRefusalKind.MIGRATING,
  stale: SlotRefusalKind.STALE,
};

function wireFromRefusal(refusal: Refusal): SlotRefusal {
  const fields: WireFields<SlotRefusal> = {
    kind: wireRefusalKind[refusal.kind],
    tableEpoch: BigInt(refusal.tableEpoch),
    leaderEpoch: BigInt(refusal.leaderEpoch),
  };
  return create(SlotRefusalSchema, fields);
}

function outcomeFromWire(outcome: WriteResult["outcome"]): WriteOutcome {
  switch (outcome.case) {
    case "applied":
      return { kind: "applied", version: versionFromWire(outcome.value) };
    case "superseded":
      return { kind: "superseded", by: registrationVersionFromWire(outcome.value) };
    case "denied":
      return { kind: "denied", error: errorFromWire(outcome.value) };
    case "unknown":
      return { kind: "unknown" };
    case "refused":
      return {
        kind: refusalKindFromWire(outcome.value.kind),
        tableEpoch: epochFromWire(outcome.value.tableEpoch),
        leaderEpoch: epochFromWire(outcome.value.leaderEpoch),
      };
    case undefined:
      return violation("a write result has an outcome");
  }
}

function refusalKindFromWire(kind: SlotRefusalKind): Refusal["kind"] {
  switch (kind) {
    case SlotRefusalKind.MOVED:
      return "moved";
    case SlotRefusalKind.MIGRATING:
      return "migrating";
    case SlotRefusalKind.STALE:
      return "stale";
    default:
      return violation("a slot refusal has a kind");
  }
}
