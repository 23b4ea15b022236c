/**
 * A filter: which instances of a service a subscriber wants. All parts must hold; an empty filter takes all that are not
 * unhealthy.
 *
 * A preferred zone is no part that holds for one instance and not for another: which instances it takes depends on the
 * others that there are. It is for whoever has the whole list, with {@link isPreferred} to tell what matters in it.
 */

import { invalidField, limitExceeded } from "./error.ts";
import { canTakeWork, checkMetadataKey, checkZone, type Instance } from "./instance.ts";
import { LIMITS } from "./limits.ts";
import { KnownServiceKey, textFromServiceKey, type ServiceKey } from "./service-key.ts";

export interface Filter {
  /** Wanted protocol; empty takes any. */
  readonly protocol: string;
  /** Sorted by key, keys distinct. */
  readonly metadata: readonly MetadataRequirement[];
  /** Wanted zone; empty takes any. */
  readonly zone: string;
  readonly zoneRule: ZoneRule;
  /** Whether unhealthy ones are wanted as well. */
  readonly includeUnhealthy: boolean;
}

/**
 * `only`: instances of the zone, even if there are none. `preferred`: those of the zone as long as one of them can take
 * work, those of all zones otherwise. Also the rule of a filter without a zone.
 */
export type ZoneRule = "preferred" | "only";

/** The instance must have `key`, and when `values` are given its value must be one of them. Values sorted, distinct. */
export interface MetadataRequirement {
  readonly key: string;
  readonly values: readonly string[];
}

export const NO_FILTER: Filter = {
  protocol: "",
  metadata: [],
  zone: "",
  zoneRule: "preferred",
  includeUnhealthy: false,
};

export interface FilterInput {
  readonly protocol?: string | undefined;
  /** A zone that is preferred, or the only one. */
  readonly zone?: string | { readonly only: string } | undefined;
  /** By key: a value, a list of allowed values, or `true` for "has this key". */
  readonly metadata?: Readonly<Record<string, string | readonly string[] | true>> | undefined;
  /** True to see unhealthy instances as well, marked. They are left out by default. */
  readonly includeUnhealthy?: boolean | undefined;
}

/** @throws RegistryError `invalid_field` or `limit_exceeded`, naming the part of the filter. */
export function filterFromInput(input: FilterInput): Filter {
  const metadata = Object.entries(input.metadata ?? {}).map(([key, wanted]) => {
    if (wanted === true) return { key, values: [] };
    const values = typeof wanted === "string" ? [wanted] : wanted;
    if (!Array.isArray(values) || values.length === 0) {
      throw invalidField(
        `filter.metadata[${JSON.stringify(key)}]`,
        "a string, a non-empty list of strings, or true",
        wanted,
      );
    }
    return { key, values };
  });
  const includeUnhealthy = input.includeUnhealthy ?? false;
  return checkFilter({ protocol: input.protocol ?? "", metadata, includeUnhealthy, ...zoneFromInput(input.zone) });
}

function zoneFromInput(input: FilterInput["zone"]): Pick<Filter, "zone" | "zoneRule"> {
  if (typeof input === "object" && input !== null) return { zone: input.only, zoneRule: "only" };
  return { zone: input ?? "", zoneRule: "preferred" };
}

/** The same filter in canonical order, checked. @throws RegistryError as {@link filterFromInput}. */
export function checkFilter(filter: Filter): Filter {
  if (typeof filter.protocol !== "string" || filter.protocol.length > LIMITS.protocolLength) {
    throw invalidField("filter.protocol", `at most ${LIMITS.protocolLength} characters`, filter.protocol);
  }
  if (filter.metadata.length > LIMITS.filterRequirements) {
    throw limitExceeded("filter.metadata", `${LIMITS.filterRequirements} keys`, filter.metadata.length);
  }
  const metadata = filter.metadata.map(checkRequirement).toSorted((a, b) => compareText(a.key, b.key));
  const repeated = metadata.find((requirement, index) => requirement.key === metadata[index - 1]?.key);
  if (repeated !== undefined) throw invalidField("filter.metadata", "distinct keys", repeated.key);
  // The rule without a zone would leave open whether none or all was meant.
  const zone = isZoneFree(filter) ? "" : checkZone("filter.zone", filter.zone);
  const { protocol, zoneRule, includeUnhealthy } = filter;
  return { protocol, metadata, zone, zoneRule, includeUnhealthy };
}

function checkRequirement({ key, values }: MetadataRequirement): MetadataRequirement {
  checkMetadataKey("filter.metadata key", key);
  const field = `filter.metadata[${JSON.stringify(key)}]`;
  if (values.length > LIMITS.filterValues) throw limitExceeded(field, `${LIMITS.filterValues} values`, values.length);
  for (const value of values) {
    if (typeof value !== "string" || value.length > LIMITS.metadataValueLength) {
      throw invalidField(field, `strings of at most ${LIMITS.metadataValueLength} characters`, value);
    }
  }
  return { key, values: [...new Set(values)].toSorted(compareText) };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether it takes all that are not unhealthy, as it does when nothing is said. */
export function takesAllHealthy(filter: Filter): boolean {
  return asksForNothing(filter) && !filter.includeUnhealthy;
}

/** Whether it takes all that there are, the unhealthy ones as well. */
export function takesEverything(filter: Filter): boolean {
  return asksForNothing(filter) && filter.includeUnhealthy;
}

function asksForNothing(filter: Filter): boolean {
  return filter.protocol === "" && filter.metadata.length === 0 && isZoneFree(filter);
}

/** Whether the filter takes the instance, whatever others there are: a preferred zone does not count. */
export function matches(filter: Filter, instance: Instance): boolean {
  if (instance.health === "unhealthy" && !filter.includeUnhealthy) return false;
  if (filter.protocol !== "" && filter.protocol !== instance.protocol) return false;
  if (filter.zoneRule === "only" && filter.zone !== instance.zone) return false;
  return filter.metadata.every(({ key, values }) => {
    const value = Object.hasOwn(instance.metadata, key) ? instance.metadata[key] : undefined;
    return value !== undefined && (values.length === 0 || values.includes(value));
  });
}

function isZoneFree({ zone, zoneRule }: Filter): boolean {
  return zone === "" && zoneRule === "preferred";
}

export function prefersZone(filter: Filter): boolean {
  return filter.zone !== "" && filter.zoneRule === "preferred";
}

/**
 * Whether the instance is reason enough to show no other zone. One that wants no traffic, or can take none, is not: the
 * zone is preferred to save a way, and no way is saved by a list of instances that nobody may call.
 */
export function isPreferred(filter: Filter, instance: Instance): boolean {
  return prefersZone(filter) && filter.zone === instance.zone && canTakeWork(instance) && matches(filter, instance);
}

/** The same text for equal filters, the empty one for {@link NO_FILTER}: the key of maps. */
export function textFromFilter(filter: Filter): string {
  if (takesAllHealthy(filter)) return "";
  const parts: unknown[] = [filter.protocol, filter.metadata.map(({ key, values }) => [key, ...values])];
  if (filter.zone !== "") parts.push(filter.zoneRule, filter.zone);
  if (filter.includeUnhealthy) parts.push("unhealthy too");
  return JSON.stringify(parts);
}

/** What client and session call a subscription, where they compare what they know of them. No key contains a blank. */
export function nameOfSubscription({ key, filter }: { readonly key: ServiceKey; readonly filter: Filter }): string {
  if (key instanceof KnownServiceKey && takesAllHealthy(filter)) return key.name();
  return `${textFromServiceKey(key)} ${textFromFilter(filter)}`;
}
