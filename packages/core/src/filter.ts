/** A filter: which instances of a service a subscriber wants. All parts must hold; an empty filter takes everything. */

import { invalidField, limitExceeded } from "./error.ts";
import { checkMetadataKey, type Instance } from "./instance.ts";
import { LIMITS } from "./limits.ts";

export interface Filter {
  /** Wanted protocol; empty takes any. */
  readonly protocol: string;
  /** Sorted by key, keys distinct. */
  readonly metadata: readonly MetadataRequirement[];
}

/** The instance must have `key`, and when `values` are given its value must be one of them. Values sorted, distinct. */
export interface MetadataRequirement {
  readonly key: string;
  readonly values: readonly string[];
}

export const NO_FILTER: Filter = { protocol: "", metadata: [] };

/** What a subscriber writes: a value, a list of allowed values, or `true` for "has this key". */
export interface FilterInput {
  readonly protocol?: string | undefined;
  readonly metadata?: Readonly<Record<string, string | readonly string[] | true>> | undefined;
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
  return checkFilter({ protocol: input.protocol ?? "", metadata });
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
  return { protocol: filter.protocol, metadata };
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

export function takesEverything(filter: Filter): boolean {
  return filter.protocol === "" && filter.metadata.length === 0;
}

export function matches(filter: Filter, instance: Instance): boolean {
  if (filter.protocol !== "" && filter.protocol !== instance.protocol) return false;
  return filter.metadata.every(({ key, values }) => {
    const value = Object.hasOwn(instance.metadata, key) ? instance.metadata[key] : undefined;
    return value !== undefined && (values.length === 0 || values.includes(value));
  });
}

/** The same text for equal filters, the empty one for {@link NO_FILTER}: the key of maps. */
export function textFromFilter(filter: Filter): string {
  if (takesEverything(filter)) return "";
  return JSON.stringify([filter.protocol, filter.metadata.map(({ key, values }) => [key, ...values])]);
}
