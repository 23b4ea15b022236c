/**
 * Lists of services. Such a list is kept and travels as a datum whose members are services instead of instances: so it
 * has a digest, a log of changes, snapshots and deltas with proof, and whoever delivers datums delivers lists.
 *
 * What a data node knows of a namespace has members of a second kind, the slots that it can tell of: without them nobody
 * could tell a slot without services from one that is led by others.
 */

import { Datum, type EncodedInstance } from "./datum.ts";
import type { Digest } from "./digest.ts";
import { invalidField } from "./error.ts";
import { NO_FILTER } from "./filter.ts";
import { LIMITS } from "./limits.ts";
import {
  DEFAULT_NAMESPACE,
  checkShortName,
  serviceKeyFromText,
  textFromServiceKey,
  type ServiceKey,
} from "./service-key.ts";
import { slotId, type SlotId } from "./slot.ts";
import type { UpdatePart } from "./update-parts.ts";
import { epoch, type Epoch, type Version } from "./version.ts";

/** Which services of a namespace. */
export interface ServicePattern {
  readonly namespace: string;
  /** Empty takes all groups. */
  readonly group: string;
  /** What the names begin with; empty takes all. */
  readonly prefix: string;
}

const PREFIX_PATTERN = /^(?:[A-Za-z0-9][A-Za-z0-9._:@~-]*)?$/;
const PREFIX_RULE = `at most ${LIMITS.serviceLength} letters, digits, ".", "_", ":", "@", "~", "-", beginning with a letter or digit`;

/** A valid pattern; without a namespace of the default one. @throws RegistryError `invalid_field` naming the part. */
export function servicePattern(parts: {
  readonly [Part in keyof ServicePattern]?: string | undefined;
}): ServicePattern {
  const { prefix = "" } = parts;
  if (typeof prefix !== "string" || prefix.length > LIMITS.serviceLength || !PREFIX_PATTERN.test(prefix))
    throw invalidField("prefix", PREFIX_RULE, prefix);
  return {
    namespace: checkShortName("namespace", parts.namespace || DEFAULT_NAMESPACE),
    group: parts.group ? checkShortName("group", parts.group) : "",
    prefix,
  };
}

/** The same text for equal patterns. */
export function textFromPattern({ namespace, group, prefix }: ServicePattern): string {
  return `${namespace}/${group}/${prefix}`;
}

export function isOfPattern({ namespace, group, prefix }: ServicePattern, key: ServiceKey): boolean {
  return namespace === key.namespace && (group === "" || group === key.group) && key.service.startsWith(prefix);
}

// Members -------------------------------------------------------------------------------------------------------------

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An empty list at a version. */
export function emptyServiceList(namespace: string, version: Version): Datum {
  return new Datum({ namespace, group: "", service: "" }, version);
}

export function memberOfService(key: ServiceKey): EncodedInstance {
  const id = textFromServiceKey(key);
  return { id, bytes: encoder.encode(id) };
}

/** Begins the ids of slots, and no text of a service key. */
const SLOT_MARK = "#";

export function idOfSlot(slot: SlotId): string {
  return `${SLOT_MARK}${slot}`;
}

export function isSlotMember(id: string): boolean {
  return id.startsWith(SLOT_MARK);
}

export function memberOfSlot(slot: SlotId, leaderEpoch: Epoch): EncodedInstance {
  return { id: idOfSlot(slot), bytes: encoder.encode(`${idOfSlot(slot)} ${leaderEpoch}`) };
}

export function slotOfMember({ bytes }: EncodedInstance): { readonly slot: SlotId; readonly leaderEpoch: Epoch } {
  const [slot, leaderEpoch] = decoder.decode(bytes).slice(SLOT_MARK.length).split(" ");
  return { slot: slotId(Number(slot)), leaderEpoch: epoch(Number(leaderEpoch)) };
}

// What travels --------------------------------------------------------------------------------------------------------

/** An update of a list, or a part of one, in the words of the list. */
export interface ServicesChange {
  readonly version: Version;
  readonly digest: Digest;
  readonly baseDigest: Digest | undefined;
  readonly services: readonly ServiceKey[];
  readonly removed: readonly ServiceKey[];
  readonly more: boolean;
}

/** The same with the slots that its source can tell of. */
export interface SlottedServicesChange extends ServicesChange {
  readonly slots: readonly { readonly slot: SlotId; readonly leaderEpoch: Epoch }[];
  readonly removedSlots: readonly SlotId[];
}

export function changeFromUpdate({
  version,
  digest,
  baseDigest,
  instances,
  removedIds,
  more,
}: UpdatePart): SlottedServicesChange {
  return {
    version,
    digest,
    baseDigest,
    slots: instances.filter(({ id }) => isSlotMember(id)).map(slotOfMember),
    removedSlots: removedIds.filter(isSlotMember).map((id) => slotId(Number(id.slice(SLOT_MARK.length)))),
    services: instances.filter(({ id }) => !isSlotMember(id)).map(({ id }) => serviceKeyFromText(id)),
    removed: removedIds.filter((id) => !isSlotMember(id)).map(serviceKeyFromText),
    more: more ?? false,
  };
}

/** Lists are only ever told of by those who are sure. */
export function updateFromChange(
  namespace: string,
  { version, digest, baseDigest, services, removed, more, ...rest }: ServicesChange & Partial<SlottedServicesChange>,
): UpdatePart {
  const { slots = [], removedSlots = [] } = rest;
  const key = { namespace, group: "", service: "" };
  const instances = [
    ...slots.map(({ slot, leaderEpoch }) => memberOfSlot(slot, leaderEpoch)),
    ...services.map(memberOfService),
  ];
  const removedIds = [...removedSlots.map(idOfSlot), ...removed.map(textFromServiceKey)];
  return { key, filter: NO_FILTER, version, digest, baseDigest, instances, removedIds, confirmed: true, more };
}
