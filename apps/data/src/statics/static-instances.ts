/**
 * Instances that operators have put: they are listed for as long as their control records are there. The leader of a slot
 * makes a claim of each, which from then on is like any other: versions, followers and the disk know no difference. Its
 * version is that of the record, so a record that was put anew replaces the claim, and a claim of a record that this node
 * has not heard of yet is left alone until it has.
 */

import {
  slotOfServiceKey,
  textFromServiceKey,
  type ControlRecord,
  type Epoch,
  type Instance,
  type SlotId,
  type StaticInstance,
} from "@rollcall/core";

import { STATIC_HOLDER } from "../datums/claim.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { Announcer } from "../notify/announcer.ts";
import type { OwnershipChange } from "../slots/ownership.ts";
import type { SlotWatcher } from "../storage.ts";

type Put = ControlRecord<StaticInstance>;

/** A record that is other than before. */
interface PutChange {
  readonly before: Put | undefined;
  readonly after: Put | undefined;
}

export interface StaticInstancesPorts {
  /** The leader epoch of a slot that this node leads or is taking over. */
  readonly ledAt: (slot: SlotId) => Epoch | undefined;
  /** All control records up to this version are known here. */
  readonly knownVersion: () => number;
  readonly announcer: Announcer;
  readonly encode: (instance: Instance) => Uint8Array;
}

export class StaticInstances implements SlotWatcher {
  readonly #datums: DatumStore;
  readonly #ports: StaticInstancesPorts;
  /** By slot, then by service and instance. */
  readonly #put = new Map<SlotId, Map<string, Put>>();
  /** Slots with claims of records that are newer than those known here, and the version known then. */
  readonly #ahead = new Map<SlotId, number>();
  /** Slots in which a removal that is remembered is newer than the record: after meta was restored from a backup. */
  readonly #blocked = new Set<SlotId>();

  constructor(datums: DatumStore, ports: StaticInstancesPorts) {
    this.#datums = datums;
    this.#ports = ports;
  }

  /** Operators have put other instances than before. */
  adopt(changes: Iterable<PutChange>): void {
    const touched = new Set<SlotId>();
    for (const { before, after } of changes) {
      const { key, instance } = (after ?? before)!.control;
      const slot = slotOfServiceKey(key);
      touched.add(slot);
      const inSlot = this.#put.get(slot) ?? new Map<string, Put>();
      const name = nameOf(textFromServiceKey(key), instance.id);
      if (after === undefined) inSlot.delete(name);
      else inSlot.set(name, after);
      if (inSlot.size === 0) this.#put.delete(slot);
      else this.#put.set(slot, inSlot);
    }
    for (const slot of touched) this.#bring(slot);
  }

  /** Before anybody is shown a slot that is new here, it has what was put there. */
  ownershipChanged({ slot }: OwnershipChange): void {
    this.#bring(slot);
  }

  changed(): void {}
  discarded(): void {}
  completed(): void {}
  dropped(): void {}

  /** What was put and taken back again before this node heard of it is no change of records. */
  sweep(): void {
    for (const [slot, version] of this.#ahead) if (version !== this.#ports.knownVersion()) this.#bring(slot);
    // Until the removal is forgotten. Not again within this look, should it still be there.
    for (const slot of Array.from(this.#blocked)) this.#bring(slot);
  }

  /** Makes the claims of a slot what the records say. */
  #bring(slot: SlotId): void {
    const { announcer, knownVersion, ledAt } = this.#ports;
    this.#ahead.delete(slot);
    this.#blocked.delete(slot);
    const leaderEpoch = ledAt(slot);
    if (leaderEpoch === undefined) return;
    const put = this.#put.get(slot);
    for (const claim of this.#datums.of(slot)?.staticClaims() ?? []) {
      if (claim.version.incarnation > knownVersion()) this.#ahead.set(slot, knownVersion());
      else if (put?.has(nameOf(claim.service.keyText, claim.instanceId)) !== true)
        announcer.end(claim, false, "its record was removed");
    }
    for (const record of put?.values() ?? []) this.#claim(record, leaderEpoch);
  }

  #claim({ version, control: { key, instance } }: Put, leaderEpoch: Epoch): void {
    const { announcer, encode } = this.#ports;
    const service = this.#datums.obtain(key);
    const known = service.find(instance.id, STATIC_HOLDER);
    if (known !== undefined && !known.removed && known.version.incarnation >= version) return;
    const who = { instanceId: instance.id, clientId: STATIC_HOLDER };
    // Whether it is healthy is for probes to say.
    const bytes = encode({ ...instance, health: "healthy" });
    const write = { ...who, kind: "register", key, leaderEpoch, instance: bytes, leaseMs: 0 } as const;
    const outcome = service.merge({ ...write, version: { incarnation: version, counter: 0 } }, STATIC_HOLDER);
    if (outcome.kind === "merged") announcer.put(service, instance.id);
    else this.#blocked.add(slotOfServiceKey(key));
  }
}

function nameOf(keyText: string, instanceId: string): string {
  return `${keyText}/${instanceId}`;
}
