/** What data nodes say of namespaces with a quota. */

import { create } from "@bufbuild/protobuf";
import { epoch, type NamespaceUsage as CoreNamespaceUsage, type UsageReport } from "@rollcall/core";

import { NamespaceUsageSchema, UsageSchema, type NamespaceUsage, type Usage } from "../gen/rollcall/v1/meta_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";

sameFields<UsageReport, Usage>();
sameFields<CoreNamespaceUsage, NamespaceUsage>();

export function wireFromUsage({ tableEpoch, namespaces }: UsageReport): Usage {
  const fields: WireFields<Usage> = {
    tableEpoch: BigInt(tableEpoch),
    namespaces: namespaces.map(({ namespace, instances, services }) => {
      const usage: WireFields<NamespaceUsage> = { namespace, instances, services };
      return create(NamespaceUsageSchema, usage);
    }),
  };
  return create(UsageSchema, fields);
}

export function usageFromWire({ tableEpoch, namespaces }: Usage): UsageReport {
  return {
    tableEpoch: epoch(numberFromUint64(tableEpoch)),
    namespaces: namespaces.map(({ namespace, instances, services }) => ({ namespace, instances, services })),
  };
}
