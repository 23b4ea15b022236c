/**
 * An update, or a part of one, as the body of a push and of a notification: one form for both, so that a session passes on what the slot's
 * leader encoded.
 */

import { create } from "@bufbuild/protobuf";
import { traceparentFromText, type ChangeOrigin as CoreChangeOrigin, type UpdatePart } from "@rollcall/core";

import { OpaquePushSchema, type OpaquePush } from "../gen/rollcall/v1/opaque_pb.ts";
import { ChangeOriginSchema, type ChangeOrigin } from "../gen/rollcall/v1/types_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { instanceIdFromBytes, owned } from "./instance.ts";
import { digestFromFixed64, fixed64FromDigest } from "./numbers.ts";
import {
  filterFromWire,
  keyFromWire,
  versionFromWire,
  wireFromFilter,
  wireFromKey,
  wireFromVersion,
} from "./values.ts";

sameFields<UpdatePart, OpaquePush>();
sameFields<CoreChangeOrigin, ChangeOrigin>();

export function wireFromUpdate(update: UpdatePart): OpaquePush {
  const fields: WireFields<OpaquePush> = {
    key: wireFromKey(update.key),
    filter: wireFromFilter(update.filter),
    version: wireFromVersion(update.version),
    digest: fixed64FromDigest(update.digest),
    baseDigest: update.baseDigest && fixed64FromDigest(update.baseDigest),
    instances: update.instances.map((instance) => instance.bytes),
    removedIds: [...update.removedIds],
    confirmed: update.confirmed,
    more: update.more ?? false,
    origin: update.origin && wireFromOrigin(update.origin),
  };
  return create(OpaquePushSchema, fields);
}

export function updateFromWire(wire: OpaquePush): UpdatePart {
  return {
    key: keyFromWire(wire.key),
    filter: filterFromWire(wire.filter),
    version: versionFromWire(wire.version),
    digest: digestFromFixed64(wire.digest),
    baseDigest: wire.baseDigest === undefined ? undefined : digestFromFixed64(wire.baseDigest),
    instances: wire.instances.map((bytes) => ({ id: instanceIdFromBytes(bytes), bytes: owned(bytes) })),
    removedIds: wire.removedIds,
    confirmed: wire.confirmed,
    more: wire.more,
    origin: wire.origin && {
      traceparent: traceparentFromText(wire.origin.traceparent),
      ageUs: wire.origin.ageUs,
    },
  };
}

function wireFromOrigin({ traceparent, ageUs }: CoreChangeOrigin): ChangeOrigin {
  const fields: WireFields<ChangeOrigin> = { traceparent: traceparent ?? "", ageUs };
  return create(ChangeOriginSchema, fields);
}
