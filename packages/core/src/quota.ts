/** Quotas: how much may be registered in a namespace, so that one tenant cannot fill what all share. */

import { invalidField } from "./error.ts";
import { LIMITS } from "./limits.ts";
import { checkShortName } from "./service-key.ts";
import type { Epoch } from "./version.ts";

/** A registration that would make it more is refused; what is registered already stays. At least one number is given. */
export interface Quota {
  readonly kind: "quota";
  readonly namespace: string;
  /** Instances that are shown. */
  readonly instances: number | undefined;
  /** Services with an instance. */
  readonly services: number | undefined;
}

/** What is registered in a namespace. */
export interface NamespaceUsage {
  readonly namespace: string;
  readonly instances: number;
  readonly services: number;
}

/** What is registered in namespaces with a quota: at one data node, or at several together. */
export interface UsageReport {
  /** By which slot table: another one may give slots to another node, and they would be counted twice. */
  readonly tableEpoch: Epoch;
  readonly namespaces: readonly NamespaceUsage[];
}

/** Names what it is about. */
export function quotaId({ namespace }: Quota): string {
  return `quota/${namespace}`;
}

/** @throws RegistryError `invalid_field`. */
export function checkQuota({ namespace, instances, services }: Quota): void {
  checkShortName("namespace", namespace);
  if (instances === undefined && services === undefined)
    throw invalidField("quota", "a number of instances, of services, or both", "neither");
  checkNumber("quota.instances", instances);
  checkNumber("quota.services", services);
}

function checkNumber(field: string, value: number | undefined): void {
  if (value === undefined) return;
  if (!Number.isInteger(value) || value < 0 || value > LIMITS.quota)
    throw invalidField(field, `0 to ${LIMITS.quota}`, value);
}
