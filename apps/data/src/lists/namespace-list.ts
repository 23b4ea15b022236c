/**
 * Which services of one namespace have an instance, in the slots that this node leads completely; and which slots these
 * are. Of a slot that is still being taken over, or is led by others by now, it says nothing at all: whoever knew
 * something of it goes on knowing that.
 */

import {
  emptyServiceList,
  epoch,
  idOfSlot,
  memberOfService,
  memberOfSlot,
  type Datum,
  type Epoch,
  type SlotId,
  type Version,
} from "@rollcall/core";

import type { RegisteredService } from "../datums/registered-service.ts";

/** Versions of a list are this node's own and mean nothing elsewhere. */
const LIST_EPOCH = epoch(1);

export class NamespaceList {
  readonly namespace: string;
  readonly datum: Datum;
  /** Ids of the services that are listed, by slot: those of a slot go with it. */
  readonly #listed = new Map<SlotId, Set<string>>();

  constructor(namespace: string) {
    this.namespace = namespace;
    this.datum = emptyServiceList(namespace, { epoch: LIST_EPOCH, counter: 0 });
  }

  /** This node leads the slot and has all of it. */
  lead(slot: SlotId, leaderEpoch: Epoch, services: Iterable<RegisteredService>): void {
    this.leave(slot);
    this.#listed.set(slot, new Set());
    this.datum.put(memberOfSlot(slot, leaderEpoch), this.#next());
    for (const service of services) this.look(service);
  }

  leave(slot: SlotId): void {
    const listed = this.#listed.get(slot);
    if (listed === undefined) return;
    this.#listed.delete(slot);
    for (const id of [...listed, idOfSlot(slot)]) this.datum.remove(id, this.#next());
  }

  /** The service may have got its first instance, or lost its last one. Gives whether that is so. */
  look({ key, keyText, slot, datum }: RegisteredService): boolean {
    const listed = this.#listed.get(slot);
    const isThere = datum.size > 0;
    if (listed === undefined || key.namespace !== this.namespace || listed.has(keyText) === isThere) return false;
    if (isThere) {
      listed.add(keyText);
      this.datum.put(memberOfService(key), this.#next());
    } else {
      listed.delete(keyText);
      this.datum.remove(keyText, this.#next());
    }
    return true;
  }

  #next(): Version {
    return { epoch: LIST_EPOCH, counter: this.datum.version.counter + 1 };
  }
}
