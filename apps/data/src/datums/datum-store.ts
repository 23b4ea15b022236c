/** The services of the slots this node leads, and the versions it issues for them. */

import {
  assert,
  slotOfText,
  textFromServiceKey,
  type Epoch,
  type ServiceKey,
  type ServiceSummary,
  type SlotId,
  type Version,
} from "@rollcall/core";

import { RegisteredService, type Claim } from "./registered-service.ts";

interface SlotContent {
  readonly leaderEpoch: Epoch;
  /** Changes issued in this epoch; never goes back, also when services come and go. */
  counter: number;
  readonly services: Map<string, RegisteredService>;
}

export class DatumStore {
  readonly #slots = new Map<SlotId, SlotContent>();

  /** Starts a slot with nothing in it. Everything issued from now on is above whatever an earlier epoch issued. */
  open(slot: SlotId, leaderEpoch: Epoch): void {
    const before = this.#slots.get(slot);
    assert(before === undefined || before.leaderEpoch < leaderEpoch, `slot ${slot} is opened once per epoch`);
    this.#slots.set(slot, { leaderEpoch, counter: 0, services: new Map() });
  }

  drop(slot: SlotId): void {
    this.#slots.delete(slot);
  }

  /** The next version of a slot. Skipping one is harmless: versions are compared, not counted. */
  issue(slot: SlotId): Version {
    const content = this.#content(slot);
    content.counter++;
    return { epoch: content.leaderEpoch, counter: content.counter };
  }

  find(key: ServiceKey): RegisteredService | undefined {
    const keyText = textFromServiceKey(key);
    return this.#slots.get(slotOfText(keyText))?.services.get(keyText);
  }

  /** The service, made empty when nobody has registered or asked for it yet. Its slot must be open. */
  obtain(key: ServiceKey): RegisteredService {
    const keyText = textFromServiceKey(key);
    const slot = slotOfText(keyText);
    const content = this.#content(slot);
    const known = content.services.get(keyText);
    if (known !== undefined) return known;
    const service = new RegisteredService(key, keyText, slot, { epoch: content.leaderEpoch, counter: content.counter });
    content.services.set(keyText, service);
    return service;
  }

  /** Lets go of a service that has neither registrations nor tombstones. */
  release(service: RegisteredService): void {
    const services = this.#slots.get(service.slot)?.services;
    // Since the slot was taken over anew another service may have the name; a late tombstone must not take that out.
    if (service.isEmpty && services?.get(service.keyText) === service) services.delete(service.keyText);
  }

  servicesOf(slot: SlotId): Iterable<RegisteredService> {
    return this.#slots.get(slot)?.services.values() ?? [];
  }

  *services(): IterableIterator<RegisteredService> {
    for (const { services } of this.#slots.values()) yield* services.values();
  }

  *claims(): IterableIterator<Claim> {
    for (const service of this.services()) yield* service.claims();
  }

  count(): { readonly services: number; readonly instances: number } {
    let services = 0;
    let instances = 0;
    for (const { datum } of this.services()) {
      if (datum.size > 0) services++;
      instances += datum.size;
    }
    return { services, instances };
  }

  /** Services of a namespace with at least one instance, in the slots that `includes` takes. */
  summaries(namespace: string, includes: (slot: SlotId) => boolean): ServiceSummary[] {
    const summaries: ServiceSummary[] = [];
    for (const { key, slot, datum } of this.services()) {
      if (key.namespace === namespace && datum.size > 0 && includes(slot))
        summaries.push({ key, instances: datum.size });
    }
    return summaries;
  }

  #content(slot: SlotId): SlotContent {
    const content = this.#slots.get(slot);
    assert(content !== undefined, `slot ${slot} is open`);
    return content;
  }
}
